package pending

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/goexit"
	"github.com/seed-7fcaac1b/protocaller/internal/safeerrors"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// cancelledError is the report of a group whose mode reports cancellations.
type cancelledError struct{ cause error }

func (e *cancelledError) Error() string { return "pending: group: " + e.cause.Error() }
func (e *cancelledError) Unwrap() error { return e.cause }

// Group waits for the pendings made by calls under its context. These are the calls of
// the body, the calls that their functions make, and so on. It covers all callers,
// workers and delayed calls. When one member fails, the group cancels the others. The
// members of a nested group are members of both groups.
//
// A group is made by [NewGroup] or [Run]. It is safe for concurrent use.
type Group struct {
	outer       context.Context // never ends if the group is shielded
	cancel      context.CancelCauseFunc
	parent      *Group
	options     groupOptions
	drained     *Pending[struct{}] // done when the wait is over
	observation future.Guarded     // of the observer, if there is one
	foreign     bool               // made by another function, while that of outer waited
	steps       steps.Chooser      // nil unless a test chooses the order of steps

	mu        sync.Mutex
	members   map[*core]inShielded
	waiting   bool
	turn      future.Turn // of the function that waits; nil for none
	over      bool
	cancelled error   // the cause, or nil if the group is not cancelled
	failures  []error // of members, until the group was cancelled
	reported  error   // the error of Wait if there are no failures
	watches   []func() bool
}

// inShielded marks a member of a nested shielded group: this group waits for it
// but must not cancel it.
type inShielded bool

// NewGroup returns a group and the context under which calls become its members. The
// context ends with ctx, when the group is cancelled, and when Wait returns.
//
// [Group.Wait] must be called. See [Run] for the usual form.
func NewGroup(ctx context.Context, opts ...GroupOption) (*Group, context.Context) {
	return newGroup(ctx, opts, "NewGroup")
}

func newGroup(ctx context.Context, opts []GroupOption, name string) (*Group, context.Context) {
	requireContext(ctx, name)
	requireOptions(opts, name)
	g := &Group{
		outer:   ctx,
		options: groupOptions{cancelTimeout: defaultCancelTimeout},
		members: make(map[*core]inShielded),
	}
	for _, opt := range opts {
		opt(&g.options)
	}
	g.parent, _ = CurrentTracker[*Group](ctx)
	g.drained = New[struct{}](context.Background(), Named("pending.Group"), future.Needing((*groupNode)(g)))
	g.foreign = future.Running(ctx).IsWaiting()
	if g.options.shield {
		g.outer = context.WithoutCancel(ctx)
	}
	if o := g.options.observer; o != nil {
		g.outer, g.observation = future.Observe(g.outer, o, g.drained.core())
	}
	inside, cancel := context.WithCancelCause(g.outer)
	g.cancel, g.steps = cancel, steps.Of(g.outer)
	// mu is not held here: the context may be user code. It may have ended
	// already, so that checkOuter runs at once.
	if g.outer.Done() != nil {
		g.addWatch(context.AfterFunc(g.outer, g.step("sees its context end", g.checkOuter)))
	}
	if g.options.limited {
		g.addWatch(time.AfterFunc(g.options.timeout, g.step("times out", g.expire)).Stop)
	}
	return g, WithTracker(inside, g)
}

func (g *Group) addWatch(stop func() bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.watches = append(g.watches, stop)
}

// Add makes h a member of the group and of its outer groups. It implements [Tracker], and
// returns at once.
//
// A pending that has failed or was cancelled counts as if that happened now. Add has no
// effect once the group was waited for. A nil h panics.
func (g *Group) Add(h Handle) {
	requirePending(h, "Add")
	g.add(future.Of(h), false)
}

// add makes h a member of this group and of its outer groups. One callback
// removes h from all of them.
func (g *Group) add(c *core, shielded inShielded) {
	var joined []*Group
	for ; g != nil; g = g.parent {
		if g.admit(c, shielded) {
			joined = append(joined, g)
		}
		shielded = shielded || inShielded(g.options.shield)
	}
	if len(joined) > 0 {
		future.OnDone(c, memberOf(joined))
	}
}

// admit makes h a member of this group. It reports whether h was not a member
// before.
func (g *Group) admit(c *core, shielded inShielded) bool {
	g.mu.Lock()
	if g.has(c) || g.over {
		g.mu.Unlock()
		return false
	}
	g.members[c] = shielded
	cancelled, turn := g.cancelled, g.turn
	g.mu.Unlock()
	if turn != nil {
		turn.Recheck(future.NodeOf(c))
	}
	if cancelled != nil && !bool(shielded) {
		future.CancelFor(c, cancelled)
	}
	return true
}

// has reports whether h is a member. mu must be held.
func (g *Group) has(c *core) bool {
	_, known := g.members[c]
	return known
}

// memberOf are the groups of a member, from the inner to the outer one.
type memberOf []*Group

// Done implements [future.Callback].
func (groups memberOf) Done(c *core) { removeFrom(groups, c) }

// removeFrom is called when a member is done, with its groups from the inner to
// the outer one. All groups first decide what the end of the member means. Only
// then do they act, because that may cancel members of the others.
func removeFrom(groups []*Group, c *core) {
	var ends []groupEnd
	for _, g := range groups {
		g.checkOuter() // the end of outer may have reached the member first
		if why := g.remove(c); why != nil {
			ends = append(ends, groupEnd{g, why})
		}
	}
	defer goexit.ForEach(groups, (*Group).checkDrained)
	slices.Reverse(ends) // the outer first, so that an inner one sees its context end before its wait does
	goexit.ForEach(ends, func(e groupEnd) { e.group.cancelMembers(e.why) })
}

// groupEnd is a group whose members are to be cancelled, and why.
type groupEnd struct {
	group *Group
	why   error
}

// remove removes h and returns the cause to cancel the members with, or nil.
func (g *Group) remove(c *core) (why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.members, c)
	why, report := g.outcomeOf(c)
	if !g.record(why, report) {
		return nil
	}
	return why
}

// checkDrained ends the wait if no members are left.
func (g *Group) checkDrained() {
	g.mu.Lock()
	drained := g.waiting && len(g.members) == 0
	g.mu.Unlock()
	if drained {
		g.drained.SetResult(struct{}{})
	}
}

// outcomeOf decides what the end of a member means. why is the cause to cancel
// the group with, or nil. report is what Wait returns for it. mu must be held.
func (g *Group) outcomeOf(c *core) (why, report error) {
	err := c.Err()
	switch {
	case err == nil, g.cancelled != nil, g.over:
		return nil, nil
	case !c.Cancelled():
		g.failures = append(g.failures, err)
		return err, nil
	}
	if g.options.mode.cancels() {
		why = err
	}
	return why, g.reportOf(err)
}

// reportOf returns what the mode makes the group report of a cancellation.
func (g *Group) reportOf(cancelled error) error {
	if g.options.mode.reports() {
		return &cancelledError{cancelled}
	}
	return nil
}

// record makes Wait return report, if report is not nil, and marks the group
// cancelled, if why is not nil. It reports whether the group was not cancelled
// before. mu must be held.
func (g *Group) record(why, report error) (ends bool) {
	if g.over {
		return false
	}
	ends = why != nil && g.cancelled == nil
	switch {
	case g.reported == nil:
		g.reported = report
	case ends && report != nil: // so far only members were cancelled
		g.reported = errors.Join(g.reported, report)
	}
	if ends {
		g.cancelled = why
		g.limitWait()
	}
	return ends
}

// limitWait limits the wait for a cancelled group to its cancel timeout. mu
// must be held.
func (g *Group) limitWait() {
	if g.waiting && g.cancelled != nil {
		timer := time.AfterFunc(g.options.cancelTimeout, g.step("gives up", func() { g.drained.SetResult(struct{}{}) }))
		g.watches = append(g.watches, timer.Stop)
	}
}

// cancelMembers ends the context and cancels the members.
func (g *Group) cancelMembers(why error) {
	if g.observation.Observation != nil {
		g.observation.CancelRequested(why)
	}
	g.cancel(why)
	g.mu.Lock()
	members := maps.Clone(g.members)
	g.mu.Unlock()
	maps.DeleteFunc(members, func(_ *core, shielded inShielded) bool { return bool(shielded) })
	goexit.ForEach(slices.Collect(maps.Keys(members)), func(c *core) { future.CancelFor(c, why) })
}

// end cancels the group with why, unless the group is cancelled already. It
// makes Wait return report, if report is not nil.
func (g *Group) end(why, report error) {
	g.mu.Lock()
	ends := g.record(why, report)
	g.mu.Unlock()
	if ends {
		g.cancelMembers(why)
	}
}

// Cancel cancels the present and future members, and ends the group's context, with the
// cause. It does not wait. The mode decides what Wait returns then. Later causes reach
// the members as well.
func (g *Group) Cancel(cause error) {
	cancelled := future.AsCancellation(cause)
	g.mu.Lock()
	g.record(cancelled, g.reportOf(cancelled))
	over := g.over
	g.mu.Unlock()
	if !over {
		g.cancelMembers(cancelled)
	}
}

// checkOuter ends the group if the outer context has ended.
func (g *Group) checkOuter() {
	if g.outer.Err() != nil {
		g.end(context.Cause(g.outer), future.Ended(g.outer, "group"))
	}
}

func (g *Group) expire() {
	g.mu.Lock()
	left := slices.Collect(maps.Keys(g.members))
	g.mu.Unlock()
	err := future.TimedOut("group", left, g.options.timeout)
	g.end(err, err)
}

// Wait waits for all members, also for those added while it waits. In a caller's function
// it gives the turn away. Elsewhere it blocks the goroutine.
//
// The error joins the failures of members from before the group was cancelled. Without
// failures, it is the error of the outer context or of the timeout that ended the group.
// Otherwise it matches [ErrCancelled] if the mode reports cancellations and there was
// one. A second Wait returns [ErrGroupOver].
//
// Members that do not end when they are cancelled are waited for no longer than
// [WithCancelTimeout] says. They are still in [Group.Pending] then.
//
// A limit of the caller may reject the wait, like any other wait. The group is then
// cancelled, with the rejection as the error. Wait keeps the turn until the members have
// ended. It does not wait for a member that needs this very turn. That member is still in
// [Group.Pending], and the error matches [ErrDeadlock] too.
//
// A wait that could never end, because a member waits for the function that waits,
// cancels the group as well. The error matches [ErrDeadlock].
//
// A member must not wait for its own group. While the function that made the group waits,
// such a wait returns an error that matches [ErrDeadlock]. The group goes on.
func (g *Group) Wait() error {
	if err := g.rejectMember(); err != nil {
		return err
	}
	return g.wait()
}

// rejectMember returns an error if the function that made the group waits
// already. Another function, a member, then waits for the group.
func (g *Group) rejectMember() error {
	own := future.Running(g.outer)
	if g.foreign || !own.IsWaiting() {
		return nil
	}
	g.mu.Lock()
	rejected := !g.waiting && len(g.members) > 0
	g.mu.Unlock()
	if !rejected {
		return nil
	}
	return fmt.Errorf("%w: a member of a group of %s waits for it, or a goroutine that must use actors.Detach",
		ErrDeadlock, future.Label(own.Core()))
}

func (g *Group) wait() error {
	g.checkOuter()
	own, turn := future.Running(g.outer), future.TurnOf(g.outer)
	g.mu.Lock()
	if g.waiting {
		g.mu.Unlock()
		return ErrGroupOver
	}
	g.waiting, g.turn = true, turn
	g.limitWait()
	itself := own != nil && g.has(own.Core())
	g.mu.Unlock()
	if itself {
		err := fmt.Errorf("%w: %s waits for a group that it belongs to", ErrDeadlock, future.Label(own.Core()))
		g.end(err, err)
		g.waitMembers(own.Core(), false)
		return g.close()
	}
	g.checkDrained()
	if _, err := g.drained.Wait(g.outer, Shield()); err != nil {
		g.end(err, err)
		// With the turn kept, unless that is what a member needs.
		g.waitMembers(nil, !safeerrors.Is(err, ErrDeadlock))
	}
	g.checkOuter()
	return g.close()
}

// waitMembers waits for the members of a cancelled group one by one. So the
// wait for a member that needs the turn of the waiting function fails. With
// keep, it keeps that turn. It does not wait for the function of own, if own is
// not nil.
func (g *Group) waitMembers(own *core, keep bool) {
	ctx := g.outer
	until := time.Now().Add(g.options.cancelTimeout)
	skipped := make(map[*core]bool) // members not to wait for
	if own != nil {
		skipped[own] = true
	}
	var deadlocks []error
	for {
		c, more := g.memberExcept(skipped)
		if !more {
			break
		}
		o := future.WaitOptions{Protect: true, Shield: true, Limited: true, Unbounded: true, Timeout: time.Until(until)}
		err := future.Await(ctx, c, o, keep)
		switch {
		case err == nil:
			skipped[c] = true // another goroutine may be removing it at this moment
		case future.IsEnded(err):
			return
		case safeerrors.Is(err, ErrDeadlock):
			skipped[c] = true
			deadlocks = append(deadlocks, err)
		case !keep:
			keep = true // a limit concerns only waits that give the turn away
		default:
			ctx = context.Background() // no turn: the function was abandoned, or runs on another goroutine
		}
	}
	if len(skipped) > 0 && own == nil && len(deadlocks) == 0 {
		o := future.WaitOptions{Shield: true, Limited: true, Timeout: time.Until(until)}
		_ = future.Await(ctx, g.drained.core(), o, keep) // until the last member is removed
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reported = errors.Join(append([]error{g.reported}, deadlocks...)...)
}

// memberExcept returns a member that is not in skipped, or false.
func (g *Group) memberExcept(skipped map[*core]bool) (*core, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.members {
		if !skipped[c] {
			return c, true
		}
	}
	return nil, false
}

// close ends the group and returns the error to report.
func (g *Group) close() error {
	g.mu.Lock()
	g.over = true
	watches := g.watches
	g.watches = nil
	err := g.reported
	g.mu.Unlock()
	for _, stop := range watches {
		stop()
	}
	if len(g.failures) > 0 { // constant once over is set
		err = fmt.Errorf("pending: group: %w", errors.Join(g.failures...))
	}
	g.cancel(ErrGroupOver)
	if g.observation.Observation != nil {
		g.observation.Done(err)
	}
	return err
}

// Cancelled reports whether the group was cancelled, for any reason.
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
	return handlesOf(g.members)
}

// String describes the group on one line, for logs.
func (g *Group) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	cancelled := ""
	if g.cancelled != nil {
		cancelled = " ⛔ cancelled"
	}
	return fmt.Sprintf("<PendingGroup #%d%s | %d pending | mode:%d>",
		g.drained.ID(), cancelled, len(g.members), g.options.mode)
}

// groupNode is what the wait for a group needs: all members.
type groupNode Group

// Needs implements [future.Node].
func (g *groupNode) Needs(n *future.Needs) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n.Live = g.options.limited || g.cancelled != nil; n.Live && !n.Every { // a timer ends the wait
		return
	}
	for c := range g.members {
		if !n.AddPending(c) {
			return
		}
	}
}

// What implements [future.Node].
func (*groupNode) What() string { return "" }
