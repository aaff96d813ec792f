package instrument

import "context"

// Expelled counts that a member was expelled from its cluster. A nil t counts nothing.
func (t *Instruments) Expelled(ctx context.Context) {
	defer survive()
	if t == nil || !t.metrics.expelled.Enabled(ctx) {
		return
	}
	t.metrics.expelled.Add(ctx, 1)
}
