package actors_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// The functions of a caller share its state without locks.
func Example() {
	ctx := context.Background()
	counter, err := actors.Start(actor.NewActorSystem(quiet), props.Name("counter"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer counter.Stop()

	n := 0
	var calling sync.WaitGroup
	for range 100 {
		calling.Go(func() {
			actors.CallSoon(ctx, counter, func(context.Context) (any, error) {
				n++
				return nil, nil
			})
		})
	}
	calling.Wait()

	value, err := actors.CallSoon(ctx, counter, func(context.Context) (int, error) { return n, nil }).Wait(ctx)
	fmt.Println(value, err)
	// Output: 100 <nil>
}

// A caller can be used before it is started. Run makes the goroutine that calls
// it the caller's loop, which is for the main function of a program.
func ExampleNew() {
	c, _ := actors.New(actor.NewActorSystem(quiet))
	actors.CallSoon(context.Background(), c, func(context.Context) (any, error) {
		fmt.Println("hello from", c.State())
		c.Stop()
		return nil, nil
	})
	fmt.Println("nothing has run:", c.State())
	fmt.Println(c.Run(context.Background()))
	fmt.Println(c.State())
	// Output:
	// nothing has run: initial
	// hello from running
	// <nil>
	// stopped
}

func ExampleCaller_Child() {
	parent, _ := actors.Start(actor.NewActorSystem(quiet), props.Name("parent"), props.MaxWorkers(4))
	kid, _ := parent.Child(props.Name("kid"))
	again, _ := parent.Child(props.Name("kid"))
	fmt.Println(kid.ID(), kid == again)

	parent.Stop()
	<-parent.Stopped()
	fmt.Println(kid.State(), parent.State())
	// Output:
	// callers/parent/kid true
	// stopped stopped
}

func ExampleSchedule() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet))
	defer c.Stop()

	slow := func(ctx context.Context) (string, error) { return "never", actors.Sleep(ctx, time.Hour) }
	report := actors.Schedule(ctx, c, slow,
		actors.Named("report"), actors.With("customer", 7), actors.Timeout(time.Millisecond))

	_, err := report.Wait(ctx)
	fmt.Println(report.Name(), report.Metadata()["customer"])
	fmt.Println(errors.Is(err, context.DeadlineExceeded), report.Cancelled()) // err says how far it was
	// Output:
	// report 7
	// true true
}

func ExampleCallLater() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet))
	defer c.Stop()

	begin := time.Now()
	tea := actors.CallLater(ctx, c, 20*time.Millisecond, func(context.Context) (string, error) {
		return "tea is ready", nil
	})
	coffee := actors.CallLater(ctx, c, time.Hour, func(context.Context) (string, error) {
		return "coffee is ready", nil
	})
	coffee.Cancel(errors.New("no beans"))

	fmt.Println(tea.Wait(ctx))
	fmt.Println(time.Since(begin) >= 20*time.Millisecond)
	fmt.Println(coffee.Err())
	// Output:
	// tea is ready <nil>
	// true
	// pending: cancelled: no beans
}

// Workers are for what keeps the turn for long, like computations.
func ExampleToThread() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet), props.MaxWorkers(2))
	defer c.Stop()

	var squares []*pending.Pending[int]
	for i := range 5 {
		squares = append(squares, actors.ToThread(ctx, c, func(context.Context) (int, error) {
			return i * i, nil
		}))
	}
	for _, p := range squares {
		square, _ := p.Wait(ctx)
		fmt.Print(square, " ")
	}
	// Output: 0 1 4 9 16
}

func ExampleCaller_CallDirect() {
	c, _ := actors.Start(actor.NewActorSystem(quiet))
	lines := make(chan string, 1)
	err := c.CallDirect(func() { lines <- "the caller works" })
	fmt.Println(<-lines, err)

	c.Stop()
	fmt.Println(c.CallDirect(func() {}))
	// Output:
	// the caller works <nil>
	// pending: caller stopped
}

// A function that waits is in nobody's way.
func ExampleSleep() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet))
	defer c.Stop()

	slow := actors.CallSoon(ctx, c, func(ctx context.Context) (any, error) {
		fmt.Println("slow begins")
		err := actors.Sleep(ctx, 20*time.Millisecond)
		fmt.Println("slow ends")
		return nil, err
	})
	actors.CallSoon(ctx, c, func(context.Context) (any, error) {
		fmt.Println("quick")
		return nil, nil
	})
	_, err := slow.Wait(ctx)
	fmt.Println(err)
	// Output:
	// slow begins
	// quick
	// slow ends
	// <nil>
}

func ExampleCurrent() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet), props.Name("gopher"))
	defer c.Stop()

	name := actors.CallSoon(ctx, c, func(ctx context.Context) (string, error) {
		current, _ := actors.Current(ctx)
		return current.Name(), nil
	})
	fmt.Println(name.Wait(ctx))
	_, inside := actors.Current(ctx)
	fmt.Println(inside)
	// Output:
	// gopher <nil>
	// false
}

// A goroutine that a function starts itself has no turn to give away.
func ExampleDetach() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet))
	defer c.Stop()

	sum := actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) {
		parts := make(chan int)
		for i := range 3 {
			go func(ctx context.Context) {
				_ = actors.Sleep(ctx, time.Millisecond)
				parts <- i
			}(actors.Detach(ctx))
		}
		return <-parts + <-parts + <-parts, nil
	})
	fmt.Println(sum.Wait(ctx))
	// Output: 3 <nil>
}

// account is an ordinary actor.
type account struct{ balance int }

func (a *account) Receive(ctx actor.Context) {
	if amount, ok := ctx.Message().(int); ok {
		a.balance += amount
		if ctx.Sender() != nil {
			ctx.Respond(a.balance)
		}
	}
}

func ExampleAsCaller() {
	ctx := context.Background()
	system := actor.NewActorSystem(quiet)
	state := &account{}
	asCaller, err := actors.AsCaller(props.MaxQueued(1000))
	if err != nil {
		fmt.Println(err)
		return
	}
	pid := system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return state }, asCaller))
	c, _ := actors.Lookup(system, pid.GetId())
	defer c.Stop()

	system.Root.Send(pid, 100)
	withdrawn := actors.CallSoon(ctx, c, func(context.Context) (int, error) {
		state.balance -= 30 // on the actor's turn, after the message
		return state.balance, nil
	})
	fmt.Println(withdrawn.Wait(ctx))
	// Output: 70 <nil>
}

// An invocation goes wherever a message does.
func ExampleInvoke() {
	system := actor.NewActorSystem(quiet)
	c, _ := actors.Start(system)
	defer c.Stop()

	hello := actors.Invoke(func(ctx context.Context) (string, error) {
		return "hello", actors.Sleep(ctx, time.Millisecond)
	})
	answer, err := system.Root.RequestFuture(c.PID(), hello, time.Minute).Result()
	fmt.Println(answer, err)
	// Output: hello <nil>
}

func ExampleRequest() {
	ctx := context.Background()
	system := actor.NewActorSystem(quiet)
	pid := system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return &account{} }))
	defer system.Root.Stop(pid)

	fmt.Println(actors.Request[int](ctx, system, pid, 100).Wait(ctx))
	fmt.Println(actors.Request[string](ctx, system, pid, 100).WaitSync(ctx))
	_, err := actors.Request[int](ctx, system, system.NewLocalPID("nobody"), 1).Wait(ctx)
	fmt.Println(errors.Is(err, actor.ErrDeadLetter))
	// Output:
	// 100 <nil>
	//  actors: request int to $1: the answer is a int, not a string
	// true
}

func ExamplePipeTo() {
	ctx := context.Background()
	system := actor.NewActorSystem(quiet)
	c, _ := actors.Start(system)
	defer c.Stop()
	printed := make(chan struct{})
	printer := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch message := ctx.Message().(type) {
		case string, error:
			fmt.Printf("%T: %v\n", message, message)
			printed <- struct{}{}
		}
	}))
	defer system.Root.Stop(printer)

	for _, fn := range []func(context.Context) (string, error){
		func(context.Context) (string, error) { return "hello", nil },
		func(context.Context) (string, error) { return "", errors.New("out of paper") },
	} {
		if err := actors.PipeTo(actors.CallSoon(ctx, c, fn), printer); err != nil {
			fmt.Println(err)
		}
		<-printed
	}
	// Output:
	// string: hello
	// *errors.errorString: out of paper
}

// The main caller is there for everybody, and ends with the system's callers.
func ExampleMain() {
	ctx := context.Background()
	system := actor.NewActorSystem(quiet)
	actors.CallSoon(ctx, actors.Main(system), func(context.Context) (any, error) {
		fmt.Println("hello from", actors.Main(system).Name())
		return nil, nil
	})
	fmt.Println(actors.Main(system).Stop(), "since it is protected")

	fmt.Println(actors.Shutdown(ctx, system))
	// Unordered output:
	// hello from $main
	// running since it is protected
	// <nil>
}

// Shutdown finishes what was accepted.
func ExampleShutdown() {
	ctx := context.Background()
	system := actor.NewActorSystem(quiet)
	c, _ := actors.Start(system)
	kid, _ := c.Child()
	for _, c := range []*actors.Caller{actors.Main(system), c, kid} {
		saved := actors.CallLater(ctx, c, time.Millisecond, func(context.Context) (any, error) { return nil, nil })
		defer func() { fmt.Println(c.State(), saved.Err()) }()
	}
	fmt.Println(actors.Shutdown(ctx, system))
	// Output:
	// <nil>
	// stopped <nil>
	// stopped <nil>
	// stopped <nil>
}

func ExampleCaller_Drain() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet))
	done := 0
	for range 3 {
		actors.CallSoon(ctx, c, func(ctx context.Context) (any, error) {
			err := actors.Sleep(ctx, time.Millisecond)
			done++
			return nil, err
		})
	}
	fmt.Println(c.Drain(ctx), done)

	late := actors.CallSoon(ctx, c, func(context.Context) (any, error) { return nil, nil })
	fmt.Println(late.Err())
	// Output:
	// <nil> 3
	// pending: caller stopped
}
