package actors

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Progress says how far the function that runs with ctx is: done of total, in any unit, and
// a short text. It is shown by package inspect, and is on the function's span.
//
// Each call replaces what the one before it said. A total of 0 says that it is not known.
// Outside of a function Progress has no effect. It never blocks, and may be called from any
// goroutine.
func Progress(ctx context.Context, done, total int64, text string) {
	requireContext(ctx, "Progress")
	h, ok := pending.Current(ctx)
	if !ok {
		return
	}
	p := &snapshot.Progress{Done: done, Total: total, Text: text}
	future.SetProgress(future.Of(h), p)
	instrument.Progress(ctx, done, total, text)
}
