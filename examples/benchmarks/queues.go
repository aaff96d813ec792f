package main

import (
	"context"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

// queueBatch puts n items into a queue, then waits for the last one to have been
// dealt with.
func queueBatch(n int) func(*testing.B) {
	return func(b *testing.B) {
		ticks := newCounter(n)
		q := actors.NewQueue(startCaller(b), func(context.Context, int) error {
			ticks.tick()
			return nil
		})
		for b.Loop() {
			for i := range n {
				check(q.Put(i))
			}
			<-ticks.full
		}
	}
}

// channelBatch is the same with a channel, and a goroutine that reads from it.
func channelBatch(n int) func(*testing.B) {
	return func(b *testing.B) {
		ticks, items := newCounter(n), make(chan int, 1024)
		defer close(items)
		go func() {
			for range items {
				ticks.tick()
			}
		}()
		for b.Loop() {
			for i := range n {
				items <- i
			}
			<-ticks.full
		}
	}
}
