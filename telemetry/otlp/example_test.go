package otlp_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/otlp"
)

// A program sets OpenTelemetry up first, and sends what is left last.
func Example() {
	ctx := context.Background()
	shutdown, err := otlp.Setup(ctx, "shop")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_ = shutdown(ctx) // there may be no collector
	}()

	system := actor.NewActorSystem()
	caller, err := actors.Start(system, props.Telemetry(telemetry.New()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer caller.Stop()
	_, err = actors.CallSoon(ctx, caller, func(context.Context) (string, error) {
		return "sold", nil
	}).Wait(ctx)
	fmt.Println(err)
}
