package pending

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/goexit"
)

// errLeft is the cause when AsCompleted cancels the pendings of a loop that was
// left.
var errLeft = errors.New("pending: left by AsCompleted")

// cancelLeft cancels a pending of a loop that was left.
func cancelLeft[H Handle](h H) {
	if c := future.Of(h); !future.IsProtected(c) {
		future.CancelFor(c, errLeft)
	}
}

// CompletedOption changes how [AsCompleted] and its variants iterate.
type CompletedOption func(*completedOptions)

// defaultMaxConcurrent is the limit of [MaxConcurrent].
const defaultMaxConcurrent = 10

type completedOptions struct {
	limit    int
	keep     bool
	all      bool // the loop goes on when all pendings are done, or one has failed
	observer observer
}

// MaxConcurrent limits the pendings that are taken from the sequence and not yet yielded.
// The default is 10. With n of zero or less there is no limit, and the whole sequence is
// taken first, even if the context has ended.
func MaxConcurrent(n int) CompletedOption { return func(o *completedOptions) { o.limit = max(n, 0) } }

// KeepUnfinished leaves the unfinished pendings alone when the loop is left. By default
// they are cancelled.
func KeepUnfinished() CompletedOption { return func(o *completedOptions) { o.keep = true } }

// LoopObservedBy makes o observe the loop as if it were a pending, from its beginning
// until it is left.
func LoopObservedBy(o observer) CompletedOption {
	return func(c *completedOptions) { c.observer = o }
}

// AsCompleted iterates over the pendings of a sequence in the order in which they are
// done, each with its error. It takes at most [MaxConcurrent] pendings ahead. So a
// sequence that makes calls makes them with bounded concurrency:
//
//	for p, err := range pending.AsCompleted(ctx, calls) { ... }
//
// Leaving the loop cancels the pendings that are not done, unless [KeepUnfinished] is
// given. A pending that comes twice is yielded twice.
//
// In a caller's function the loop gives the turn away while it waits. Elsewhere it blocks
// the goroutine. The sequence runs on the goroutine, and with the turn, of the loop. A
// panic in the sequence passes through the loop. A sequence that fails ends, and keeps its
// error for after the loop, as a [bufio.Scanner] does.
//
// A failure of the iteration itself is a last pair of a zero H and the error. After the
// end of ctx, AsCompleted takes no more, yields what is done, and then fails with the
// cause. If the sequence yields the pending whose function iterates, the loop fails at
// once. The error then matches [ErrDeadlock].
func AsCompleted[H Handle](ctx context.Context, seq iter.Seq[H], opts ...CompletedOption) iter.Seq2[H, error] {
	return asCompleted(ctx, seq, opts, "AsCompleted")
}

func asCompleted[H Handle](ctx context.Context, seq iter.Seq[H], opts []CompletedOption, name string) iter.Seq2[H, error] {
	if seq == nil {
		panic("pending: " + name + " with a nil sequence")
	}
	o := joinCompletedOptions(ctx, opts, name)
	return func(yield func(H, error) bool) {
		it := seqIterator[H]{Set: future.NewSet[H](ctx), completedOptions: o, ctx: ctx, name: name, yield: yield}
		it.All, it.Failing = o.all, true
		defer o.observe(ctx, "pending.AsCompleted")(&it.failed)
		defer it.end()
		if it.mayPull() {
			for h := range seq {
				if !it.take(h) {
					break
				}
			}
		}
		it.handOutRest()
	}
}

// AsCompletedOf is [AsCompleted] for pendings that exist already. It has no limit.
func AsCompletedOf[H Handle](ctx context.Context, items []H, opts ...CompletedOption) iter.Seq2[H, error] {
	return asCompletedOf(ctx, items, opts, "AsCompletedOf")
}

func asCompletedOf[H Handle](ctx context.Context, items []H, opts []CompletedOption, name string) iter.Seq2[H, error] {
	requirePendings(items, name)
	return asCompleted(ctx, slices.Values(items), slices.Concat(opts, []CompletedOption{MaxConcurrent(0)}), name)
}

// joinCompletedOptions returns the joined options of a loop. It panics if ctx
// or an option is nil.
func joinCompletedOptions(ctx context.Context, opts []CompletedOption, name string) completedOptions {
	requireContext(ctx, name)
	requireOptions(opts, name)
	o := completedOptions{limit: defaultMaxConcurrent}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// observe notifies the observer, if there is one, that a loop begins. The
// returned function notifies it of the end, with the error that failed points
// to.
func (o *completedOptions) observe(ctx context.Context, name string) func(failed *error) {
	if o.observer == nil {
		return func(*error) {}
	}
	_, observation := future.Observe(ctx, o.observer, New[struct{}](context.Background(), Named(name)).core())
	if observation.Observation == nil {
		return func(*error) {}
	}
	return func(failed *error) { observation.Done(*failed) }
}

// seqIterator is an iteration over a sequence in progress.
type seqIterator[H Handle] struct {
	*future.Set[H]
	completedOptions
	ctx      context.Context
	name     string // of the function that iterates
	yield    func(H, error) bool
	over     bool
	deadlock error // ends the loop at once
	err      error // ends the loop when all pendings are yielded
	failed   error // the error that ended the loop
}

// mayPull reports whether the sequence may be pulled further. A sequence
// without a limit is pulled to its end, so that leaving the loop cancels all of
// its pendings.
func (it *seqIterator[H]) mayPull() bool {
	if it.limit > 0 && it.err == nil && it.ctx.Err() != nil {
		it.err = it.Ended()
	}
	return it.err == nil
}

// take adds what the sequence has yielded, and hands out pendings until the
// limit allows more. It reports whether the sequence should be pulled again.
func (it *seqIterator[H]) take(h H) bool {
	requirePending(h, it.name)
	if err := it.Add(h); err != nil {
		it.deadlock = err
	}
	if it.limit == 0 {
		return true
	}
	return it.deadlock == nil && it.handOut(it.limit-1) && it.mayPull()
}

// handOut yields pendings until no more than n are left. It returns false when
// the loop is over.
func (it *seqIterator[H]) handOut(n int) bool {
	for it.Len() > n {
		h, ok := it.Next()
		if !ok {
			if err := it.Wait(); err != nil {
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

// handOutRest yields what is left when the sequence has ended.
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

// end cancels the pendings that are not done. It always returns false, for its
// callers to return.
func (it *seqIterator[H]) end() bool {
	if it.over {
		return false
	}
	it.over = true
	if left := it.Leave(); !it.keep {
		goexit.ForEach(left, cancelLeft[H])
	}
	return false
}
