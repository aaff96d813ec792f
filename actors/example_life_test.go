package actors_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// A value that makes no sense is an error that names the option.
func ExampleStart() {
	system := actor.NewActorSystem(quiet)
	_, err := actors.Start(system, props.MaxWorkers(-1))
	fmt.Println(err)

	c, err := actors.Start(system, props.Name("printer"), props.MaxQueued(100))
	fmt.Println(c, err)
	c.Stop()
	<-c.Stopped()
	fmt.Println(c)
	// Output:
	// props: MaxWorkers(-1): must not be negative
	// <Caller 🏃 running name="printer" id="callers/printer"> <nil>
	// <Caller 🏁 stopped name="printer" id="callers/printer">
}

// A panic is the error of the one call, and the caller goes on.
func ExampleCallSoon() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet))
	defer c.Stop()

	sum := actors.CallSoon(ctx, c, func(context.Context) (int, error) { return 1 + 1, nil })
	fmt.Println(sum.Wait(ctx))

	broken := actors.CallSoon(ctx, c, func(context.Context) (int, error) { panic("out of paper") })
	_, err := broken.Wait(ctx)
	var crash *pending.PanicError
	fmt.Println(err, errors.As(err, &crash), c.State())
	// Output:
	// 2 <nil>
	// pending: panic: out of paper true running
}

// A function that waits gives its turn away: the one it waits for runs on the
// same caller.
func ExampleCallSoon_wait() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet))
	defer c.Stop()

	p := actors.CallSoon(ctx, c, func(ctx context.Context) (string, error) {
		part := actors.CallSoon(ctx, c, func(context.Context) (string, error) { return "part", nil })
		s, err := part.Wait(ctx)
		return s + " of the whole", err
	})
	fmt.Println(p.Wait(ctx))
	// Output: part of the whole <nil>
}

// A wait that keeps the turn that it needs would never end.
func ExampleCallSoon_deadlock() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet), props.Name("c"))
	defer c.Stop()

	p := actors.Schedule(ctx, c, func(ctx context.Context) (string, error) {
		part := actors.Schedule(ctx, c, func(context.Context) (string, error) { return "part", nil }, actors.Named("part"))
		return part.WaitSync(ctx)
	}, actors.Named("whole"))
	_, err := p.Wait(ctx)
	fmt.Println(err)
	fmt.Println(errors.Is(err, pending.ErrDeadlock))
	// Output:
	// pending: deadlock: callers/c waits for callers/c (whole of callers/c waits for part of callers/c; part of callers/c waits for the turn of callers/c)
	// true
}

// Run is for the goroutine of the main function: it returns when the program is
// to end.
func ExampleCaller_Run() {
	c, _ := actors.New(actor.NewActorSystem(quiet))
	ctx, interrupt := context.WithCancel(context.Background())
	actors.CallLater(ctx, c, time.Hour, func(context.Context) (any, error) { return nil, nil })
	_ = c.CallDirect(interrupt)

	fmt.Println(c.Run(ctx))
	fmt.Println(c.State())
	// Output:
	// <nil>
	// stopped
}

func ExampleCaller_Stop() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet), props.Protected())
	fmt.Println(c.Stop()) // it is protected

	waiting := actors.CallLater(ctx, c, time.Hour, func(context.Context) (any, error) { return nil, nil })
	c.Stop(actors.Force())
	<-c.Stopped()
	fmt.Println(waiting.Err())

	late := actors.CallSoon(ctx, c, func(context.Context) (any, error) { return nil, nil })
	fmt.Println(late.Err(), errors.Is(late.Err(), pending.ErrCancelled))
	// Output:
	// running
	// pending: caller stopped
	// pending: caller stopped true
}

func ExampleCaller_StopWait() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet))
	started := make(chan struct{})
	work := actors.CallSoon(ctx, c, func(ctx context.Context) (string, error) {
		close(started)
		<-ctx.Done()
		return "saved what was done", nil // in time, so it counts
	})
	<-started

	fmt.Println(c.StopWait(ctx))
	fmt.Println(work.Result())
	// Output:
	// <nil>
	// saved what was done <nil>
}

func ExampleLookup() {
	system := actor.NewActorSystem(quiet)
	c, _ := actors.Start(system, props.Name("printer"))
	defer c.Stop()

	found, ok := actors.Lookup(system, "callers/printer")
	fmt.Println(found == c, ok)
	_, ok = actors.Lookup(system, "callers/plotter")
	fmt.Println(ok)
	// Output:
	// true true
	// false
}

func ExampleAll() {
	system := actor.NewActorSystem(quiet)
	for range 3 {
		_, _ = actors.Start(system)
	}
	for c := range actors.All(system) {
		c.Stop()
		<-c.Stopped()
	}
	left := 0
	for range actors.All(system) {
		left++
	}
	fmt.Println("left:", left)
	// Output: left: 0
}

// A policy decides what a panic means for the caller.
func Example_supervision() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet), props.Supervision(supervision.Stop()))
	actors.CallSoon(ctx, c, func(context.Context) (any, error) { panic("on fire") })
	<-c.Stopped()

	late := actors.CallSoon(ctx, c, func(context.Context) (any, error) { return nil, nil })
	fmt.Println(late.Err())
	// Output: pending: caller stopped: pending: panic: on fire
}
