package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Denied counts something that another node was denied, by reason. It is for package rpc.
// A nil t counts nothing.
func (t *Telemetry) Denied(ctx context.Context, reason string) {
	defer survive()
	if t == nil || !t.metrics.denied.Enabled(ctx) {
		return
	}
	t.metrics.denied.Add(ctx, 1, metric.WithAttributeSet(attribute.NewSet(text(ReasonKey, reason))))
}
