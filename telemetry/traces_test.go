package telemetry_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// newSystem returns an actor system that keeps quiet, and whose dead letters
// leave no goroutine behind.
func newSystem() *actor.ActorSystem {
	return actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
		config.DeadLetterThrottleInterval = time.Millisecond
	})
}

// traced is a system, what is seen of it, and a root span to be under.
type traced struct {
	system *actor.ActorSystem
	*telemetry.Telemetry
	spans *tracetest.Recorder
	ctx   context.Context
	end   func()
}

func newTraced(t *testing.T) *traced {
	t.Helper()
	spans := tracetest.NewRecorder()
	s := &traced{
		system:    newSystem(),
		Telemetry: spans.Telemetry(),
		spans:     spans,
	}
	var root api.Span
	s.ctx, root = spans.Tracer().Start(t.Context(), "root")
	s.end = func() { root.End() }
	return s
}

// root returns the root context for the test's span.
func (s *traced) root() *actor.RootContext { return s.Root(s.ctx, s.system.Root) }

// spawn returns an actor of the system that is stopped when the test ends.
func (s *traced) spawn(t *testing.T, props *actor.Props) *actor.PID {
	t.Helper()
	return stopAtEnd(t, s.system, s.root().Spawn(props))
}

func stopAtEnd(t *testing.T, system *actor.ActorSystem, pid *actor.PID) *actor.PID {
	t.Cleanup(func() { require.NoError(t, system.Root.StopFuture(pid).Wait()) })
	return pid
}

// tree draws the spans that have ended, with the types of messages.
func (s *traced) tree() string {
	s.end()
	return s.spans.Tree(tracetest.Attributes(telemetry.MessageTypeKey))
}

// about returns the only span of an operation on a message of a type.
func (s *traced) about(t *testing.T, operation, messageType string) trace.ReadOnlySpan {
	t.Helper()
	var found []trace.ReadOnlySpan
	for _, span := range s.spans.Spans() {
		a := attributesOf(span)
		if a["messaging.operation.name"] == operation && a[telemetry.MessageTypeKey] == messageType {
			found = append(found, span)
		}
	}
	require.Len(t, found, 1, "spans of %s %s", operation, messageType)
	return found[0]
}

func attributesOf(span trace.ReadOnlySpan) map[attribute.Key]string {
	m := make(map[attribute.Key]string)
	for _, a := range span.Attributes() {
		m[a.Key] = a.Value.String()
	}
	return m
}

// lines makes a tree out of lines.
func lines(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

// The messages of the tests.
type (
	ping struct{}
	pong struct{}
)

// echo answers each ping.
func echo(ctx actor.Context) {
	if _, ok := ctx.Message().(*ping); ok {
		ctx.Respond(&pong{})
	}
}

// ask sends a ping and waits for the answer.
func ask(t *testing.T, root *actor.RootContext, pid *actor.PID) {
	t.Helper()
	answer, err := root.RequestFuture(pid, &ping{}, time.Minute).Result()
	require.NoError(t, err)
	assert.IsType(t, &pong{}, answer)
}
