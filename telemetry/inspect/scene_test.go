package inspect_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// hostileName is a name that is code for a page that does not take it as text.
const hostileName = `<script>alert(1)<b>`

// traceID is that of a call of the scene.
const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"

// scene is a busy system: 1000 callers, a circle with calls behind it, a held turn, callers
// near their limits, failures, and a hostile name.
type scene struct {
	system *actor.ActorSystem
	gate   *pending.Pending[int]
	shop   *actors.Caller
	orders *pending.Pending[struct{}] // the call that holds its turn
	open   []pending.Handle           // what has no end by itself
	first  *pending.Pending[struct{}] // of the circle
}

// newScene starts the scene, which ends with the test.
func newScene(t testing.TB, callers int) *scene {
	t.Helper()
	ctx := context.Background()
	s := &scene{system: newSystem(), gate: pending.New[int](ctx, pending.Named("the answer of the bank"))}
	t.Cleanup(func() {
		s.gate.SetResult(1)
		for _, p := range s.open {
			p.Cancel(nil)
		}
		require.NoError(t, actors.Shutdown(ctx, s.system))
	})
	top := func(name string) *actors.Caller {
		c, err := actors.Start(s.system, props.Name(name))
		require.NoError(t, err)
		return c
	}
	child := func(c *actors.Caller, name string, opts ...props.Option) *actors.Caller {
		c, err := c.Child(append(opts, props.Name(name))...)
		require.NoError(t, err)
		return c
	}
	waits := func(c *actors.Caller, name string) {
		began := make(chan struct{})
		actors.Schedule(ctx, c, actors.NoResult(func(ctx context.Context) error {
			close(began)
			_, err := s.gate.Wait(ctx)
			return err
		}), actors.Named(name))
		<-began
	}

	s.shop = top("shop")
	orders := child(s.shop, "orders", props.MaxQueued(10))
	began := make(chan struct{})
	id, err := trace.TraceIDFromHex(traceID)
	require.NoError(t, err)
	traced := trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: trace.SpanID{1, 2, 3}}))
	s.orders = actors.Schedule(traced, orders, actors.NoResult(func(ctx context.Context) error {
		actors.Progress(ctx, 412, 1000, "orders exported")
		close(began)
		<-s.gate.Done()
		return nil
	}), actors.Named("exportOrders"))
	<-began
	for i := range 9 {
		actors.Schedule(ctx, orders, actors.NoResult(func(context.Context) error { return nil }),
			actors.Named(fmt.Sprintf("addOrder %d", i)))
	}
	stock := child(s.shop, "stock")
	s.open = append(s.open, actors.Schedule(ctx, stock, actors.NoResult(func(context.Context) error { return nil }),
		actors.Delay(time.Hour), actors.Named("recount")))
	mail := child(s.shop, "mail")
	mails := actors.NewQueue(mail, func(ctx context.Context, n int) error {
		_, err := s.gate.Wait(ctx)
		return err
	}, actors.QueueName("letters"), actors.QueueCapacity(20))
	s.open = append(s.open, mails.Pending())
	for i := range 5 {
		require.NoError(t, mails.Put(i))
	}
	waits(top("bank"), "transfer")

	s.circle(t, top("ledger"), top("audit"))
	s.open = append(s.open, s.first)
	for i := range 3 {
		report := child(s.shop, fmt.Sprintf("report-%d", i+1))
		actors.Schedule(ctx, report, actors.NoResult(func(ctx context.Context) error {
			_, err := s.first.Wait(ctx)
			return err
		}), actors.Named("monthly"))
	}
	flaky := top("flaky")
	for i := range 3 {
		require.Error(t, actors.Do(ctx, flaky, func(context.Context) error {
			if i == 1 {
				panic("index out of range [3] with length 3")
			}
			return errors.New("no route to the printer")
		}, actors.Named("print")))
	}
	waits(top(hostileName), `javascript:alert(2)<img src=x onerror=alert(3)>`)

	fleet := top("fleet")
	for i := range callers - 13 {
		device := child(fleet, fmt.Sprintf("device-%03d", i+1))
		actors.Schedule(ctx, device, actors.NoResult(func(context.Context) error { return nil }))
		if i%97 == 0 {
			waits(device, "measure")
		}
	}
	return s
}

// late has a turn be held, and a call wait, which begin now.
func (s *scene) late(t testing.TB) {
	t.Helper()
	ctx := context.Background()
	c, err := s.shop.Child(props.Name("checkout"))
	require.NoError(t, err)
	actors.Schedule(ctx, c, func(ctx context.Context) (int, error) { return s.gate.Wait(ctx) }, actors.Named("pay"))
	actors.Schedule(ctx, c, actors.NoResult(func(context.Context) error {
		<-s.gate.Done()
		return nil
	}), actors.Named("printReceipt"))
}

// circle has the functions of two callers wait for each other, for an hour at most.
func (s *scene) circle(t testing.TB, a, b *actors.Caller) {
	t.Helper()
	ctx := context.Background()
	second := pending.New[*pending.Pending[struct{}]](ctx)
	s.first = actors.Schedule(ctx, a, actors.NoResult(func(ctx context.Context) error {
		other, err := second.Wait(ctx)
		if err == nil {
			_, err = other.Wait(ctx, pending.Timeout(time.Hour))
		}
		return err
	}), actors.Named("book"))
	second.SetResult(actors.Schedule(ctx, b, actors.NoResult(func(ctx context.Context) error {
		_, err := s.first.Wait(ctx, pending.Timeout(time.Hour))
		return err
	}), actors.Named("check")))
}
