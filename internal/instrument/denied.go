package instrument

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Denied counts something that another node was denied, by reason. A nil t counts nothing.
func (t *Instruments) Denied(ctx context.Context, reason string) {
	defer survive()
	if t == nil || !t.metrics.denied.Enabled(ctx) {
		return
	}
	t.metrics.denied.Add(ctx, 1, metric.WithAttributeSet(attribute.NewSet(text(ReasonKey, reason))))
}
