package tracetest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// fakeT keeps what a test would fail with.
type fakeT struct {
	testing.TB
	failure string
}

func (t *fakeT) Helper() {}

func (t *fakeT) Errorf(format string, args ...any) { t.failure += fmt.Sprintf(format, args...) }

// shop records a trace of four spans, and one of a single span with a link.
func shop() *tracetest.Recorder {
	r := tracetest.NewRecorder()
	ctx, checkout := r.Tracer().Start(context.Background(), "checkout", trace.WithSpanKind(trace.SpanKindServer))
	payCtx, pay := r.Tracer().Start(ctx, "pay")
	_, ask := r.Tracer().Start(payCtx, "ask the bank", trace.WithAttributes(attribute.Int("n", 3)))
	ask.RecordError(errors.New("no\nmoney"))
	ask.SetStatus(codes.Error, "no\nmoney")
	ask.End()
	pay.End()
	_, reserve := r.Tracer().Start(ctx, "reserve", trace.WithAttributes(telemetry.OutcomeKey.String("cancelled")))
	reserve.AddEvent("waits", trace.WithAttributes(telemetry.OnKey.String("stock")))
	reserve.End()
	checkout.End()
	_, mail := r.Tracer().Start(context.Background(), "mail",
		trace.WithLinks(trace.Link{SpanContext: pay.SpanContext()}, trace.Link{SpanContext: elsewhere}))
	mail.End()
	return r
}

var elsewhere = trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}})

func TestTreeShowsSpansBelowTheirParents(t *testing.T) {
	shop().AssertTree(t, `
		checkout server
		  pay
		    ask the bank error "no\nmoney"
		  reserve cancelled
		mail linked to pay linked to elsewhere
	`)
}

func TestTreeShowsTheDetailsAskedFor(t *testing.T) {
	shop().AssertTree(t, `
		checkout server
		  pay
		    ask the bank error "no\nmoney" [exception: no; money] n=3
		  reserve cancelled [waits: stock] outcome=cancelled
		mail linked to pay linked to elsewhere
	`, tracetest.Events(), tracetest.Attributes("n", telemetry.OutcomeKey))
}

func TestTreeOfNothingIsEmpty(t *testing.T) {
	assert.Empty(t, tracetest.Tree(nil))
	tracetest.NewRecorder().AssertTree(t, "\n\n")
}

func TestAnotherTreeFailsTheTestWithADiff(t *testing.T) {
	fake := &fakeT{TB: t}
	assert.False(t, shop().AssertTree(fake, `
		checkout server
		  pay
		  reserve cancelled
		mail linked to pay linked to elsewhere
	`))
	assert.Contains(t, fake.failure, `+    ask the bank error "no\nmoney"`)
}

func TestRecorderKnowsWhatIsOpen(t *testing.T) {
	r := tracetest.NewRecorder()
	_, b := r.Tracer().Start(context.Background(), "b")
	_, a := r.Tracer().Start(context.Background(), "a")
	assert.Equal(t, []string{"a", "b"}, r.Open())
	a.End()
	assert.Equal(t, []string{"b"}, r.Open())
	b.End()
	assert.Empty(t, r.Open())
	assert.Len(t, r.Spans(), 2)
	r.Reset()
	assert.Empty(t, r.Spans())
}
