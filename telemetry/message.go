package telemetry

import (
	"reflect"
	"strings"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// isUser reports whether a message is a user message, not one of the actor system.
func isUser(message any) bool {
	switch message.(type) {
	case actor.SystemMessage, actor.AutoReceiveMessage, actor.InfrastructureMessage, actor.MailboxMessage,
		*actor.ReceiveTimeout, *actor.DeadLetterResponse:
		return false
	default:
		return true
	}
}

// messageTypes caches the descriptions of messages by their types. A program has
// few types.
type messageTypes struct{ seen sync.Map }

// of returns the description of a message.
func (m *messageTypes) of(message any) *messageType {
	key := reflect.TypeOf(message)
	if known, ok := m.seen.Load(key); ok {
		return known.(*messageType)
	}
	made, _ := m.seen.LoadOrStore(key, newMessageType(key))
	return made.(*messageType)
}

// messageType describes the messages of one type, sent and received.
type messageType struct{ send, receive messageOperation }

// messageOperation is what all spans of one operation share.
type messageOperation struct {
	span       string
	attributes []attribute.KeyValue
}

func newMessageType(t reflect.Type) *messageType {
	name := "nil"
	if t != nil {
		name = strings.TrimPrefix(t.String(), "*")
	}
	name = clean(name)
	operation := func(verb string, kind attribute.KeyValue) messageOperation {
		return messageOperation{verb + " " + name, []attribute.KeyValue{
			semconv.MessagingSystemKey.String("protoactor"), kind, semconv.MessagingOperationName(verb), MessageTypeKey.String(name),
		}}
	}
	return &messageType{
		send:    operation("send", semconv.MessagingOperationTypeSend),
		receive: operation("receive", semconv.MessagingOperationTypeProcess),
	}
}

// describe sets the attributes of a span about a message to or of an actor.
func (m *messageOperation) describe(span trace.Span, actor *actor.PID) {
	defer survive()
	if span.IsRecording() {
		all := append(make([]attribute.KeyValue, 0, len(m.attributes)+1), m.attributes...)
		span.SetAttributes(append(all, text(semconv.MessagingDestinationNameKey, actor.GetId()))...)
	}
}

// The kinds of the spans of messages. Client and server are for messages that want
// an answer.
var (
	asClient   = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient)}
	asServer   = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)}
	asProducer = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindProducer)}
	asConsumer = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer)}
)
