package pending

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// ErrGroupOver is the error of a second wait for a group, and the cause with
// which a group's context ends after the first one.
var ErrGroupOver = errors.New("pending: the group has been waited for")

// errBodyLeft is why a group is cancelled whose body panicked.
var errBodyLeft = errors.New("pending: the body of the group did not return")

// Group waits for the pendings made by calls under its context: those of the
// body that has the context, those that their functions make, and so on,
// across callers, workers and delays. When one of them fails the group cancels
// the others. It is made by [NewGroup]. The members of a group inside another
// group's context are members of both. All methods may be called from any
// goroutine. The seed's PendingGroup.
type Group struct {
	outer   context.Context
	cancel  context.CancelCauseFunc
	parent  *Group
	options groupOptions
	empty   *Pending[struct{}] // done when the wait is over

	mu        sync.Mutex
	members   map[Handle]struct{}
	waiting   bool
	over      bool
	cancelled error   // why, nil while it is not
	failures  []error // of members, until it was cancelled
	report    error   // what Wait returns without failures
	watches   []func() bool
}

// NewGroup returns a group and the context under which calls become its
// members. The context ends with ctx, when the group is cancelled, and when
// Wait returns. [Group.Wait] must be called. See [Run] for the usual form.
func NewGroup(ctx context.Context, opts ...GroupOption) (*Group, context.Context) {
	g := &Group{
		outer:   ctx,
		options: groupOptions{cancelTimeout: DefaultCancelTimeout},
		empty:   New[struct{}](context.Background(), Named("pending.Group")),
		members: make(map[Handle]struct{}),
	}
	for _, opt := range opts {
		opt(&g.options)
	}
	g.parent, _ = CurrentGroup(ctx)
	inside := ctx
	if g.options.shield {
		inside = context.WithoutCancel(ctx)
	} else if ctx.Done() != nil {
		g.watches = append(g.watches, context.AfterFunc(ctx, func() { g.endWithContext(ctx) }))
	}
	if g.options.limited {
		g.watches = append(g.watches, time.AfterFunc(g.options.timeout, g.expire).Stop)
	}
	inside, g.cancel = context.WithCancelCause(inside)
	return g, WithTracker(inside, g)
}

// CurrentGroup returns the group that calls with ctx become members of, or nil
// and false.
func CurrentGroup(ctx context.Context) (*Group, bool) {
	for l := trackersOf(ctx); l != nil; l = l.next {
		if g, ok := l.Tracker.(*Group); ok && !g.isOver() {
			return g, true
		}
	}
	return nil, false
}

// Run calls body with the context of a new group and waits for the group. An
// error of body cancels the group and is returned as it is, unless it only says
// that the group was cancelled; then, and without one, the error is that of
// [Group.Wait]. If body panics the group is cancelled and waited for before the
// panic goes on.
func Run(ctx context.Context, body func(context.Context) error, opts ...GroupOption) error {
	g, inside := NewGroup(ctx, opts...)
	returned := false
	defer func() {
		if !returned {
			g.end(errBodyLeft, nil)
			_ = g.Wait()
		}
	}()
	err := body(inside)
	returned = true
	if err == nil || errors.Is(err, context.Canceled) && g.Cancelled() {
		return g.Wait()
	}
	g.end(err, nil)
	_ = g.Wait()
	return err
}

// Add makes h a member, and one of the groups around this one. A pending that
// has failed or was cancelled counts as if it did so now. It has no effect once
// the group was waited for. It implements [Tracker].
func (g *Group) Add(h Handle) {
	if g.parent != nil {
		g.parent.Add(h)
	}
	g.mu.Lock()
	if g.over {
		g.mu.Unlock()
		return
	}
	if _, known := g.members[h]; known {
		g.mu.Unlock()
		return
	}
	g.members[h] = struct{}{}
	cancelled := g.cancelled
	g.mu.Unlock()
	if cancelled != nil {
		h.Cancel(cancelled)
	}
	h.OnDone(g.remove)
}

// remove is called when a member is done.
func (g *Group) remove(h Handle) {
	if !g.options.shield && g.outer.Err() != nil {
		g.endWithContext(g.outer) // the member may have heard of it first
	}
	g.mu.Lock()
	delete(g.members, h)
	why, report := g.judge(h)
	last := g.waiting && len(g.members) == 0
	g.mu.Unlock()
	if why != nil {
		g.end(why, report)
	}
	if last {
		g.empty.SetResult(struct{}{})
	}
}

// judge decides what the end of a member means: why the group is to be
// cancelled, nil if it is not, and what Wait is to report of that. The caller
// holds mu.
func (g *Group) judge(h Handle) (why, report error) {
	err := h.Err()
	switch {
	case err == nil, g.cancelled != nil, g.over:
		return nil, nil
	case !h.Cancelled():
		g.failures = append(g.failures, err)
		return err, nil
	}
	if g.options.mode.reports() {
		report = err
	}
	if g.options.mode.cancels() {
		return err, report
	}
	if g.report == nil {
		g.report = report
	}
	return nil, nil
}

// Cancel cancels all members, those to come too, and ends the group's context,
// with the cause. What Wait returns then depends on the mode.
func (g *Group) Cancel(cause error) {
	cancelled := asCancellation(cause)
	if g.options.mode.reports() {
		g.end(cancelled, cancelled)
		return
	}
	g.end(cancelled, nil)
}

func (g *Group) endWithContext(ctx context.Context) {
	err := &endedError{what: "group", err: ctx.Err(), cause: context.Cause(ctx)}
	g.end(err, err)
}

func (g *Group) expire() {
	err := &endedError{
		what: "group", err: context.DeadlineExceeded, cause: fmt.Errorf("not done after %v", g.options.timeout),
	}
	g.end(err, err)
}

// end cancels the group, for a reason, and has Wait return report if that is
// not nil.
func (g *Group) end(why, report error) {
	g.mu.Lock()
	if g.over {
		g.mu.Unlock()
		return
	}
	if g.report == nil {
		g.report = report
	}
	if g.cancelled == nil {
		g.cancelled = why
		patience := time.AfterFunc(g.options.cancelTimeout, func() { g.empty.SetResult(struct{}{}) })
		g.watches = append(g.watches, patience.Stop)
	}
	members := slices.Collect(maps.Keys(g.members))
	g.mu.Unlock()
	g.cancel(why)
	for _, h := range members {
		h.Cancel(why)
	}
}

// Wait waits for all members, those added meanwhile too, giving the turn away
// inside a caller's function. The error joins the failures of members that
// happened before the group was cancelled. Without any it is that of the outer
// context or of the timeout, if one has ended the group, or matches
// [ErrCancelled] if the mode reports cancellations and there was one. A second
// Wait returns [ErrGroupOver].
//
// Members that don't end when they are cancelled are waited for no longer than
// [WithCancelTimeout] says, and are still in [Group.Pending] then.
func (g *Group) Wait() error {
	g.mu.Lock()
	if g.waiting {
		g.mu.Unlock()
		return ErrGroupOver
	}
	g.waiting = true
	none := len(g.members) == 0
	g.mu.Unlock()
	if none {
		g.empty.SetResult(struct{}{})
	}
	if _, err := g.empty.Wait(g.outer, Shield()); err != nil {
		g.end(err, err)
	}
	return g.close()
}

// close ends the group for good, and returns what there is to report.
func (g *Group) close() error {
	g.mu.Lock()
	g.over = true
	for _, stop := range g.watches {
		stop()
	}
	err := g.report
	if len(g.failures) > 0 {
		err = fmt.Errorf("pending: group: %w", errors.Join(g.failures...))
	}
	g.mu.Unlock()
	g.cancel(ErrGroupOver)
	return err
}

// Cancelled reports whether the group was cancelled, by whatever.
func (g *Group) Cancelled() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.cancelled != nil
}

func (g *Group) isOver() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.over
}

// Pending returns the members that are not done, in no order.
func (g *Group) Pending() []Handle {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Collect(maps.Keys(g.members))
}

// String describes the group on one line, for logs.
func (g *Group) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	cancelled := ""
	if g.cancelled != nil {
		cancelled = " ⛔ cancelled |"
	}
	return fmt.Sprintf("<PendingGroup%s %d pending | mode:%d>", cancelled, len(g.members), g.options.mode)
}
