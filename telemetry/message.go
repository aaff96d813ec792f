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

// isUser reports whether a message is one of the user's, not of the actor
// system's own.
func isUser(message any) bool {
	switch message.(type) {
	case actor.SystemMessage, actor.AutoReceiveMessage, actor.InfrastructureMessage, actor.MailboxMessage,
		*actor.ReceiveTimeout, *actor.DeadLetterResponse:
		return false
	default:
		return true
	}
}

// messageTypes knows how spans describe messages of the types that were seen.
// There are not many in a program.
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

// messageType is a type of messages, sent and received.
type messageType struct{ send, receive messageOperation }

// messageOperation is what the spans of one operation have in common.
type messageOperation struct {
	span       string
	attributes []attribute.KeyValue
}

func newMessageType(t reflect.Type) *messageType {
	name := "nil"
	if t != nil {
		name = strings.TrimPrefix(t.String(), "*")
	}
	operation := func(verb string, kind attribute.KeyValue) messageOperation {
		return messageOperation{verb + " " + name, []attribute.KeyValue{
			semconv.MessagingSystemKey.String("protoactor"), kind, MessageTypeKey.String(name),
		}}
	}
	return &messageType{
		send:    operation("send", semconv.MessagingOperationTypeSend),
		receive: operation("receive", semconv.MessagingOperationTypeProcess),
	}
}

// describe adds to a span what it says of a message to or of that actor.
func (m *messageOperation) describe(span trace.Span, actor *actor.PID) {
	if span.IsRecording() {
		all := append(make([]attribute.KeyValue, 0, len(m.attributes)+1), m.attributes...)
		span.SetAttributes(append(all, semconv.MessagingDestinationName(actor.GetId()))...)
	}
}

// The kinds of the spans of messages: of those that somebody is to answer, and
// of the others.
var (
	asClient   = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindClient)}
	asServer   = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)}
	asProducer = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindProducer)}
	asConsumer = []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer)}
)
