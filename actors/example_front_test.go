package actors_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

// A function that has no result becomes one that the calls take.
func ExampleNoResult() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet))
	defer c.Stop()

	flush := func(context.Context) error { return errors.New("disk full") }
	_, err := actors.CallSoon(ctx, c, actors.NoResult(flush)).Wait(ctx)
	fmt.Println(err)
	// Output: disk full
}

// The calls go on until the pending is cancelled, the context ends, or the caller stops.
func ExampleEvery() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet))
	defer c.Stop()

	n := 0
	third := make(chan struct{})
	p := actors.Every(ctx, c, time.Millisecond, func(context.Context) error {
		if n++; n == 3 {
			close(third)
		}
		return nil
	}, actors.Immediately())
	<-third
	err := p.CancelWait(ctx, nil)
	fmt.Println(err, p.Err())
	// Output: <nil> pending: cancelled
}

// counter is an ordinary actor.
type counter struct{ n int }

func (a *counter) Receive(ctx actor.Context) {
	if n, ok := ctx.Message().(int); ok {
		a.n += n
	}
}

// An ordinary actor becomes a caller where its props are written down.
func ExampleMustAsCaller() {
	ctx := context.Background()
	system := actor.NewActorSystem(quiet)
	a := &counter{}
	pid := system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return a }, actors.MustAsCaller()))
	c, _ := actors.Lookup(system, pid.GetId())

	system.Root.Send(pid, 2)
	system.Root.Send(pid, 3)
	sum := actors.CallSoon(ctx, c, func(context.Context) (int, error) { return a.n, nil })
	fmt.Println(sum.Wait(ctx))
	_ = c.StopWait(ctx)
	// Output: 5 <nil>
}

// The function is called again until it succeeds, at most as often as Attempts says.
func ExampleRetry() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet))
	defer c.Stop()

	n := 0
	fetch := func(context.Context) (string, error) {
		if n++; n < 3 {
			return "", errors.New("connection refused")
		}
		return "page", nil
	}
	retry := actors.Retry(actors.Attempts(3), actors.RetryBackoff(time.Millisecond, time.Second))
	fmt.Println(actors.Schedule(ctx, c, fetch, retry).Wait(ctx))

	n = -10
	_, err := actors.Schedule(ctx, c, fetch, retry).Wait(ctx)
	fmt.Println(err)
	// Output:
	// page <nil>
	// actors: attempt 3 of 3: connection refused
}

// An urgent call starts before what is queued.
func ExampleUrgent() {
	ctx := context.Background()
	c, _ := actors.New(actor.NewActorSystem(quiet)) // it is not started, so calls are queued
	say := func(text string, opts ...actors.CallOption) {
		actors.Schedule(ctx, c, actors.NoResult(func(context.Context) error {
			fmt.Println(text)
			return nil
		}), opts...)
	}
	say("first")
	say("second")
	say("urgent", actors.Urgent())
	_ = c.Start()
	_ = c.Drain(ctx)
	// Output:
	// urgent
	// first
	// second
}

// Call is the synchronous call. On an idle caller the function runs in place.
func ExampleCall() {
	ctx := context.Background()
	account, _ := actors.Start(actor.NewActorSystem(quiet))
	defer account.Stop()

	balance := 100 // the account's: only its functions use it
	left, err := actors.Call(ctx, account, func(context.Context) (int, error) {
		balance -= 30
		return balance, nil
	})
	fmt.Println(left, err)
	// Output: 70 <nil>
}

func ExampleDo() {
	ctx := context.Background()
	account, _ := actors.Start(actor.NewActorSystem(quiet))
	defer account.Stop()

	balance := 100
	err := actors.Do(ctx, account, func(context.Context) error {
		if balance < 130 {
			return errors.New("not enough money")
		}
		balance -= 130
		return nil
	})
	fmt.Println(err)
	// Output: not enough money
}
