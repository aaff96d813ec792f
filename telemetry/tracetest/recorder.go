package tracetest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	sdktest "go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// Recorder keeps spans in memory. It is made by [NewRecorder]. It is safe for
// concurrent use.
type Recorder struct {
	spans    *sdktest.SpanRecorder
	provider *sdk.TracerProvider
}

// NewRecorder returns an empty recorder. Options are for the provider of the SDK
// behind it, for example a sampler. Without a sampler every span is recorded.
func NewRecorder(opts ...sdk.TracerProviderOption) *Recorder {
	spans := sdktest.NewSpanRecorder()
	return &Recorder{spans, sdk.NewTracerProvider(append(opts, sdk.WithSpanProcessor(spans))...)}
}

// TracerProvider returns the provider whose spans are recorded.
func (r *Recorder) TracerProvider() trace.TracerProvider { return r.provider }

// Tracer returns a tracer whose spans are recorded, for spans of the test itself.
func (r *Recorder) Tracer() trace.Tracer { return r.provider.Tracer("tracetest") }

// Telemetry returns a Telemetry whose spans are recorded. Other options may be
// added.
func (r *Recorder) Telemetry(opts ...telemetry.Option) *telemetry.Telemetry {
	return telemetry.New(append([]telemetry.Option{telemetry.TracerProvider(r.provider)}, opts...)...)
}

// Spans returns the spans that have ended, in the order of their ends.
func (r *Recorder) Spans() []sdk.ReadOnlySpan { return r.spans.Ended() }

// Open returns the names of the spans that have not ended, sorted.
func (r *Recorder) Open() []string {
	var names []string
	for _, span := range r.spans.Started() {
		if span.EndTime().IsZero() {
			names = append(names, span.Name())
		}
	}
	slices.Sort(names)
	return names
}

// Reset forgets all spans. Those that are open are recorded when they end.
func (r *Recorder) Reset() { r.spans.Reset() }

// Tree is [Tree] of the spans that have ended.
func (r *Recorder) Tree(details ...Detail) string { return Tree(r.Spans(), details...) }

// AssertTree fails the test, with a diff, unless the spans that have ended make
// the wanted tree. It reports whether they do. Common indentation and empty lines
// around the tree do not count.
func (r *Recorder) AssertTree(tb testing.TB, want string, details ...Detail) bool {
	tb.Helper()
	return assert.Equal(tb, dedent(want), r.Tree(details...), "the tree of the spans that have ended")
}
