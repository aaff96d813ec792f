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

// messageType describes the messages of one type, for each of the operations.
type messageType [operations]messageOperation

// operation is what is done with a message.
type operation uint8

const (
	send operation = iota
	receive
	request // send it, and wait for the answer
	operations
)

// messageOperation is what all spans of one operation share.
type messageOperation struct {
	name       string
	attributes []attribute.KeyValue
}

func newMessageType(t reflect.Type) *messageType {
	name := "nil"
	if t != nil {
		name = strings.TrimPrefix(t.String(), "*")
	}
	name = clean(name)
	of := func(verb string, kind attribute.KeyValue) messageOperation {
		return messageOperation{verb, []attribute.KeyValue{
			semconv.MessagingSystemKey.String("protoactor"), kind, semconv.MessagingOperationName(verb), MessageTypeKey.String(name),
		}}
	}
	return &messageType{
		send:    of("send", semconv.MessagingOperationTypeSend),
		receive: of("receive", semconv.MessagingOperationTypeProcess),
		request: of("request", semconv.MessagingOperationTypeSend),
	}
}

// destination is the actor that a message is for.
type destination struct {
	id, template string // of the actor; the template is that without what was generated
	server       string // the address of its node; "" for this one
}

// destinationOf describes an actor for what runs in that system.
func destinationOf(pid *actor.PID, system *actor.ActorSystem) destination {
	d := destination{id: pid.GetId(), template: templateOf(pid.GetId())}
	if address := pid.GetAddress(); pid != nil && system != nil && address != system.Address() {
		d.server = address
	}
	return d
}

// generated stands in a template for what protoactor has made up.
const generated = "{id}"

// templateOf returns the id of an actor without what protoactor has made up of it: its
// numbers, each of which begins with a dollar sign.
func templateOf(id string) string {
	if !strings.Contains(id, "$") {
		return id
	}
	parts := strings.Split(id, "/")
	for i, part := range parts {
		if at := strings.LastIndexByte(part, '$'); at >= 0 && isNumber(part[at+1:]) {
			parts[i] = part[:at] + generated
		}
	}
	return strings.Join(parts, "/")
}

// isNumber reports whether s may be a number as protoactor writes it.
func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ~+") == ""
}

// spanName returns the name of the span of an operation on a message to an actor.
func (m *messageOperation) spanName(to destination) string {
	if to.template == "" {
		return m.name
	}
	return m.name + " " + to.template
}

// appendAttributes appends those of a span about a message to an actor.
func (m *messageOperation) appendAttributes(all []attribute.KeyValue, to destination) []attribute.KeyValue {
	all = append(all, m.attributes...)
	all = append(all, text(semconv.MessagingDestinationNameKey, to.id))
	if to.template != to.id {
		all = append(all, text(semconv.MessagingDestinationTemplateKey, to.template), semconv.MessagingDestinationAnonymous(true))
	}
	return appendServer(all, to.server)
}

// describe sets the attributes of a span about a message to or of an actor.
func (m *messageOperation) describe(span trace.Span, to destination) {
	defer survive()
	if span.IsRecording() {
		span.SetAttributes(m.appendAttributes(make([]attribute.KeyValue, 0, maxAttributes), to)...)
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
