package tracetest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

func Example() {
	ctx := context.Background()
	spans := tracetest.NewRecorder()
	shop, err := actors.Start(actor.NewActorSystem(), props.Name("shop"), props.Telemetry(spans.Telemetry()))
	if err != nil {
		panic(err)
	}
	pay := func(context.Context) (int, error) { return 0, errors.New("no money") }
	_, err = actors.Schedule(ctx, shop, func(ctx context.Context) (int, error) {
		return actors.Schedule(ctx, shop, pay, actors.Named("pay")).Wait(ctx)
	}, actors.Named("checkout")).Wait(ctx)
	fmt.Println(err)
	_ = shop.StopWait(ctx)

	fmt.Print(spans.Tree(tracetest.Events())) // in a test: spans.AssertTree(t, ...)
	// Output:
	// no money
	// checkout error "no money" [suspended: pay, resumed, exception: no money]
	//   pay error "no money" [exception: no money]
}
