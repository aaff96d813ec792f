package main

import (
	"context"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

// waitOnOther is a function that calls another caller and waits, again and
// again.
func waitOnOther(b *testing.B) { waitBetween(onGoroutines)(b) }

// waitOnSame is a function that does so with its own caller.
func waitOnSame(b *testing.B) { waitOn(onGoroutines)(b) }

func waitInside(b *testing.B, c, called *actors.Caller) {
	loop := func(ctx context.Context) (int, error) {
		for b.Loop() {
			must(actors.CallSoon(ctx, called, one).Wait(ctx))
		}
		return 0, nil
	}
	ctx := context.Background()
	must(actors.CallSoon(ctx, c, loop).Wait(ctx))
}

// callOnOther is a function that makes synchronous calls of another caller.
func callOnOther(b *testing.B) { callInside(b, startCaller(b), startCaller(b)) }

// callOnSame is a function that does so with its own caller.
func callOnSame(b *testing.B) {
	c := startCaller(b)
	callInside(b, c, c)
}

func callInside(b *testing.B, c, called *actors.Caller) {
	loop := func(ctx context.Context) (int, error) {
		for b.Loop() {
			must(actors.Call(ctx, called, one))
		}
		return 0, nil
	}
	ctx := context.Background()
	must(actors.CallSoon(ctx, c, loop).Wait(ctx))
}

// waitInChain has n functions wait, each for the next one.
func waitInChain(n int) func(*testing.B) {
	return func(b *testing.B) {
		c, ctx := startCaller(b), context.Background()
		var link func(left int) func(context.Context) (int, error)
		link = func(left int) func(context.Context) (int, error) {
			return func(ctx context.Context) (int, error) {
				if left == 0 {
					return 1, nil
				}
				return actors.CallSoon(ctx, c, link(left-1)).Wait(ctx)
			}
		}
		for b.Loop() {
			must(actors.CallSoon(ctx, c, link(n)).Wait(ctx))
		}
	}
}

// reenterAfter is an actor that does so with another actor, in the only way
// that leaves its mailbox free.
func reenterAfter(b *testing.B) {
	system, done := newSystem(), make(chan struct{})
	other := spawn(b, system, answerOne)
	var loop func(ctx actor.Context)
	loop = func(ctx actor.Context) {
		if !b.Loop() {
			close(done)
			return
		}
		ctx.ReenterAfter(ctx.RequestFuture(other, 1, time.Minute), func(_ any, err error) {
			check(err)
			loop(ctx)
		})
	}
	pid := spawn(b, system, func(ctx actor.Context) {
		if _, ok := ctx.Message().(int); ok {
			loop(ctx)
		}
	})
	system.Root.Send(pid, 1)
	<-done
}
