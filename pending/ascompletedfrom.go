package pending

import (
	"context"
	"errors"
	"iter"
)

// errNoMore says that a channel is closed.
var errNoMore = errors.New("pending: no more pendings")

// AsCompletedFrom is [AsCompleted] for pendings that come from a channel, until
// that is closed. It hands out those that are done while it waits for the next
// one; of those that are not it has no more than [MaxConcurrent] at a time, or
// any number if that is zero. When ctx ends or the loop is left it takes no
// more from the channel.
func AsCompletedFrom[H Handle](ctx context.Context, from <-chan H, opts ...CompletedOption) iter.Seq2[H, error] {
	o := joinCompletedOptions(ctx, opts, "AsCompletedFrom")
	if from == nil {
		panic("pending: AsCompletedFrom with a nil channel")
	}
	return func(yield func(H, error) bool) {
		s := stream[H]{completions: newCompletions[Handle](ctx, "AsCompletedFrom"), completedOptions: o, from: from}
		var failed error
		defer o.watch(ctx, "pending.AsCompletedFrom")(&failed)
		defer s.end()
		for {
			h, ok, err := s.step()
			switch {
			case err != nil:
				failed = err
				yield(h, err)
				return
			case !ok, !yield(h, h.Err()):
				return
			}
		}
	}
}

// stream is an iteration over the pendings of a channel. The arrival of the next
// one is a pending among them.
type stream[H Handle] struct {
	*completions[Handle]
	completedOptions
	from    <-chan H
	closed  bool
	arrival *Pending[H]   // nil while it is not waited for
	taker   chan struct{} // closed when nothing is taken any more for the arrival
}

// step returns the next pending that is done, or false at the end of the
// iteration, and what has ended it.
func (s *stream[H]) step() (h H, ok bool, err error) {
	for {
		took, err := s.take()
		if err != nil {
			return h, false, err
		}
		if took && s.limit > 0 {
			continue // as far as it may, like a sequence
		}
		next, ok := s.next()
		switch {
		case ok && next == Handle(s.arrival):
			err = s.arrived()
		case ok:
			return next.(H), true, nil
		case took:
		case s.closed && s.n == 0:
			return h, false, nil
		default:
			err = s.wait()
		}
		if err != nil {
			return h, false, err
		}
	}
}

// take adds the next pending of the channel, or its arrival, if there is room
// for one. It reports whether it did.
func (s *stream[H]) take() (took bool, err error) {
	if s.closed || s.arrival != nil || s.limit > 0 && s.n >= s.limit || s.ctx.Err() != nil {
		return false, nil
	}
	select {
	case h, ok := <-s.from:
		if !ok {
			s.closed = true
			return false, nil
		}
		return true, s.add(h)
	default:
		s.arrival = New[H](context.Background(), Named("pending.AsCompletedFrom"))
		s.taker = make(chan struct{})
		go expect(s.arrival, s.from, s.taker, s.keep)
		return true, s.add(s.arrival)
	}
}

// expect completes the arrival of the next pending of a channel.
func expect[H Handle](arrival *Pending[H], from <-chan H, taker chan<- struct{}, keep bool) {
	select {
	case <-arrival.Done(): // the loop was left
		close(taker)
	case h, ok := <-from:
		close(taker)
		switch {
		case !ok:
			arrival.SetError(errNoMore)
		case !arrival.SetResult(h) && !keep:
			cancelLeft(h)
		}
	}
}

// arrived adds the pending that has arrived.
func (s *stream[H]) arrived() error {
	h, err := s.arrival.Result()
	s.arrival, s.closed = nil, err != nil
	if err != nil {
		return nil
	}
	return s.add(h)
}

// end cancels what is not done.
func (s *stream[H]) end() {
	for _, h := range s.leave() {
		if !s.keep && h != Handle(s.arrival) {
			cancelLeft(h)
		}
	}
	if s.arrival == nil {
		return
	}
	left := s.arrival.Cancel(errLeft)
	<-s.taker // whatever comes after the loop is for others
	if left || s.keep {
		return
	}
	if h, err := s.arrival.Result(); err == nil {
		cancelLeft(h) // it was not added any more
	}
}
