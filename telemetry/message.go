package telemetry

import (
	"reflect"
	"strings"

	"github.com/asynkron/protoactor-go/actor"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
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

// messageName returns the name of a message's type.
func messageName(message any) string {
	if message == nil {
		return "nil"
	}
	return strings.TrimPrefix(reflect.TypeOf(message).String(), "*")
}

func messageAttributes(operation, message string, target *actor.PID) []attribute.KeyValue {
	return []attribute.KeyValue{
		semconv.MessagingSystemKey.String("protoactor"),
		semconv.MessagingOperationTypeKey.String(operation),
		semconv.MessagingDestinationName(target.GetId()),
		attribute.String("protocaller.message.type", message),
	}
}
