package telemetry_test

import (
	"context"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// BenchmarkMessage is a message to a plain actor and what it costs to trace it.
func BenchmarkMessage(b *testing.B) {
	for _, bench := range []struct {
		name     string
		provider trace.TracerProvider // nil for no middleware
	}{
		{"plain", nil},
		{"no provider", noop.NewTracerProvider()},
		{"not sampled", sdk.NewTracerProvider(sdk.WithSampler(sdk.NeverSample()))},
		{"recorded", sdk.NewTracerProvider()},
	} {
		b.Run(bench.name, func(b *testing.B) {
			system := newSystem()
			root := system.Root
			var opts []actor.PropsOption
			if bench.provider != nil {
				t := telemetry.New(telemetry.TracerProvider(bench.provider))
				opts = append(opts, t.Traced())
				ctx, span := bench.provider.Tracer("bench").Start(context.Background(), "root")
				defer span.End()
				root = t.Root(ctx, root)
			}
			received := make(chan struct{}, 1)
			pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(*ping); ok {
					received <- struct{}{}
				}
			}, opts...))
			defer func() { _ = system.Root.StopFuture(pid).Wait() }()
			message := &ping{}
			b.ReportAllocs()
			for b.Loop() {
				root.Send(pid, message)
				<-received
			}
		})
	}
}
