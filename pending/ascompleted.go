package pending

import (
	"context"
	"errors"
	"iter"
	"slices"
)

// errLeft is why pendings are cancelled that were left behind.
var errLeft = errors.New("pending: left by AsCompleted")

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
// Leaving the loop cancels what is not done, unless [KeepUnfinished] is given.
// A pending that comes twice is handed out twice. A failure of the iteration
// itself is a last pair of a zero H and the error: the end of ctx, after which
// the sequence is pulled no further and what is done is still handed out, or,
// if the pending is among them whose function iterates, at once an error that
// matches [ErrDeadlock].
// A panic of the sequence comes out of the loop. Inside a caller's function, the
// loop gives the turn away while it waits. The seed's as_completed.
func AsCompleted[H Handle](ctx context.Context, seq iter.Seq[H], opts ...CompletedOption) iter.Seq2[H, error] {
	return AsCompleted2(ctx, func(yield func(H, error) bool) {
		for h := range seq {
			if !yield(h, nil) {
				return
			}
		}
	}, opts...)
}

// AsCompletedOf is [AsCompleted] for pendings that exist, with no limit.
func AsCompletedOf[H Handle](ctx context.Context, items []H, opts ...CompletedOption) iter.Seq2[H, error] {
	return AsCompleted(ctx, slices.Values(items), slices.Concat(opts, []CompletedOption{MaxConcurrent(0)})...)
}

// AsCompleted2 is [AsCompleted] for a sequence that may fail. Its first error
// ends it; the pendings before it are handed out first.
func AsCompleted2[H Handle](ctx context.Context, seq iter.Seq2[H, error], opts ...CompletedOption) iter.Seq2[H, error] {
	o := completedOptions{limit: DefaultMaxConcurrent}
	for _, opt := range opts {
		opt(&o)
	}
	return func(yield func(H, error) bool) {
		var failed error
		if o.observer != nil {
			loop := New[struct{}](context.Background(), Named("pending.AsCompleted"))
			if _, watch := o.observer.Observe(ctx, loop); watch != nil {
				defer func() { watch.Done(failed) }()
			}
		}
		pull, stop := iter.Pull2(seq)
		defer stop()
		c := newCompletions[H](ctx)
		defer func() {
			for _, h := range c.leave() {
				if !o.keep {
					cancelFor(h, errLeft)
				}
			}
		}()
		l := loop[H]{completions: c, pull: pull, limit: o.limit}
		for {
			h, ok, err := l.step()
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

// loop is an iteration in progress.
type loop[H Handle] struct {
	*completions[H]
	pull  func() (H, error, bool)
	limit int
	dry   bool  // the sequence has ended
	err   error // by this
}

// step returns the next pending that is done, or the error that ends the
// iteration, or false at its end.
func (l *loop[H]) step() (h H, ok bool, err error) {
	for {
		if err := l.fill(); err != nil {
			return h, false, err
		}
		if h, ok := l.next(); ok {
			return h, true, nil
		}
		if _, open := l.load(); open == 0 && l.dry {
			return h, false, l.err
		}
		if err := l.wait(); err != nil {
			return h, false, err
		}
	}
}

// fill pulls the sequence as far ahead as is allowed. One that has no limit is
// taken as a whole, so that leaving the loop cancels all of it.
func (l *loop[H]) fill() (failed error) {
	for !l.dry && l.mayPull(failed) {
		h, err, ok := l.pull()
		if !ok || err != nil {
			l.dry, l.err = true, err
			break
		}
		if err := l.add(h); err != nil {
			failed = err
		}
	}
	return failed
}

func (l *loop[H]) mayPull(failed error) bool {
	if l.limit == 0 {
		return true
	}
	all, _ := l.load()
	return failed == nil && all < l.limit && l.ctx.Err() == nil
}
