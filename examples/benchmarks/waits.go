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
