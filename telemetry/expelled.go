package telemetry

import "context"

// Expelled counts that a member was expelled from its cluster. It is for package rpc.
// A nil t counts nothing.
func (t *Telemetry) Expelled(ctx context.Context) {
	defer survive()
	if t == nil || !t.metrics.expelled.Enabled(ctx) {
		return
	}
	t.metrics.expelled.Add(ctx, 1)
}
