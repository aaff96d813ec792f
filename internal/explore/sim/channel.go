package sim

import "reflect"

// channel is what is known of a channel.
type channel struct {
	object
	of any // keeps the channel, so that no other one has its address
}

// channelOf returns what is known of a channel, in a world.
func channelOf(ch any) *channel {
	at := reflect.ValueOf(ch).Pointer()
	c := now.channels[at]
	if c == nil {
		c = &channel{of: ch}
		now.channels[at] = c
	}
	c.isNew()
	return c
}

// Case is a case of a select statement.
type Case struct {
	ch    any
	ready func() bool
}

// OnRecv is the case that receives from a channel. No process may wait to send to it.
func OnRecv[T any](ch <-chan T) Case { return Case{ch, func() bool { return canReceive(ch) }} }

// OnSend is the case that sends to a channel, which has a buffer.
func OnSend[T any](ch chan<- T) Case {
	return Case{ch, func() bool { return ch != nil && len(ch) < cap(ch) }}
}

func canReceive[T any](ch <-chan T) bool {
	if ch == nil {
		return false
	}
	if len(ch) > 0 {
		return true
	}
	select {
	case _, ok := <-ch:
		return !ok
	default:
		return false
	}
}

// Select stands for the select statement. It returns the number of the case that is to be
// done, or -1 for the default.
func Select(hasDefault bool, cases ...Case) int {
	var ready []int
	options := func() int {
		ready = ready[:0]
		for i, c := range cases {
			if c.ready() {
				ready = append(ready, i)
			}
		}
		if len(ready) == 0 && hasDefault {
			return 1
		}
		return len(ready)
	}
	way := 0
	if p := process(); p != nil {
		way = p.Choose(options, inside("select"))
	}
	if options() == 0 {
		panic("select outside of a process would wait")
	}
	if len(ready) == 0 {
		see('d')
		return -1
	}
	i := ready[way]
	see(uint64(i)) //nolint:gosec // Small.
	if now != nil {
		channelOf(cases[i].ch).use()
	}
	return i
}

// Recv stands for the receive operator.
func Recv[T any](ch <-chan T) T {
	Select(false, OnRecv(ch))
	return <-ch
}

// Send stands for the send statement.
func Send[T any](ch chan<- T, v T) {
	Select(false, OnSend(ch))
	ch <- v
}

// Close stands for close.
func Close[T any](ch chan<- T) {
	if now != nil {
		step("close")
		channelOf(ch).use()
	}
	close(ch)
}
