package main

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

// callIdle makes one synchronous call after the other, from outside of any function.
func callIdle(b *testing.B) {
	c, ctx := startCaller(b), context.Background()
	for b.Loop() {
		must(actors.Call(ctx, c, one))
	}
}

const (
	// many is how many goroutines call at a time. callsOfOne is how many calls each of
	// them makes one after the other.
	many, callsOfOne = 8, 1000
	callsOfMany      = many * callsOfOne
)

// callOfMany has many goroutines call the same caller.
func callOfMany(b *testing.B) {
	c, ctx := startCaller(b), context.Background()
	for b.Loop() {
		atATime(func() { must(actors.Call(ctx, c, one)) })
	}
}

// hopsOfMany has many goroutines ask the same goroutine, each by a channel of its own for
// the answers.
func hopsOfMany(b *testing.B) {
	in := make(chan chan int)
	defer close(in)
	go func() {
		for out := range in {
			out <- 1
		}
	}()
	outs := sync.Pool{New: func() any { return make(chan int) }}
	for b.Loop() {
		atATime(func() {
			out := outs.Get().(chan int)
			in <- out
			<-out
			outs.Put(out)
		})
	}
}

func atATime(call func()) {
	var all sync.WaitGroup
	for range many {
		all.Go(func() {
			for range callsOfOne {
				call()
			}
		})
	}
	all.Wait()
}

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
