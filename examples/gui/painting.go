package main

import (
	"context"
	"iter"
	"runtime"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// start has a picture painted, from now on. What became of it is told to the view
// as a function of its caller too.
func (v *view) start() {
	v.painting = actors.CallSoon(context.Background(), v.caller, v.paint)
	v.painting.OnDone(func(p pending.Handle) {
		_ = v.caller.CallDirect(func() { v.report(ending(p)) }) // unless the window is closed
	})
}

func ending(p pending.Handle) string {
	switch {
	case p.Cancelled():
		return "cancelled"
	case p.Err() != nil:
		return p.Err().Error()
	default:
		return "done"
	}
}

// paint is a function of the view's caller. It brings each row that a worker has
// computed to the picture in a turn of its own. There are frames in between.
func (v *view) paint(ctx context.Context) (any, error) {
	v.clear()
	v.report("painting")
	for computed, err := range pending.AsCompleted(ctx, v.computed(ctx), pending.MaxConcurrent(2*runtime.NumCPU())) {
		if err != nil {
			return nil, err
		}
		r, _ := computed.Result()
		copy(v.picture.Pix[v.picture.PixOffset(0, r.y):], r.pixels)
		v.rows++
	}
	return nil, nil
}

// computed yields the calls that compute the rows, on workers.
func (v *view) computed(ctx context.Context) iter.Seq[*pending.Pending[row]] {
	return func(yield func(*pending.Pending[row]) bool) {
		for y := range pictureHeight {
			compute := func(ctx context.Context) (row, error) { return computeRow(ctx, y, v.detail) }
			if !yield(actors.ToThread(ctx, v.caller, compute)) {
				return
			}
		}
	}
}
