package main

import (
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// callSoon makes one call after the other, from outside of any function.
func callSoon(b *testing.B) { callOn(onGoroutines)(b) }

func requestFuture(b *testing.B) {
	system := newSystem()
	pid := spawn(b, system, answerOne)
	for b.Loop() {
		must(system.Root.RequestFuture(pid, 1, time.Minute).Result())
	}
}

func channelHops(b *testing.B) {
	in, out := make(chan int), make(chan int)
	defer close(in)
	go func() {
		for v := range in {
			out <- v
		}
	}()
	for b.Loop() {
		in <- 1
		<-out
	}
}

// callSoonBatch makes n calls, then waits for all of them.
func callSoonBatch(n int) func(*testing.B) { return callBatchOn(onGoroutines, n) }

func requestFutureBatch(n int) func(*testing.B) {
	return func(b *testing.B) {
		system := newSystem()
		pid := spawn(b, system, answerOne)
		futures := make([]*actor.Future, n)
		for b.Loop() {
			for i := range futures {
				futures[i] = system.Root.RequestFuture(pid, 1, time.Minute)
			}
			for _, f := range futures {
				must(f.Result())
			}
		}
	}
}

// waitGroupBatch has each of n goroutines leave a result.
func waitGroupBatch(n int) func(*testing.B) {
	return func(b *testing.B) {
		results := make([]int, n)
		for b.Loop() {
			var wg sync.WaitGroup
			for i := range results {
				wg.Go(func() { results[i] = 1 })
			}
			wg.Wait()
		}
	}
}
