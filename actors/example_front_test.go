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
