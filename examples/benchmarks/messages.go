package main

import (
	"fmt"
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
	return senders{1, defaultThroughput}.sendBatch(n, opts...)
}

// defaultThroughput is that of protoactor's default dispatcher.
const defaultThroughput = 300

// senders are goroutines that send messages to one actor, whose dispatcher has so large a
// throughput.
type senders struct{ n, throughput int }

// ways are those in which messages come.
var ways = []senders{
	{1, defaultThroughput}, {8, defaultThroughput}, {64, defaultThroughput},
	{1, 1}, {8, 1}, {64, 1}, {8, 10_000},
}

func (s senders) String() string {
	if s.n == 1 {
		return fmt.Sprintf("1 sender, throughput %d", s.throughput)
	}
	return fmt.Sprintf("%d senders, throughput %d", s.n, s.throughput)
}

// each returns how many of about n messages each of them sends.
func (s senders) each(n int) int { return max(1, n/s.n) }

// sendBatch has all of them send about n messages together, then waits for the last one to have
// been received.
func (s senders) sendBatch(n int, opts ...actor.PropsOption) func(*testing.B) {
	opts = append(opts, actor.WithDispatcher(actor.NewDefaultDispatcher(s.throughput)))
	return func(b *testing.B) {
		each := s.each(n)
		system, ticks := newSystem(), newCounter(each*s.n)
		pid := spawn(b, system, func(ctx actor.Context) {
			if _, ok := ctx.Message().(int); ok {
				ticks.tick()
			}
		}, opts...)
		send := func() {
			for range each {
				system.Root.Send(pid, 1)
			}
		}
		for b.Loop() {
			for range s.n - 1 {
				go send()
			}
			send()
			<-ticks.full
		}
	}
}

// figure compares messages to an actor that was made a caller with those to the same
// actor. Both dispatchers are the same.
func (s senders) figure(n int) figure {
	n = s.n * s.each(n)
	return figure{
		number: 16,
		ours:   side{name: "messages to an actor made a caller, " + s.String(), per: n, run: s.sendBatch(n, must(actors.AsCaller()))},
		theirs: side{name: "the same actor, protoactor's default mailbox", per: n, run: s.sendBatch(n)},
		bar:    bar{atMost: 1},
	}
}

func adoptedFigures(n int) (all []figure) {
	for _, s := range ways {
		all = append(all, s.figure(n))
	}
	return all
}
