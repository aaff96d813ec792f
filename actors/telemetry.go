package actors

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// telemetryOf returns who traces what is done with ctx: that of the caller
// whose function runs with it, else the one it carries. It may be nil.
func telemetryOf(ctx context.Context) *telemetry.Telemetry {
	if c, ok := Current(ctx); ok && c.config.Telemetry != nil {
		return c.config.Telemetry
	}
	return telemetry.FromContext(ctx)
}

// telemetryBehind returns who traces a pending, or nil.
func telemetryBehind(h pending.Handle) *telemetry.Telemetry {
	if f, ok := pending.RunnerOf(h).(*frame); ok {
		return f.caller().config.Telemetry
	}
	return telemetry.FromContext(h.Context())
}
