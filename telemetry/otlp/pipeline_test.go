package otlp_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/telemetry/otlp"
)

// warnings keeps the messages of a logger.
type warnings struct {
	slog.Handler
	mu  sync.Mutex
	all []string
}

// logged has what is logged during the test kept.
func logged(t *testing.T) *warnings {
	w := &warnings{Handler: slog.DiscardHandler}
	before := slog.Default()
	slog.SetDefault(slog.New(w))
	t.Cleanup(func() { slog.SetDefault(before) })
	return w
}

func (w *warnings) Enabled(context.Context, slog.Level) bool { return true }

func (w *warnings) Handle(_ context.Context, r slog.Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, r.Message)
	return nil
}

func (w *warnings) messages() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all
}

const broken = "otlp: traces do not arrive; this is said once until they do"

// flush makes a span and sends it.
func flush(t *testing.T) error {
	t.Helper()
	span(t, "sale")
	return otel.GetTracerProvider().(*sdk.TracerProvider).ForceFlush(t.Context())
}

func TestACollectorThatCannotBeReachedIsSaidOnce(t *testing.T) {
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		t.Run(protocol, func(t *testing.T) {
			said := logged(t)
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
			t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "50")
			t.Setenv("OTEL_METRICS_EXPORTER", "none")
			shutdown, err := otlp.Setup(t.Context(), "shop")
			require.NoError(t, err)

			for range 3 {
				require.Error(t, flush(t))
				otel.Handle(flush(t)) // as the SDK does with a batch of its own
			}

			assert.Equal(t, []string{broken}, said.messages())
			span(t, "last")
			require.Error(t, shutdown(t.Context()), "the last span is lost")
			assert.Equal(t, []string{broken}, said.messages())
		})
	}
}

func TestTheNextFailureIsSaidAfterRecovery(t *testing.T) {
	said := logged(t)
	var status atomic.Int32
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(status.Load()))
	})))
	t.Setenv("OTEL_METRICS_EXPORTER", "none")
	setUp(t)

	for _, step := range []struct {
		status int
		said   int
	}{
		{http.StatusBadRequest, 1},
		{http.StatusBadRequest, 1},
		{http.StatusOK, 1},
		{http.StatusBadRequest, 2},
		{http.StatusOK, 2},
	} {
		status.Store(int32(step.status))
		assert.Equal(t, step.status != http.StatusOK, flush(t) != nil)
		assert.Len(t, said.messages(), step.said)
	}
}

func TestOtherErrorsOfOpenTelemetryAreSaid(t *testing.T) {
	said := logged(t)
	collect(t, "grpc")
	setUp(t)

	otel.Handle(assert.AnError)
	otel.Handle(assert.AnError)
	assert.Equal(t, []string{"otlp: OpenTelemetry"}, said.messages(), "not again")

	otel.Handle(errors.New("another one"))
	assert.Len(t, said.messages(), 2)
}

// hang has the environment name a collector that takes requests and never
// answers. The channel reports the requests.
func hang(t *testing.T) <-chan struct{} {
	asked := make(chan struct{}, 100)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // before that the server does not see a client go
		asked <- struct{}{}
		<-r.Context().Done()
	})))
	return asked
}

func TestShutdownEndsWithItsContext(t *testing.T) {
	said := logged(t)
	asked := hang(t)
	shutdown, err := otlp.Setup(t.Context(), "shop")
	require.NoError(t, err)
	span(t, "sale")
	count(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- shutdown(ctx) }()
	<-asked
	<-asked // traces and metrics at the same time

	ended2 := make(chan error)
	late, giveUp := context.WithCancel(t.Context())
	go func() { ended2 <- shutdown(late) }()
	giveUp()
	require.ErrorIs(t, <-ended2, context.Canceled, "the second call waits for the first, as long as it may")
	cancel()

	require.ErrorIs(t, <-ended, context.Canceled)
	require.NoError(t, shutdown(t.Context()), "nothing is left to do")
	assert.Empty(t, said.messages(), "the caller has been told")
}

func TestACollectorThatHangsBlocksNobody(t *testing.T) {
	asked := hang(t)
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8")
	t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
	t.Setenv("OTEL_METRICS_EXPORTER", "none")
	logged(t)
	shutdown, err := otlp.Setup(t.Context(), "shop")
	require.NoError(t, err)
	span(t, "first")
	<-asked // and no answer comes

	for range 10_000 {
		span(t, "next")
	}

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err = shutdown(ctx)
	require.ErrorContains(t, err, "spans were not sent")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestErrorOfAShutdownCountsTheSpansOfAllBatches(t *testing.T) {
	asked := hang(t)
	t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2")
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
	t.Setenv("OTEL_METRICS_EXPORTER", "none")
	logged(t)
	shutdown, err := otlp.Setup(t.Context(), "shop")
	require.NoError(t, err)
	for range 9 {
		span(t, "sale")
	}
	<-asked
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorContains(t, shutdown(ctx), "otlp: 9 spans were not sent: ")
}

func TestShutdownWithAContextThatHasEndedSendsWhatIsLeft(t *testing.T) {
	c := collect(t, "http/protobuf")
	shutdown := setUp(t)
	span(t, "sale")
	count(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, shutdown(ctx))
	spans, metrics, _ := c.received()
	assert.Equal(t, []string{"sale"}, spans)
	assert.Equal(t, []string{"sales"}, metrics)
}

func TestErrorThatIsNoneIsHandled(t *testing.T) {
	said := logged(t)
	collect(t, "grpc")
	setUp(t)
	assert.NotPanics(t, func() { otel.Handle(nil) })
	assert.Empty(t, said.messages())
}

// The program makes spans of its own, and one that is no text would lose all that are sent with it.
func TestSpansArriveWhoseTextIsNone(t *testing.T) {
	const noText = "no\xfftext"
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		t.Run(protocol, func(t *testing.T) {
			c := collect(t, protocol)
			shutdown, err := otlp.Setup(t.Context(), noText)
			require.NoError(t, err)
			bad := attribute.String(noText, noText)
			for n, set := range []func(trace.Span){
				func(s trace.Span) { s.SetName(noText) },
				func(s trace.Span) { s.SetAttributes(bad) },
				func(s trace.Span) { s.SetAttributes(attribute.StringSlice("list", []string{"a", noText})) },
				func(s trace.Span) { s.SetStatus(codes.Error, noText) },
				func(s trace.Span) { s.AddEvent(noText) },
				func(s trace.Span) { s.AddEvent("it", trace.WithAttributes(bad)) },
				func(s trace.Span) {
					s.AddLink(trace.Link{SpanContext: s.SpanContext(), Attributes: []attribute.KeyValue{bad}})
				},
				func(trace.Span) {},
			} {
				_, s := otel.Tracer("test").Start(t.Context(), strconv.Itoa(n))
				set(s)
				s.End()
			}
			_, s := otel.Tracer(noText, trace.WithInstrumentationVersion(noText)).Start(t.Context(), "scope")
			s.End()
			require.NoError(t, shutdown(t.Context()))
			spans, _, about := c.received()
			assert.ElementsMatch(t, []string{"no\uFFFDtext", "1", "2", "3", "4", "5", "6", "7", "scope"}, spans)
			assert.Equal(t, "no\uFFFDtext", about[0]["service.name"])
		})
	}
}
