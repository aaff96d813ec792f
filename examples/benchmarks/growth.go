package main

import (
	"context"
	"runtime"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// queueAndDrain queues n calls on a caller that is busy, then lets it run and
// waits for all of them.
func queueAndDrain(n int) func(*testing.B) {
	return func(b *testing.B) {
		c, ctx := startCaller(b), context.Background()
		ps := make([]*pending.Pending[int], n)
		for b.Loop() {
			release := block(c)
			callAll(ctx, c, ps)
			release()
			waitAll(ctx, ps)
		}
	}
}

// fanOut is how many children a caller has in the trees that are stopped.
const fanOut = 10

func stopTree(n int) func(*testing.B) {
	return func(b *testing.B) {
		system := newSystem()
		for b.Loop() {
			b.StopTimer()
			root := growTree(must(actors.Start(system)), n)
			runtime.GC() // that of growing is not part of stopping
			b.StartTimer()
			stop(root)
		}
	}
}

// growTree makes root one of n callers, level by level.
func growTree(root *actors.Caller, n int) *actors.Caller {
	tree := make([]*actors.Caller, 1, n)
	tree[0] = root
	for len(tree) < n {
		tree = append(tree, must(tree[(len(tree)-1)/fanOut].Child()))
	}
	return root
}

// suspendChain suspends n functions, each of which waits for the one before it.
func suspendChain(n int) func(*testing.B) {
	return func(b *testing.B) {
		c, ctx := startCaller(b), context.Background()
		for b.Loop() {
			first := pending.New[int](ctx)
			last := first
			for range n {
				before := last
				last = actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) { return before.Wait(ctx) })
			}
			must(actors.CallSoon(ctx, c, one).Wait(ctx)) // all the others wait by then
			b.StopTimer()
			first.SetResult(1)
			must(last.Wait(ctx))
			b.StartTimer()
		}
	}
}
