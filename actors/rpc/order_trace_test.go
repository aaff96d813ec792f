package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	sdktest "go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	proto "google.golang.org/protobuf/proto"

	otlptrace "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/otlp"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// roleVariable says which part a process has in the order: "shop", "stock" or "bank".
const roleVariable = "RPC_TEST_ROLE"

// purchase says who has a part in it.
type purchase struct{ Item, Stock, Bank string }

// runRole is the main function of a process with a part in the order.
func runRole(role string) error {
	ctx := context.Background()
	shutdown, err := otlp.Setup(ctx, role)
	if err != nil {
		return err
	}
	system := actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	})
	traced := telemetry.New()
	c, err := actors.Start(system, props.Name("clerk"), props.Telemetry(traced))
	if err != nil {
		return err
	}
	stop, err := rpc.Start(system, "127.0.0.1:0", rpc.Authorize(openTheTill(c)))
	err = errors.Join(err, rpc.Handle(system, "order", fulfill), rpc.HandleStream(system, "shelves", shelves),
		rpc.Handle(system, "advice", func(ctx context.Context, _ string) (string, error) {
			return "", actors.Sleep(ctx, time.Hour) // without its turn
		}),
		rpc.Handle(system, "charge", charge))
	if err != nil {
		return err
	}
	fmt.Println(system.Address())
	_, _ = io.Copy(io.Discard, os.Stdin)
	stop()
	return errors.Join(actors.Shutdown(ctx, system), shutdown(ctx))
}

// openTheTill permits all calls. The till is there from the second charge on, so that the bank
// refuses the first attempt.
func openTheTill(c *actors.Caller) func(rpc.Incoming) bool {
	var charges atomic.Int64
	return func(in rpc.Incoming) bool {
		if in.Function != "charge" || charges.Add(1) == 1 {
			return true
		}
		_, err := c.Child(props.Name("till"))
		return err == nil
	}
}

// fulfill is what the shop does: it counts what is in stock, has the bank charge for it, and
// cancels the search for advice.
func fulfill(ctx context.Context, p purchase) (int, error) {
	c, _ := actors.Current(ctx)
	advice := rpc.Call[string, string](ctx, c.System(), rpc.At(p.Stock, "callers/clerk"), "advice", p.Item)
	total := 0
	for n, err := range rpc.Stream[string, int](ctx, c.System(), rpc.At(p.Stock, "callers/clerk"), "shelves", p.Item) {
		if err != nil {
			return 0, err
		}
		total += n
	}
	_, err := rpc.Call[int, bool](ctx, c.System(), rpc.At(p.Bank, "callers/clerk/till"), "charge", total, rpc.Idempotent("")).Wait(ctx)
	advice.Cancel(errors.New("it is paid"))
	return total, err
}

// shelves is what the stock does: it counts on a worker, shelf after shelf.
func shelves(ctx context.Context, _ string) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		c, _ := actors.Current(ctx)
		for shelf := range 3 {
			n, err := actors.Schedule(ctx, c, func(context.Context) (int, error) { return shelf, nil },
				actors.Named("count"), actors.OnWorker()).Wait(ctx)
			if !yield(n, err) {
				return
			}
		}
	}
}

// charge is what the bank does: it asks twice, because the first answer is an error.
func charge(ctx context.Context, _ int) (bool, error) {
	c, _ := actors.Current(ctx)
	var asked atomic.Int64
	return actors.Schedule(ctx, c, func(context.Context) (bool, error) {
		if asked.Add(1) == 1 {
			return false, errSoldOut
		}
		return true, nil
	}, actors.Named("ask for the money"), actors.Retry(actors.Attempts(2), actors.RetryBackoff(time.Millisecond, time.Millisecond))).Wait(ctx)
}

// gathered is a collector of the spans of several processes.
type gathered struct {
	mu    sync.Mutex
	spans sdktest.SpanStubs
}

// ServeHTTP implements [http.Handler].
func (g *gathered) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var request coltrace.ExportTraceServiceRequest
	if err = errors.Join(err, proto.Unmarshal(body, &request)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, of := range request.GetResourceSpans() {
		process := resource.NewSchemaless(attributesFrom(of.GetResource().GetAttributes())...)
		for _, scope := range of.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				g.spans = append(g.spans, stubOf(span, process))
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func stubOf(span *otlptrace.Span, process *resource.Resource) sdktest.SpanStub {
	s := sdktest.SpanStub{
		Name: span.GetName(), SpanContext: contextFrom(span.GetTraceId(), span.GetSpanId()),
		Parent: contextFrom(span.GetTraceId(), span.GetParentSpanId()), SpanKind: trace.SpanKind(span.GetKind()),
		StartTime: time.Unix(0, int64(span.GetStartTimeUnixNano())), EndTime: time.Unix(0, int64(span.GetEndTimeUnixNano())), //nolint:gosec // They are times.
		Attributes: attributesFrom(span.GetAttributes()), Resource: process,
	}
	if span.GetStatus().GetCode() == otlptrace.Status_STATUS_CODE_ERROR {
		s.Status = sdk.Status{Code: codes.Error, Description: span.GetStatus().GetMessage()}
	}
	for _, e := range span.GetEvents() {
		s.Events = append(s.Events, sdk.Event{Name: e.GetName(), Attributes: attributesFrom(e.GetAttributes())})
	}
	for _, l := range span.GetLinks() {
		s.Links = append(s.Links, sdk.Link{SpanContext: contextFrom(l.GetTraceId(), l.GetSpanId())})
	}
	return s
}

func contextFrom(traceID, spanID []byte) trace.SpanContext {
	var config trace.SpanContextConfig
	copy(config.TraceID[:], traceID)
	copy(config.SpanID[:], spanID)
	return trace.NewSpanContext(config)
}

func attributesFrom(list []*common.KeyValue) []attribute.KeyValue {
	var all []attribute.KeyValue
	for _, a := range list {
		key := attribute.Key(a.GetKey())
		switch value := a.GetValue().GetValue().(type) {
		case *common.AnyValue_IntValue:
			all = append(all, key.Int64(value.IntValue))
		case *common.AnyValue_DoubleValue:
			all = append(all, key.Float64(value.DoubleValue))
		default:
			all = append(all, key.String(a.GetValue().GetStringValue()))
		}
	}
	return all
}

// process shows which process a span is of.
func process(span sdk.ReadOnlySpan) string {
	name, _ := span.Resource().Set().Value("service.name")
	return "in " + name.AsString()
}

func TestTraceOfAnOrderThatFourProcessesHaveAPartIn(t *testing.T) {
	alone(t, func(t *testing.T) {
		collector := &gathered{}
		server := httptest.NewServer(collector)
		defer server.Close()
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
		t.Setenv("OTEL_METRICS_EXPORTER", "none")
		var others []*other
		start := func(role string) string {
			o := launch(t, roleVariable+"="+role)
			o.listens(t)
			others = append(others, o)
			return o.address
		}
		shop, stock, bank := start("shop"), start("stock"), start("bank")

		shutdown, err := otlp.Setup(t.Context(), "front")
		require.NoError(t, err)
		system := listen(t)
		front, err := actors.Start(system, props.Name("front"), props.Telemetry(telemetry.New()))
		require.NoError(t, err)
		ctx, checkout := otel.Tracer("test").Start(t.Context(), "checkout")
		total, err := actors.Schedule(ctx, front, func(ctx context.Context) (int, error) {
			return rpc.Call[purchase, int](ctx, system, rpc.At(shop, "callers/clerk"), "order", purchase{"tea", stock, bank}).Wait(ctx)
		}, actors.Named("buy tea")).Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, 3, total)
		checkout.End()
		require.NoError(t, front.StopWait(t.Context()))
		for _, o := range others {
			o.leave(t)
		}
		require.NoError(t, shutdown(t.Context()))

		spans := collector.spans.Snapshots()
		assert.Equal(t, `checkout in front
  buy tea in front method=Schedule
    order client in front method=rpc.Call rpc.response.status_code=ok
      order server in shop method=rpc.Handle rpc.response.status_code=ok
        advice client cancelled in shop method=rpc.Call rpc.response.status_code=cancelled cause=pending: cancelled: it is paid
          advice server cancelled in stock method=rpc.Handle rpc.response.status_code=cancelled cause=rpc: node `+shop+`: pending: cancelled: it is paid
        charge client in shop method=rpc.Call rpc.response.status_code=ok
          charge (retry) client linked to charge in shop rpc.response.status_code=ok
            charge server in bank method=rpc.Handle rpc.response.status_code=ok
              ask for the money in bank method=Schedule
                ask for the money (retry) linked to ask for the money in bank
        shelves client in shop method=rpc.Call rpc.response.status_code=ok
          shelves server in stock method=rpc.Handle rpc.response.status_code=ok
            count in stock method=Schedule
            count in stock method=Schedule
            count in stock method=Schedule
`, tracetest.Tree(spans, process, tracetest.Attributes(telemetry.MethodKey, "rpc.response.status_code", telemetry.CauseKey)))
		attempts := make(map[string]int)
		for _, span := range spans {
			assert.Equal(t, checkout.SpanContext().TraceID(), span.SpanContext().TraceID())
			for _, event := range span.Events() {
				if event.Name == telemetry.EventAttempt {
					attempts[span.Name()]++
				}
			}
			if span.SpanKind() == trace.SpanKindClient {
				assert.Contains(t, []string{shop, stock, bank}, serverOf(span), span.Name())
			}
		}
		assert.Equal(t, map[string]int{"charge": 2, "ask for the money": 2}, attempts)
	})
}
