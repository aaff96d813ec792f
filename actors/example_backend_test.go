package actors_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// One function of an ordinary caller is run on a thread that the caller keeps for
// such functions. Both share its turn, so what they touch needs no lock.
func ExampleCallUsing() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet))
	defer c.Stop()

	sum := 0
	p := actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) {
		sum++
		return actors.CallUsing(ctx, c, props.Thread, func(context.Context) (int, error) {
			sum += 10 // on the thread
			return sum, nil
		}).Wait(ctx)
	})
	fmt.Println(p.Wait(ctx))
	// Output: 11 <nil>
}

// With a thread, the goroutine that calls Run stays on the one it is on, and so do
// all functions: in func main of a program whose init has called
// runtime.LockOSThread that is the main thread.
func ExampleCaller_Run_thread() {
	c, _ := actors.New(actor.NewActorSystem(quiet), props.Backend(props.Thread))
	actors.CallSoon(context.Background(), c, func(ctx context.Context) (any, error) {
		fmt.Println("before the wait")
		err := actors.Sleep(ctx, time.Millisecond)
		fmt.Println("after it")
		c.Stop()
		return nil, err
	})
	fmt.Println(c.Run(context.Background()))
	// Output:
	// before the wait
	// after it
	// <nil>
}

// What callers publish goes to whoever has subscribed to the system's events.
