package main

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

// counter tells each time that another n ticks have come.
type counter struct {
	n, left int
	full    chan struct{}
}

func newCounter(n int) *counter { return &counter{n: n, left: n, full: make(chan struct{}, 1)} }

func (c *counter) tick() {
	if c.left--; c.left == 0 {
		c.left = c.n
		c.full <- struct{}{}
	}
}

// callDirectBatch makes n calls, then waits for the last one to have run.
func callDirectBatch(n int) func(*testing.B) {
	return func(b *testing.B) {
		c, ticks := startCaller(b), newCounter(n)
		tick := ticks.tick
		for b.Loop() {
			for range n {
				check(c.CallDirect(tick))
			}
			<-ticks.full
		}
	}
}

// sendBatch sends n messages to an actor, then waits for the last one to have
// been received.
func sendBatch(n int, opts ...actor.PropsOption) func(*testing.B) {
	return func(b *testing.B) {
		system, ticks := newSystem(), newCounter(n)
		pid := spawn(b, system, func(ctx actor.Context) {
			if _, ok := ctx.Message().(int); ok {
				ticks.tick()
			}
		}, opts...)
		for b.Loop() {
			for range n {
				system.Root.Send(pid, 1)
			}
			<-ticks.full
		}
	}
}

func sendAdoptedBatch(n int) func(*testing.B) {
	return sendBatch(n, must(actors.AsCaller()))
}
