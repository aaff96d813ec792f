package telemetry_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/asynkron/protoactor-go/actor"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

func Example() {
	ctx := context.Background()
	spans := tracetest.NewRecorder() // a program has telemetry/otlp set up the SDK
	t := telemetry.New(telemetry.TracerProvider(spans.TracerProvider()))
	shop, err := actors.Start(actor.NewActorSystem(), props.Telemetry(t))
	if err != nil {
		panic(err)
	}
	defer func() { _ = shop.StopWait(ctx) }()

	pack := func(context.Context) (string, error) { return "parcel", nil }
	_, _ = actors.Schedule(ctx, shop, func(ctx context.Context) (string, error) {
		return actors.Schedule(ctx, shop, pack, actors.Named("pack")).Wait(ctx)
	}, actors.Named("order")).Wait(ctx)

	fmt.Print(spans.Tree(tracetest.Events()))
	// Output:
	// order [suspended: pack, resumed]
	//   pack
}

func ExampleTelemetry_Named() {
	ctx := context.Background()
	spans := tracetest.NewRecorder()
	t := spans.Telemetry()
	shop, err := actors.Start(actor.NewActorSystem(), props.Telemetry(t))
	if err != nil {
		panic(err)
	}
	defer func() { _ = shop.StopWait(ctx) }()

	pack := func(context.Context) (string, error) { return "parcel", nil }
	_ = pending.Run(ctx, func(ctx context.Context) error {
		actors.Schedule(ctx, shop, pack, actors.Named("hat"))
		actors.Schedule(ctx, shop, pack, actors.Named("shoes"))
		return nil
	}, pending.WithObserver(t.Named("pack all")))

	fmt.Print(spans.Tree())
	// Output:
	// pack all
	//   hat
	//   shoes
}

func ExampleLogHandler() {
	l := slog.New(telemetry.LogHandler(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{} // it differs each time
			}
			return a
		},
	})))
	ctx := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{15: 1}, SpanID: trace.SpanID{7: 2},
	}))
	l.InfoContext(ctx, "paid")
	// Output:
	// level=INFO msg=paid trace_id=00000000000000000000000000000001 span_id=0000000000000002
}
