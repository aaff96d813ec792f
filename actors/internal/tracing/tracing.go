// Package tracing finds the telemetry for what code does. Packages actors and rpc share it.
package tracing

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
)

// Source is a [sched.Owner] that has telemetry, or returns nil.
type Source interface {
	// Instruments returns the instruments of the telemetry, or nil.
	Instruments() *instrument.Instruments
}

// Of returns the instruments of the telemetry of ctx, or nil. In a caller's function that is the
// telemetry of the caller. Elsewhere it is the one that was put into ctx.
func Of(ctx context.Context) *instrument.Instruments {
	if running := future.Running(ctx); running != nil {
		if t := behind(running.Runner()); t != nil {
			return t
		}
	}
	return instrument.FromContext(ctx)
}

// behind returns the instruments of the caller of a function, or nil.
func behind(r future.Runner) *instrument.Instruments {
	if task, ok := r.(*sched.Task); ok {
		if s, ok := task.Owner().(Source); ok {
			return s.Instruments()
		}
	}
	return nil
}
