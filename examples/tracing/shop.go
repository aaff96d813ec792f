package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

var (
	errDeclined   = errors.New("the card is declined")
	errGoodEnough = errors.New("the first advice will do")
)

// shop takes orders, with one caller for what they share and one for the mail.
type shop struct {
	system *actor.ActorSystem
	orders *actors.Caller
	mail   *actors.Caller
	stock  *actor.PID
	later  time.Duration // after an order, when its receipt is sent
	traces string        // the address of the traces, up to their ids, if there is one
}

func openShop(system *actor.ActorSystem, t *telemetry.Telemetry, later time.Duration) (*shop, error) {
	orders, err := actors.Start(system, props.Name("orders"), props.Telemetry(t))
	if err != nil {
		return nil, err
	}
	mail, err := orders.Child(props.Name("mail"))
	if err != nil {
		return nil, err
	}
	pid, err := system.Root.SpawnNamed(actor.PropsFromProducer(func() actor.Actor { return &stock{orders} }, t.Traced()), "stock")
	if err != nil {
		return nil, err
	}
	return &shop{system: system, orders: orders, mail: mail, stock: pid, later: later}, nil
}

// close finishes what was accepted.
func (s *shop) close(ctx context.Context) error {
	err := s.orders.Drain(ctx)
	return errors.Join(err, s.system.Root.StopFuture(s.stock).Wait())
}

// traceHeader is the header of an answer with the id of its trace.
const traceHeader = "Trace-Id"

// handler returns the web side of the shop. Each order has a span of its own. It is
// made where the pattern that matched is known, so that the span has it.
func (s *shop) handler() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /order/{item}", otelhttp.NewHandler(http.HandlerFunc(s.serveOrder), "order"))
	return mux
}

func (s *shop) serveOrder(w http.ResponseWriter, r *http.Request) {
	item := r.PathValue("item")
	id := trace.SpanContextFromContext(r.Context()).TraceID().String()
	w.Header().Set(traceHeader, id)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	receipt, err := actors.Schedule(r.Context(), s.orders, func(ctx context.Context) (string, error) {
		return s.order(ctx, item)
	}, actors.Named("order")).Wait(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "%s\ntrace: %s%s\n", receipt, s.traces, id)

	// The context of a request ends with the request, which this does not.
	ctx := context.WithoutCancel(r.Context())
	actors.Schedule(ctx, s.mail, func(context.Context) (string, error) {
		return receipt, nil
	}, actors.Named("send receipt"), actors.Delay(s.later))
}

// order is a function of the caller orders. The caller does other things, for
// this order and for others, whenever this function waits.
func (s *shop) order(ctx context.Context, item string) (receipt string, err error) {
	first := pending.New[string](ctx, pending.Named("first advice"))
	search := actors.Schedule(ctx, s.orders, func(ctx context.Context) (string, error) {
		first.SetResult("a cup")
		return "a better one", actors.Sleep(ctx, time.Hour)
	}, actors.Named("search advice"))
	advice, err := first.Wait(ctx)
	if err != nil {
		return "", err
	}

	taken, err := actors.Request[*taken](ctx, s.system, s.stock, &take{item}).Wait(ctx)
	if err != nil {
		return "", err
	}

	if err := search.CancelWait(ctx, errGoodEnough); err != nil {
		return "", err
	}

	paid := "by card"
	_, err = actors.Schedule(ctx, s.orders, func(context.Context) (bool, error) {
		return false, errDeclined
	}, actors.Named("charge card")).Wait(ctx)
	if errors.Is(err, errDeclined) {
		paid = "on account"
	}
	return fmt.Sprintf("%s, %d left, %s; goes well with %s", item, taken.left, paid, advice), nil
}
