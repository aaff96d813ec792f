package main

import (
	"context"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// backend is what the callers of a measurement run on.
type backend func(b *testing.B) []props.Option

func onGoroutines(*testing.B) []props.Option { return nil }

func onThread(*testing.B) []props.Option { return []props.Option{props.Backend(props.Thread)} }

// onHost has a goroutine of its own call what it receives.
func onHost(b *testing.B) []props.Option {
	functions, done := make(chan func(), 1), make(chan struct{})
	go func() {
		for {
			select {
			case fn := <-functions:
				fn()
			case <-done:
				return
			}
		}
	}()
	b.Cleanup(func() { close(done) })
	return []props.Option{props.HostedBy(props.ChannelHost("loop", functions, done))}
}

// callOn makes one call after the other, from outside of any function.
func callOn(on backend) func(*testing.B) {
	return func(b *testing.B) {
		c, ctx := startCaller(b, on(b)...), context.Background()
		for b.Loop() {
			must(actors.CallSoon(ctx, c, one).Wait(ctx))
		}
	}
}

// callGuest has an ordinary caller use its thread.
func callGuest(b *testing.B) {
	c, ctx := startCaller(b), context.Background()
	for b.Loop() {
		must(actors.CallUsing(ctx, c, props.Thread, one).Wait(ctx))
	}
}

// callBatchOn makes n calls, then waits for all of them.
func callBatchOn(on backend, n int) func(*testing.B) {
	return func(b *testing.B) {
		c, ctx := startCaller(b, on(b)...), context.Background()
		ps := make([]*pending.Pending[int], n)
		for b.Loop() {
			callAll(ctx, c, ps)
			waitAll(ctx, ps)
		}
	}
}

// waitOn is a function that calls its own caller and waits, again and again.
func waitOn(on backend) func(*testing.B) {
	return func(b *testing.B) {
		c := startCaller(b, on(b)...)
		waitInside(b, c, c)
	}
}

// waitBetween is a function that does so with another caller.
func waitBetween(on backend) func(*testing.B) {
	return func(b *testing.B) { waitInside(b, startCaller(b, on(b)...), startCaller(b, on(b)...)) }
}

// live starts and stops callers, with one call in between.
func live(on backend) func(*testing.B) {
	return func(b *testing.B) {
		system, ctx := newSystem(), context.Background()
		opts := on(b)
		for b.Loop() {
			c := must(actors.Start(system, opts...))
			must(actors.CallSoon(ctx, c, one).Wait(ctx))
			stop(c)
		}
	}
}
