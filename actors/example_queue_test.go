package actors_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

func ExampleNewQueue() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet))
	defer c.Stop()

	lines := actors.NewQueue(c, func(_ context.Context, line string) error {
		if line == "" {
			return errors.New("nothing to print") // logged, and counted
		}
		fmt.Println(line)
		return nil
	})
	for _, line := range []string{"first", "", "third"} {
		if err := lines.Put(line); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(lines.CloseWait(ctx), lines.Failed())
	fmt.Println(errors.Is(lines.Put("late"), actors.ErrQueueClosed))
	// Output:
	// first
	// third
	// <nil> 1
	// true
}

// A bounded queue refuses, or makes whoever puts wait.
func ExampleQueueCapacity() {
	ctx := context.Background()
	c, _ := actors.New(actor.NewActorSystem(quiet)) // nothing is dealt with before its start
	defer c.Stop()

	q := actors.NewQueue(c, func(context.Context, int) error { return nil }, actors.QueueCapacity(2), actors.QueueName("jobs"))
	fmt.Println(q.Put(1), q.Put(2))
	fmt.Println(q.Put(3))

	_ = c.Start()
	fmt.Println(q.PutWait(ctx, 3), q.CloseWait(ctx))
	// Output:
	// <nil> <nil>
	// actors: overloaded: 2 items are queued for jobs
	// <nil> <nil>
}

// Everybody who asks for a key has the same queue.
func ExampleQueueFor() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet))
	defer c.Stop()

	for _, word := range []string{"hello", "queue"} {
		printer := actors.QueueFor(c, "printer", func(_ context.Context, word string) error {
			fmt.Println(word)
			return nil
		})
		_ = printer.Put(word)
	}
	fmt.Println(actors.QueueFor[string](c, "printer", nil).CloseWait(ctx))
	// Output:
	// hello
	// queue
	// <nil>
}
