package props_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// What the functions share is made before the first call, made anew after a restart, and
// closed at the end.
func ExampleOnStart() {
	ctx := context.Background()
	var words map[string]int
	c, err := actors.Start(actor.NewActorSystem(quiet),
		props.Supervision(supervision.Restart()),
		props.OnStart(func(context.Context) error {
			words = map[string]int{}
			return nil
		}),
		props.OnStop(func(context.Context) error {
			fmt.Println("closed with", words)
			return nil
		}))
	if err != nil {
		fmt.Println(err)
		return
	}
	count := func(word string) {
		_, err := actors.CallSoon(ctx, c, func(context.Context) (int, error) {
			words[word]++
			if word == "" {
				panic("no word")
			}
			return words[word], nil
		}).Wait(ctx)
		fmt.Println(word, err)
	}
	count("one")
	count("")
	count("two")
	_ = c.StopWait(ctx)
	// Output:
	// one <nil>
	//  pending: panic: no word
	// two <nil>
	// closed with map[two:1]
}

// A start fails with the error of OnStart, and the caller is stopped.
func ExampleOnStop() {
	system := actor.NewActorSystem(quiet)
	c, err := actors.Start(system, props.Name("store"), props.OnStop(func(ctx context.Context) error {
		fmt.Println("closed")
		return nil
	}))
	fmt.Println(c, err)
	_ = c.StopWait(context.Background())

	_, err = actors.Start(system, props.Name("store"), props.OnStart(func(context.Context) error {
		return errors.New("no such file")
	}))
	fmt.Println(err)
	// Output:
	// <Caller 🏃 running name="store" id="callers/store"> <nil>
	// closed
	// actors: OnStart of callers/store: no such file
}
