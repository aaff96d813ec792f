package otlp_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/log/global"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/trace"
	common "go.opentelemetry.io/proto/otlp/common/v1"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/otlp"
)

// both returns a logger to the collector and to the text.
func both() (*slog.Logger, *bytes.Buffer) {
	var text bytes.Buffer
	return slog.New(otlp.LogHandler(slog.NewTextHandler(&text, nil))), &text
}

func quiet(config *actor.Config) {
	config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
}

func TestWhatACallerLogsArrivesWithItsTrace(t *testing.T) {
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		t.Run(protocol, func(t *testing.T) {
			c := collect(t, protocol)
			shutdown := setUp(t)
			logger, text := both()
			t1 := telemetry.New()
			buyer, err := actors.Start(actor.NewActorSystem(quiet), props.Telemetry(t1), props.Logger(logger))
			require.NoError(t, err)
			ids, err := actors.Call(t.Context(), buyer, func(ctx context.Context) (trace.SpanContext, error) {
				buyer.Logger().WarnContext(ctx, "sold out", "item", "tea", slog.Group("shop", "id", 7))
				return trace.SpanContextFromContext(ctx), nil
			})
			require.NoError(t, err)
			require.NoError(t, buyer.StopWait(t.Context()))
			require.NoError(t, shutdown(t.Context()))

			require.Len(t, c.logs, 1)
			record := c.logs[0]
			traceID, spanID := ids.TraceID(), ids.SpanID()
			assert.Equal(t, traceID[:], record.GetTraceId())
			assert.Equal(t, spanID[:], record.GetSpanId())
			assert.Equal(t, "sold out", record.GetBody().GetStringValue())
			assert.Equal(t, "WARN", record.GetSeverityText())
			a := make(map[string]*common.AnyValue)
			for _, kv := range record.GetAttributes() {
				a[kv.GetKey()] = kv.GetValue()
			}
			assert.Equal(t, "tea", a["item"].GetStringValue())
			assert.Contains(t, a, "shop")
			assert.NotContains(t, a, telemetry.TraceIDLog, "the record has it already")
			assert.Contains(t, text.String(), "trace_id="+traceID.String())
			_, _, about := c.received()
			assert.Equal(t, "shop", about[len(about)-1]["service.name"])
		})
	}
}

func TestTextOfLogsArrivesClean(t *testing.T) {
	c := collect(t, "http/protobuf")
	shutdown := setUp(t)
	logger, _ := both()
	const noText = "no\xfftext"
	logger.With(noText, noText).WithGroup(noText).Error(noText, noText, noText, "error", errors.New(noText),
		slog.Group(noText, noText, noText), "list", []string{noText}, "map", map[string]any{noText: noText}, "bytes", []byte(noText))
	logger.Info("fine")
	require.NoError(t, shutdown(t.Context()))

	require.Len(t, c.logs, 2)
	assert.Equal(t, "no\uFFFDtext", c.logs[0].GetBody().GetStringValue())
	assert.True(t, utf8.ValidString(c.logs[0].String()))
}

func TestWhatIsNotShownIsNotSent(t *testing.T) {
	c := collect(t, "http/protobuf")
	shutdown := setUp(t)
	logger, text := both()
	logger.Debug("detail")
	assert.False(t, logger.Enabled(t.Context(), slog.LevelDebug))
	require.NoError(t, shutdown(t.Context()))
	logger.Info("late")
	assert.Empty(t, c.logs)
	assert.Contains(t, text.String(), "late")
	assert.Panics(t, func() { otlp.LogHandler(nil) })
}

func TestLogsAreNotSentIfTheEnvironmentSaysSo(t *testing.T) {
	c := collect(t, "http/protobuf")
	t.Setenv("OTEL_LOGS_EXPORTER", "none")
	shutdown := setUp(t)
	logger, text := both()
	logger.Info("hello")
	require.NoError(t, shutdown(t.Context()))
	assert.Empty(t, c.logs)
	assert.Contains(t, text.String(), "hello")
}

func TestLogsThatDoNotArriveAreSaidOnceAndCounted(t *testing.T) {
	said := logged(t)
	slog.SetDefault(slog.New(otlp.LogHandler(said))) // which sends what it says of itself
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "50")
	t.Setenv("OTEL_METRICS_EXPORTER", "none")
	shutdown, err := otlp.Setup(t.Context(), "shop")
	require.NoError(t, err)
	for range 3 {
		slog.Info("hello")
		otel.Handle(flushLogs(t))
	}
	slog.Info("last")
	require.ErrorContains(t, shutdown(t.Context()), "log records were not sent")
	var failures int
	for _, message := range said.messages() {
		if message == "otlp: logs do not arrive; this is said once until they do" {
			failures++
		}
	}
	assert.Equal(t, 1, failures)
}

func flushLogs(t *testing.T) error {
	t.Helper()
	return global.GetLoggerProvider().(*sdklog.LoggerProvider).ForceFlush(t.Context())
}

// lying is a value whose methods panic.
type lying struct{}

func (lying) Error() string                { panic("bang") }
func (*lying) String() string              { panic("bang") }
func (lying) LogValue() slog.Value         { panic("bang") }
func (lying) MarshalText() ([]byte, error) { panic("bang") }

func TestValuesWhoseMethodsPanicAreLoggedAllTheSame(t *testing.T) {
	c := collect(t, "http/protobuf")
	shutdown := setUp(t)
	logger, _ := both()
	logger.Error("it", "value", lying{}, "pointer", (*lying)(nil), "error", error(lying{}), "channel", make(chan int), "nil", nil)
	logger.WithGroup("").With().Info("")
	require.NoError(t, shutdown(t.Context()))
	assert.Len(t, c.logs, 2)
}

func TestLoggingGoesOnWhileSetupsComeAndGo(t *testing.T) {
	c := collect(t, "http/protobuf")
	logger := slog.New(otlp.LogHandler(slog.DiscardHandler.WithGroup("")))
	loud := slog.New(otlp.LogHandler(&warnings{Handler: slog.DiscardHandler}))
	stop := make(chan struct{})
	var logging sync.WaitGroup
	for range 4 {
		logging.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					logger.Info("hello")
					loud.Info("hello", "n", 1)
				}
			}
		})
	}
	for range 3 {
		shutdown, err := otlp.Setup(t.Context(), "shop")
		require.NoError(t, err)
		loud.Info("while it is there")
		require.NoError(t, shutdown(t.Context()))
	}
	close(stop)
	logging.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	assert.NotEmpty(t, c.logs, "a handler that was made before sends to the Setup that there is")
}
