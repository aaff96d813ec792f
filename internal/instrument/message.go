package instrument

import (
	"context"
	"reflect"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

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

// Destination is the actor that a message is for.
type Destination struct {
	id, template string // of the actor; the template is that without what was generated
	server       string // the address of its node; "" for this one
}

// DestinationOf describes the actor with an id at an address, for the node with that of its
// own.
func DestinationOf(id, address, own string) Destination {
	d := Destination{id: id, template: templateOf(id)}
	if address != own {
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
func (m *messageOperation) spanName(to Destination) string {
	if to.template == "" {
		return m.name
	}
	return m.name + " " + to.template
}

// appendAttributes appends those of a span about a message to an actor.
func (m *messageOperation) appendAttributes(all []attribute.KeyValue, to Destination) []attribute.KeyValue {
	all = append(all, m.attributes...)
	all = append(all, text(semconv.MessagingDestinationNameKey, to.id))
	if to.template != to.id {
		all = append(all, text(semconv.MessagingDestinationTemplateKey, to.template), semconv.MessagingDestinationAnonymous(true))
	}
	return appendServer(all, to.server)
}

// MessageSpan is the span of a message between actors.
type MessageSpan struct {
	instruments *Instruments
	span        trace.Span
}

// Send begins the span of a message that is sent. With asked the sender wants an answer. The
// context has the span.
func (t *Instruments) Send(ctx context.Context, message any, to Destination, asked bool) (context.Context, MessageSpan) {
	start := asProducer
	if asked {
		start = asClient
	}
	return t.beginMessage(ctx, &t.messages.of(message)[send], to, start)
}

// Receive begins the span of a message that an actor has received. With asked the sender wants
// an answer. The context has the span.
func (t *Instruments) Receive(ctx context.Context, message any, to Destination, asked bool) (context.Context, MessageSpan) {
	start := asConsumer
	if asked {
		start = asServer
	}
	return t.beginMessage(ctx, &t.messages.of(message)[receive], to, start)
}

func (t *Instruments) beginMessage(
	ctx context.Context, m *messageOperation, to Destination, start []trace.SpanStartOption,
) (context.Context, MessageSpan) {
	ctx, span := t.startSpan(ctx, m.spanName(to), start...)
	m.describe(span, to)
	return ctx, MessageSpan{t, span}
}

// Fail records that the handler of the message has failed.
func (s MessageSpan) Fail(err error) {
	defer survive()
	err = printable(err)
	s.instruments.recordError(s.span, err, s.instruments.nameOf(err))
}

// End ends the span.
func (s MessageSpan) End() { endSpan(s.span) }

// describe sets the attributes of a span about a message to or of an actor.
func (m *messageOperation) describe(span trace.Span, to Destination) {
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
