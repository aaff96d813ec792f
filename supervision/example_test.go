package supervision_test

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/supervision"
)

func newSystem() *actor.ActorSystem {
	return actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
}

func Example() {
	policy := supervision.Restart(
		supervision.MaxRestarts(3, time.Minute),
		supervision.Backoff(time.Second, 10*time.Second),
	)

	// A caller that fails again as soon as it has been restarted.
	var record supervision.Record
	now := time.Now()
	for range 4 {
		action, delay := record.Decide(policy, now)
		fmt.Println(action, delay)
		now = now.Add(delay)
	}
	// Output:
	// Restart 1s
	// Restart 2s
	// Restart 4s
	// Stop 0s
}

func ExamplePolicy() {
	var policy supervision.Policy
	fmt.Println(policy)

	policy = supervision.Restart(supervision.MaxRestarts(3, time.Minute))
	fmt.Println(policy)
	// Output:
	// Capture()
	// Restart(MaxRestarts(3, 1m0s))
}

func ExamplePolicy_Validate() {
	policy := supervision.Restart(supervision.Backoff(time.Minute, time.Second), supervision.Jitter(0.2))
	fmt.Println(policy.Validate())
	// Output:
	// supervision: Backoff(1m0s, 1s): the longest delay must not be less than the initial one
}

func ExampleRecord_Decide() {
	policy := supervision.Restart(supervision.Backoff(time.Second, 10*time.Second))

	var record supervision.Record
	now := time.Now()
	_, first := record.Decide(policy, now)
	_, second := record.Decide(policy, now.Add(first))
	// Ten seconds of work make the failures before them forgotten.
	_, third := record.Decide(policy, now.Add(first+second+10*time.Second))
	fmt.Println(first, second, third)
	// Output:
	// 1s 2s 1s
}

func ExampleOneForOne() {
	system := newSystem()
	directives := make(chan actor.Directive, 3)
	system.EventStream.Subscribe(func(event any) {
		if event, ok := event.(*actor.SupervisorEvent); ok {
			directives <- event.Directive
		}
	})

	worker := actor.PropsFromFunc(func(ctx actor.Context) {
		if job, ok := ctx.Message().(string); ok {
			panic(errors.New("cannot do " + job))
		}
	})
	supervisor := actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			child := ctx.Spawn(worker)
			for _, job := range []string{"this", "that", "anything"} {
				ctx.Send(child, job)
			}
		}
	}, actor.WithSupervisor(supervision.OneForOne(supervision.Restart(
		supervision.MaxRestarts(2, time.Minute),
		supervision.Backoff(time.Millisecond, time.Second),
	))))
	system.Root.Spawn(supervisor)

	for range 3 {
		fmt.Println(<-directives)
	}
	// Output:
	// RestartDirective
	// RestartDirective
	// StopDirective
}

func ExampleAllForOne() {
	system := newSystem()
	started := make(chan string, 4)

	part := func(name string) *actor.Props {
		return actor.PropsFromFunc(func(ctx actor.Context) {
			switch message := ctx.Message().(type) {
			case *actor.Started:
				started <- name
			case error:
				panic(message)
			}
		})
	}
	pump := make(chan *actor.PID, 1)
	engine := actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			pump <- ctx.Spawn(part("pump"))
			ctx.Spawn(part("valve"))
		}
	}, actor.WithSupervisor(supervision.AllForOne(supervision.Restart())))
	system.Root.Spawn(engine)

	// Both start, and when the pump fails, both start again.
	starts := map[string]int{}
	for range 2 {
		starts[<-started]++
	}
	system.Root.Send(<-pump, errors.New("leak"))
	for range 2 {
		starts[<-started]++
	}
	fmt.Println(starts)
	// Output:
	// map[pump:2 valve:2]
}

func ExampleFailed() {
	system := newSystem()
	system.EventStream.Subscribe(func(event any) {
		switch event := event.(type) {
		case supervision.Failed:
			fmt.Printf("%s failed: %v; %v in %v\n", event.Name, event.Err, event.Action, event.Delay)
		case supervision.Restarted:
			fmt.Printf("%s works again\n", event.Name)
		case supervision.Stopped:
			fmt.Printf("%s has stopped: %v\n", event.Name, event.Err)
		}
	})

	// What a caller publishes when one of its functions panics.
	leak := errors.New("leak")
	system.EventStream.Publish(supervision.Failed{
		Name: "pump", Err: leak, Action: supervision.ActionRestart, Delay: time.Second,
	})
	system.EventStream.Publish(supervision.Restarted{Name: "pump", Err: leak})
	system.EventStream.Publish(supervision.Stopped{Name: "pump"})
	// Output:
	// pump failed: leak; Restart in 1s
	// pump works again
	// pump has stopped: <nil>
}
