package actorstest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// stand is the t that a test would have.
type stand struct {
	testing.TB
	ctx   context.Context
	atEnd []func()
}

func newStand() *stand                     { return &stand{ctx: context.Background()} }
func (s *stand) Helper()                   {}
func (s *stand) Context() context.Context  { return s.ctx }
func (s *stand) Cleanup(fn func())         { s.atEnd = append(s.atEnd, fn) }
func (s *stand) Error(args ...any)         { fmt.Println(args...) }
func (s *stand) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }

func (s *stand) end() {
	for _, fn := range slices.Backward(s.atEnd) {
		fn()
	}
}

func ExampleNewNetwork() {
	t := newStand() // in a test, its t
	defer t.end()

	network := actorstest.NewNetwork(t)
	shop, store := network.System("shop"), network.System("store")
	keeper := store.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if item, ok := ctx.Message().(*wrapperspb.StringValue); ok {
			ctx.Respond(wrapperspb.String("a box of " + item.GetValue()))
		}
	}))

	box, err := actors.Request[*wrapperspb.StringValue](t.Context(), shop,
		actor.NewPID("store", keeper.Id), wrapperspb.String("tea")).Wait(t.Context())
	fmt.Println(box.GetValue(), err)
	// Output:
	// a box of tea <nil>
}

// In a bubble of testing/synctest an hour would do as well.
func ExampleDelay() {
	t := newStand() // in a test, its t
	defer t.end()

	network := actorstest.NewNetwork(t,
		actorstest.Delay(0, time.Millisecond), actorstest.Reorder(), actorstest.Duplication(1), actorstest.Seed(7))
	near, far := network.System("near"), network.System("far")
	probe := actorstest.NewProbe(t, far)

	near.Root.Send(actor.NewPID("far", probe.PID().Id), "news")

	fmt.Println(actorstest.Expect[string](t.Context(), probe))
	fmt.Println(actorstest.Expect[string](t.Context(), probe))
	// Output:
	// news
	// news
}

func ExampleNetwork_Partition() {
	t := newStand() // in a test, its t
	defer t.end()

	network := actorstest.NewNetwork(t)
	near, far := network.System("near"), network.System("far")
	probe := actorstest.NewProbe(t, far)
	to := actor.NewPID("far", probe.PID().Id)

	network.Partition("near", "far")
	near.Root.Send(to, "lost")
	network.Heal("near", "far")
	near.Root.Send(to, "found")

	fmt.Println(actorstest.Expect[string](t.Context(), probe))
	// Output:
	// found
}

func ExampleNetwork_Crash() {
	t := newStand() // in a test, its t
	defer t.end()

	network := actorstest.NewNetwork(t)
	near, far := network.System("near"), network.System("far")
	near.EventStream.Subscribe(func(event any) {
		if down, ok := event.(actorstest.NodeDown); ok {
			fmt.Println("down:", down.Address)
		}
	})
	watcher := actorstest.NewProbe(t, near)
	watcher.Watch(actor.NewPID("far", actorstest.NewProbe(t, far).PID().Id))

	network.Crash("far")

	fmt.Println(actorstest.Expect[*actor.Terminated](t.Context(), watcher).Why)
	// Output:
	// down: far
	// AddressTerminated
}

func ExampleNewProbe() {
	t := newStand() // in a test, its t
	defer t.end()

	system := actorstest.NewSystem(t)
	probe := actorstest.NewProbe(t, system)
	greeter := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if name, ok := ctx.Message().(string); ok {
			ctx.Respond("hello " + name)
		}
	}))

	probe.Request(greeter, "world")
	fmt.Println(actorstest.Expect[string](t.Context(), probe))
	// Output:
	// hello world
}

func ExampleRecordEvents() {
	t := newStand() // in a test, its t
	defer t.end()

	actorstest.NoLeaks(t)
	system := actorstest.NewSystem(t)
	events := actorstest.RecordEvents(t, system)
	worker := actorstest.Start(t, system, props.Name("worker"), props.Supervision(supervision.Restart()))

	actors.CallSoon(t.Context(), worker, func(context.Context) (any, error) { panic(errors.New("out of paper")) })

	fmt.Println(actorstest.ExpectEvent[supervision.Failed](t.Context(), events, "worker").Action)
	fmt.Println(actorstest.ExpectEvent[supervision.Restarted](t.Context(), events, "worker").Name, "is back")
	// Output:
	// Restart
	// worker is back
}
