package actors_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Other functions of a caller run while one waits. A mutex is for state that must not
// change meanwhile.
func Example_mutex() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet))
	defer c.Stop()

	total := 0
	lock := pending.NewMutex(pending.Named("total"))
	add := func(ctx context.Context) (int, error) {
		if err := lock.Lock(ctx); err != nil {
			return 0, err
		}
		defer lock.Unlock()
		before := total
		more, err := actors.ToThread(ctx, c, func(context.Context) (int, error) { return 1, nil }).Wait(ctx)
		total = before + more
		return total, err
	}
	ps := []*pending.Pending[int]{actors.CallSoon(ctx, c, add), actors.CallSoon(ctx, c, add), actors.CallSoon(ctx, c, add)}
	fmt.Println(pending.All(ctx, ps...))

	twice := actors.CallSoon(ctx, c, func(ctx context.Context) (bool, error) {
		if err := lock.Lock(ctx); err != nil {
			return false, err
		}
		defer lock.Unlock()
		return errors.Is(lock.Lock(ctx), pending.ErrDeadlock), nil
	})
	fmt.Println(twice.Wait(ctx))
	// Output:
	// [1 2 3] <nil>
	// true <nil>
}
