package telemetry_test

import (
	"context"
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// A plain actor is part of the trace of the message it receives, and so is what
// it asks callers to do.
func ExampleContextOf() {
	spans := tracetest.NewRecorder() // a program has telemetry.New() here
	t := spans.Telemetry()
	system := newSystem()
	caller, err := actors.Start(system, props.Telemetry(t))
	if err != nil {
		fmt.Println(err)
		return
	}
	clerk := actor.PropsFromFunc(func(ctx actor.Context) {
		if name, ok := ctx.Message().(string); ok {
			greeting := actors.Schedule(telemetry.ContextOf(ctx), caller, func(context.Context) (string, error) {
				return "hello " + name, nil
			}, actors.Named("greet"))
			_ = actors.PipeTo(greeting, ctx.Sender())
		}
	}, t.Traced())
	pid, err := system.Root.SpawnNamed(clerk, "clerk")
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx, span := spans.Tracer().Start(context.Background(), "handler")
	answer, err := actors.Request[string](t.NewContext(ctx), system, pid, "Ann").Wait(ctx)
	span.End()
	fmt.Println(answer, err)
	_ = caller.StopWait(ctx)
	_ = system.Root.StopFuture(pid).Wait()
	fmt.Print(spans.Tree())
	// Output:
	// hello Ann <nil>
	// handler
	//   request clerk client
	//     receive clerk server
	//       greet
}

// A root context for the trace of a context: its messages have spans, and the
// actors it spawns are traced, with their children.
func ExampleTelemetry_Root() {
	spans := tracetest.NewRecorder()
	t := spans.Telemetry()
	system := newSystem()
	ctx, span := spans.Tracer().Start(context.Background(), "handler")

	root := t.Root(ctx, system.Root)
	pid, err := root.SpawnNamed(actor.PropsFromFunc(func(actor.Context) {}), "clerk")
	if err != nil {
		fmt.Println(err)
		return
	}
	root.Send(pid, "hello")
	_ = root.PoisonFuture(pid).Wait()

	span.End()
	fmt.Print(spans.Tree())
	// Output:
	// handler
	//   send clerk producer
	//     receive clerk consumer
}
