package rpc

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

const (
	// waitLimit is far longer than it takes for what was caused to happen.
	waitLimit = time.Minute
	waitStep  = time.Millisecond
)

// newTarget is a receiver with functions that sleep, panic and stream.
func newTarget(tb testing.TB) *receiver {
	r := newReceiver(tb)
	require.NoError(tb, Configure(r.system, DedupWindow(time.Minute, minDedupBytes)))
	require.NoError(tb, Handle(r.system, "panic", func(context.Context, string) (int, error) { panic("boom") }))
	require.NoError(tb, Handle(r.system, "sleep", func(ctx context.Context, _ string) (int, error) {
		return 1, actors.Sleep(ctx, time.Millisecond)
	}))
	require.NoError(tb, HandleStream(r.system, "stream", func(_ context.Context, s string) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for range 5 {
				if !yield(s, nil) {
					return
				}
			}
		}
	}))
	return r
}
