package main

import (
	"context"
	"runtime"
	"sync"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

// heapUnit is what the benchmarks of memory report; all others are about time.
const heapUnit = "heap-B/object"

// measureHeap reports by how much n objects let the heap grow. The function
// that build returns lets go of them.
func measureHeap(b *testing.B, n int, build func(*actor.ActorSystem) (discard func())) {
	var grown float64
	for b.Loop() {
		// A new system each time: the maps of an old one have grown already.
		system := newSystem()
		before := heap()
		discard := build(system)
		grown += heap() - before
		discard()
	}
	b.ReportMetric(grown/float64(b.N*n), heapUnit)
}

// heap returns how many bytes of the heap are in use.
func heap() float64 {
	runtime.GC()
	runtime.GC() // empties the pools of package sync, which survive the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// idleCallers are n children of a caller, each of which has done a call.
func idleCallers(n int) func(*testing.B) {
	return func(b *testing.B) {
		ctx := context.Background()
		measureHeap(b, n, func(system *actor.ActorSystem) func() {
			parent := must(actors.Start(system))
			for range n {
				child := must(parent.Child())
				must(actors.CallSoon(ctx, child, one).Wait(ctx))
			}
			must(actors.CallSoon(ctx, parent, one).Wait(ctx)) // comes after the adoptions
			return func() { stop(parent) }
		})
	}
}

// idleActors are n children of an actor, each of which has received a message.
func idleActors(n int) func(*testing.B) {
	return func(b *testing.B) {
		measureHeap(b, n, func(system *actor.ActorSystem) func() {
			var received sync.WaitGroup
			child := actor.PropsFromFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(int); ok {
					received.Done()
				}
			})
			parent := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(int); !ok {
					return
				}
				// One child at a time: what the runtime keeps of a goroutine
				// is never freed, and would count for the actor.
				for range n {
					received.Add(1)
					ctx.Send(ctx.Spawn(child), 1)
					received.Wait()
				}
				ctx.Respond(1)
			}))
			must(system.Root.RequestFuture(parent, 1, -1).Result())
			return func() { check(system.Root.StopFuture(parent).Wait()) }
		})
	}
}

// queuedPendings are n calls on a caller that is busy.
func queuedPendings(n int) func(*testing.B) {
	return func(b *testing.B) {
		ctx := context.Background()
		measureHeap(b, n, func(system *actor.ActorSystem) func() {
			c := must(actors.Start(system))
			release := block(c)
			for range n {
				actors.CallSoon(ctx, c, one)
			}
			return func() {
				release()
				stop(c)
			}
		})
	}
}
