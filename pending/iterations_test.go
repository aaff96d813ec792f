package pending_test

import (
	"context"
	"iter"
	"testing"
	"testing/synctest"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

type (
	promise  = pending.Pending[int]
	promises = iter.Seq2[*promise, error]
)

// doneWith returns pendings that are done with the values.
func doneWith(t *testing.T, values ...int) (done []*promise) {
	for _, v := range values {
		p := pending.New[int](t.Context())
		p.SetResult(v)
		done = append(done, p)
	}
	return done
}

// open returns pendings that are not done.
func open(t *testing.T, n int) (open []*promise) {
	for range n {
		open = append(open, pending.New[int](t.Context()))
	}
	return open
}

// waysToIterate are the loops over given pendings.
var waysToIterate = map[string]func(context.Context, []*promise, ...pending.CompletedOption) promises{
	"a slice": pending.AsCompletedOf[*promise],
	"a sequence": func(ctx context.Context, items []*promise, opts ...pending.CompletedOption) promises {
		return pending.AsCompleted(ctx, func(yield func(*promise) bool) {
			for _, p := range items {
				if !yield(p) {
					return
				}
			}
		}, opts...)
	},
	"a channel": func(ctx context.Context, items []*promise, opts ...pending.CompletedOption) promises {
		c := make(chan *promise, len(items))
		for _, p := range items {
			c <- p
		}
		close(c)
		return pending.AsCompletedFrom(ctx, c, opts...)
	},
	"a channel that is written to meanwhile": func(ctx context.Context, items []*promise, opts ...pending.CompletedOption) promises {
		return func(yield func(*promise, error) bool) {
			c, left := make(chan *promise), make(chan struct{})
			defer close(left)
			go func() {
				defer close(c)
				for _, p := range items {
					select {
					case c <- p:
					case <-left:
						return
					}
				}
			}()
			pending.AsCompletedFrom(ctx, c, opts...)(yield)
		}
	},
}

// eachWay runs a test in a bubble with each loop.
func eachWay(t *testing.T, test func(t *testing.T, iterate func(context.Context, []*promise, ...pending.CompletedOption) promises)) {
	for name, iterate := range waysToIterate {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, iterate) })
		})
	}
}
