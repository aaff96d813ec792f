package pending

import (
	"context"
	"errors"
	"iter"
	"slices"
)

// errLeft is why pendings are cancelled that were left behind.
var errLeft = errors.New("pending: left by AsCompleted")

// cancelLeft cancels a pending that was left behind.
func cancelLeft(h Handle) {
	if !h.core().is(flagProtected) {
		cancelFor(h, errLeft)
	}
}

// DefaultMaxConcurrent is how far a sequence is pulled ahead by [AsCompleted].
const DefaultMaxConcurrent = 10

// CompletedOption changes how pendings are iterated over.
type CompletedOption func(*completedOptions)

type completedOptions struct {
	limit    int
	keep     bool
	observer Observer
}

// MaxConcurrent bounds how many pendings are taken from the sequence and not
// yet handed out, instead of [DefaultMaxConcurrent]; with n of zero or less
// there is no bound, and the whole sequence is pulled first. The seed's
// max_concurrent.
func MaxConcurrent(n int) CompletedOption { return func(o *completedOptions) { o.limit = max(n, 0) } }

// KeepUnfinished leaves the pendings alone that are not done when the loop is
// left. The seed's cancel_unfinished=False.
func KeepUnfinished() CompletedOption { return func(o *completedOptions) { o.keep = true } }

// LoopObservedBy has o told of the loop as if it were a pending, from its
// beginning until it is left.
func LoopObservedBy(o Observer) CompletedOption {
	return func(c *completedOptions) { c.observer = o }
}

// AsCompleted iterates over the pendings of a sequence in the order in which
// they are done, each with its error. The sequence is pulled as the loop goes
// on, at most [MaxConcurrent] ahead, so that a sequence that makes calls makes
// them with bounded concurrency:
//
//	for p, err := range pending.AsCompleted(ctx, calls(ctx)) { ... }
//
// Leaving the loop cancels what is not done, unless [KeepUnfinished] is given,
// before the sequence is left. A pending that comes twice is handed out twice.
// A failure of the iteration itself is a last pair of a zero H and the error:
// the end of ctx, after which the sequence is pulled no further and what is
// done is still handed out, or, if the pending is among them whose function
// iterates, at once an error that matches [ErrDeadlock].
//
// The sequence runs on the goroutine, and the turn, of the loop, and a panic of
// it comes out of the loop. Inside a caller's function the loop gives the turn
// away while it waits. The seed's as_completed.
func AsCompleted[H Handle](ctx context.Context, seq iter.Seq[H], opts ...CompletedOption) iter.Seq2[H, error] {
	return asCompleted(ctx, seq, opts, "AsCompleted")
}

func asCompleted[H Handle](ctx context.Context, seq iter.Seq[H], opts []CompletedOption, name string) iter.Seq2[H, error] {
	if seq == nil {
		panic("pending: " + name + " with a nil sequence")
	}
	return asCompleted2(ctx, func(yield func(H, error) bool) {
		for h := range seq {
			if !yield(h, nil) {
				return
			}
		}
	}, opts, name)
}

// AsCompletedOf is [AsCompleted] for pendings that exist, with no limit.
func AsCompletedOf[H Handle](ctx context.Context, items []H, opts ...CompletedOption) iter.Seq2[H, error] {
	return asCompletedOf(ctx, items, opts, "AsCompletedOf")
}

func asCompletedOf[H Handle](ctx context.Context, items []H, opts []CompletedOption, name string) iter.Seq2[H, error] {
	requirePendings(items, name)
	return asCompleted(ctx, slices.Values(items), slices.Concat(opts, []CompletedOption{MaxConcurrent(0)}), name)
}

// AsCompleted2 is [AsCompleted] for a sequence that may fail. Its first error
// ends it; the pendings before it are handed out first.
func AsCompleted2[H Handle](ctx context.Context, seq iter.Seq2[H, error], opts ...CompletedOption) iter.Seq2[H, error] {
	if seq == nil {
		panic("pending: AsCompleted2 with a nil sequence")
	}
	return asCompleted2(ctx, seq, opts, "AsCompleted2")
}

func asCompleted2[H Handle](ctx context.Context, seq iter.Seq2[H, error], opts []CompletedOption, name string) iter.Seq2[H, error] {
	o := joinCompletedOptions(ctx, opts, name)
	return func(yield func(H, error) bool) {
		it := seqIterator[H]{completions: newCompletions[H](ctx, name), completedOptions: o, yield: yield}
		defer o.observe(ctx, "pending.AsCompleted")(&it.failed)
		defer it.end()
		if it.mayPull() {
			for h, err := range seq {
				if !it.take(h, err) {
					break
				}
			}
		}
		it.handOutRest()
	}
}

// joinCompletedOptions returns what the options of a loop say. It panics if one is
// nil, or ctx is.
func joinCompletedOptions(ctx context.Context, opts []CompletedOption, name string) completedOptions {
	requireContext(ctx, name)
	requireOptions(opts, name)
	o := completedOptions{limit: DefaultMaxConcurrent}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// observe tells the observer, if there is one, that a loop begins, and returns what
// tells it of the end, and of what has failed.
func (o *completedOptions) observe(ctx context.Context, name string) func(failed *error) {
	if o.observer == nil {
		return func(*error) {}
	}
	_, observation := o.observer.Observe(ctx, New[struct{}](context.Background(), Named(name)))
	if observation == nil {
		return func(*error) {}
	}
	return func(failed *error) { observation.Done(*failed) }
}

// seqIterator is an iteration in progress.
type seqIterator[H Handle] struct {
	*completions[H]
	completedOptions
	yield    func(H, error) bool
	over     bool
	deadlock error // ends the loop at once
	err      error // ends it when all are handed out
	failed   error // has ended it
}

// mayPull reports whether the sequence may be pulled further. One that has no
// limit is taken as a whole, so that leaving the loop cancels all of it.
func (it *seqIterator[H]) mayPull() bool {
	if it.limit > 0 && it.err == nil && it.ctx.Err() != nil {
		it.err = it.ended()
	}
	return it.err == nil
}

// take adds what the sequence has yielded, and hands out pendings until it may
// be pulled again. It reports whether it is to be.
func (it *seqIterator[H]) take(h H, err error) bool {
	if err != nil {
		it.err = err
		return false
	}
	if err := it.add(h); err != nil {
		it.deadlock = err
	}
	if it.limit == 0 {
		return true
	}
	return it.deadlock == nil && it.handOut(it.limit-1) && it.mayPull()
}

// handOut hands out pendings until no more than n are left. It reports false
// when the loop is over.
func (it *seqIterator[H]) handOut(n int) bool {
	for it.n > n {
		h, ok := it.next()
		if !ok {
			if err := it.wait(); err != nil {
				return it.fail(err)
			}
			continue
		}
		if !it.yield(h, h.Err()) {
			return it.end()
		}
	}
	return true
}

// handOutRest hands out what is left when the sequence has ended.
func (it *seqIterator[H]) handOutRest() {
	switch {
	case it.over:
	case it.deadlock != nil:
		it.fail(it.deadlock)
	case it.handOut(0) && it.err != nil:
		it.fail(it.err)
	}
}

// fail ends the loop with an error.
func (it *seqIterator[H]) fail(err error) bool {
	var none H
	it.failed = err
	it.yield(none, err)
	return it.end()
}

// end cancels what is not done. It returns false, as those do that call it.
func (it *seqIterator[H]) end() bool {
	if it.over {
		return false
	}
	it.over = true
	for _, h := range it.leave() {
		if !it.keep {
			cancelLeft(h)
		}
	}
	return false
}
