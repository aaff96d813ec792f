package pending

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/goexit"
)

// errNoMore says that a channel is closed.
var errNoMore = errors.New("pending: no more pendings")

// AsCompletedFrom is [AsCompleted] for pendings from a channel, until the channel is
// closed. It yields pendings that are done while it waits for the next one.
//
// It holds at most [MaxConcurrent] unfinished pendings at a time, or any number if that
// is zero. After the end of ctx, or when the loop is left, it takes no more from the
// channel.
func AsCompletedFrom[H Handle](ctx context.Context, from <-chan H, opts ...CompletedOption) iter.Seq2[H, error] {
	o := joinCompletedOptions(ctx, opts, "AsCompletedFrom")
	if from == nil {
		panic("pending: AsCompletedFrom with a nil channel")
	}
	return func(yield func(H, error) bool) {
		it := chanIterator[H]{Set: future.NewSet[Handle](ctx), completedOptions: o, ctx: ctx, from: from}
		var failed error
		defer o.observe(ctx, "pending.AsCompletedFrom")(&failed)
		defer it.end()
		for {
			h, ok, err := it.step()
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

// chanIterator is an iteration over the pendings of a channel. While it waits
// for the channel, nextPending is one of the collected pendings.
type chanIterator[H Handle] struct {
	*future.Set[Handle]
	completedOptions
	ctx          context.Context
	from         <-chan H
	closed       bool
	nextPending  *Pending[H]   // its result is the next pending; nil if none is awaited
	receiverDone chan struct{} // closed when receiveNext takes nothing more
}

// step returns the next pending that is done. At the end of the iteration it
// returns false, and the error that has ended it.
func (it *chanIterator[H]) step() (h H, ok bool, err error) {
	for {
		took, err := it.take()
		if err != nil {
			return h, false, err
		}
		if took && it.limit > 0 {
			continue // take up to the limit first, like a sequence
		}
		next, ok := it.Next()
		switch {
		case ok && next == Handle(it.nextPending):
			err = it.addReceived()
		case ok:
			return next.(H), true, nil
		case took:
		case it.closed && it.Len() == 0:
			return h, false, nil
		default:
			err = it.Wait()
		}
		if err != nil {
			return h, false, err
		}
	}
}

// take adds the next pending of the channel, or nextPending, if the limit
// allows. It reports whether it did.
func (it *chanIterator[H]) take() (took bool, err error) {
	if it.closed || it.nextPending != nil || it.limit > 0 && it.Len() >= it.limit || it.ctx.Err() != nil {
		return false, nil
	}
	select {
	case h, ok := <-it.from:
		if !ok {
			it.closed = true
			return false, nil
		}
		return true, it.add(h)
	default:
		it.nextPending = New[H](context.Background(), Named("pending.AsCompletedFrom"))
		it.receiverDone = make(chan struct{})
		go receiveNext(it.nextPending, it.from, it.receiverDone, it.keep)
		return true, it.Add(it.nextPending)
	}
}

// receiveNext completes nextPending with the next pending of the channel.
func receiveNext[H Handle](nextPending *Pending[H], from <-chan H, receiverDone chan<- struct{}, keep bool) {
	select {
	case <-nextPending.Done(): // it was cancelled: the loop was left
		close(receiverDone)
	case h, ok := <-from:
		close(receiverDone)
		switch {
		case !ok:
			nextPending.SetError(errNoMore)
		case !nextPending.SetResult(h) && !keep:
			cancelLeft(h)
		}
	}
}

// add adds a pending of the channel.
func (it *chanIterator[H]) add(h H) error {
	requirePending(h, "AsCompletedFrom")
	return it.Add(h)
}

// addReceived adds the pending that was received.
func (it *chanIterator[H]) addReceived() error {
	h, err := it.nextPending.Result()
	it.nextPending, it.closed = nil, err != nil
	if err != nil {
		return nil
	}
	return it.add(h)
}

// end cancels the pendings that are not done.
func (it *chanIterator[H]) end() {
	defer it.endNext() // even if a callback ends the goroutine
	left := it.Leave()
	if !it.keep {
		left = slices.DeleteFunc(left, func(h Handle) bool { return h == Handle(it.nextPending) })
		goexit.ForEach(left, cancelLeft[Handle])
	}
}

// endNext ends the wait for the channel.
func (it *chanIterator[H]) endNext() {
	if it.nextPending == nil {
		return
	}
	left := it.nextPending.Cancel(errLeft)
	<-it.receiverDone // after the loop, nothing may be taken from the channel
	if left || it.keep {
		return
	}
	if h, err := it.nextPending.Result(); err == nil {
		cancelLeft(h) // it was received but not added
	}
}
