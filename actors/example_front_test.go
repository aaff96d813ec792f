package actors_test

import (
	"context"
	"errors"
	"fmt"

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
