// Package tracing finds the telemetry for what code does. Packages actors and rpc share it.
package tracing

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// Source is a [sched.Owner] that has telemetry, or returns nil.
type Source interface {
	// Telemetry returns the telemetry, or nil.
	Telemetry() *telemetry.Telemetry
}

// Of returns the telemetry of ctx, or nil. In a caller's function it is that of the caller.
// Elsewhere it is that of [telemetry.Telemetry.NewContext].
func Of(ctx context.Context) *telemetry.Telemetry {
	if running := future.Running(ctx); running != nil {
		if t := behind(running.Runner()); t != nil {
			return t
		}
	}
	return telemetry.FromContext(ctx)
}

// behind returns the telemetry of the caller of a function, or nil.
func behind(r future.Runner) *telemetry.Telemetry {
	if task, ok := r.(*sched.Task); ok {
		if s, ok := task.Owner().(Source); ok {
			return s.Telemetry()
		}
	}
	return nil
}
