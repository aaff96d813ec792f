package main

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// newSystem returns an actor system that keeps quiet, and whose dead letters
// leave no goroutine behind.
func newSystem() *actor.ActorSystem {
	return actor.NewActorSystem(
		actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }),
		actor.WithDeadLetterThrottleInterval(time.Millisecond),
	)
}

// startCaller returns a running caller that is stopped when b ends.
func startCaller(b *testing.B, opts ...props.Option) *actors.Caller {
	c := must(actors.Start(newSystem(), opts...))
	b.Cleanup(func() { stop(c) })
	return c
}

func stop(c *actors.Caller) { check(c.StopWait(context.Background())) }

// block keeps a caller busy until release is called.
func block(c *actors.Caller) (release func()) {
	gate := make(chan struct{})
	check(c.CallDirect(func() { <-gate }))
	return func() { close(gate) }
}

// spawn brings an actor to life that is stopped when b ends.
func spawn(b *testing.B, system *actor.ActorSystem, receive actor.ReceiveFunc, opts ...actor.PropsOption) *actor.PID {
	pid := system.Root.Spawn(actor.PropsFromFunc(receive, opts...))
	b.Cleanup(func() { check(system.Root.StopFuture(pid).Wait()) })
	return pid
}

// one is the function that is called wherever it does not matter which.
func one(context.Context) (int, error) { return 1, nil }

// answerOne is the same as an actor.
func answerOne(ctx actor.Context) {
	if _, ok := ctx.Message().(int); ok {
		ctx.Respond(1)
	}
}

// callAll schedules a call for each place in ps.
func callAll(ctx context.Context, c *actors.Caller, ps []*pending.Pending[int]) {
	for i := range ps {
		ps[i] = actors.CallSoon(ctx, c, one)
	}
}

func waitAll(ctx context.Context, ps []*pending.Pending[int]) {
	for _, p := range ps {
		must(p.Wait(ctx))
	}
}

// must returns v. A failure ends the program: there is nothing to measure.
func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
