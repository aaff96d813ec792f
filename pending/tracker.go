package pending

import (
	"context"
	"reflect"
)

// Tracker sees the pendings made by calls under a context that carries it: see
// [WithTracker]. A [Group] and a [Manager] are trackers.
type Tracker interface {
	// Add is called with each pending before its function can run, on the
	// goroutine that made the pending.
	Add(h Handle)
}

// trackers is the list of trackers in a context. No two have the same type.
type trackers struct {
	Tracker
	next *trackers
}

type trackersKey struct{}

// trackersContext carries trackers. It is a type of its own for the same reason
// as turnContext.
type trackersContext struct {
	context.Context
	trackers *trackers
}

// Value implements [context.Context].
func (c *trackersContext) Value(key any) any {
	if key == (trackersKey{}) {
		return c.trackers
	}
	return c.Context.Value(key)
}

func withTrackers(ctx context.Context, list *trackers) context.Context {
	if c, ok := ctx.(*trackersContext); ok {
		ctx = c.Context
	}
	return &trackersContext{ctx, list}
}

// WithTracker returns a copy of ctx under which t sees the pendings of all calls, on any
// caller. The function of a call passes its trackers on to its own calls.
//
// A context carries one tracker of each type: t replaces an earlier one of its own type.
func WithTracker(ctx context.Context, t Tracker) context.Context {
	requireContext(ctx, "WithTracker")
	if isNil(t) {
		panic("pending: WithTracker with a nil tracker")
	}
	kind := reflect.TypeOf(t)
	others := trackersOf(ctx).keep(func(other Tracker) bool { return reflect.TypeOf(other) != kind })
	return withTrackers(ctx, &trackers{t, others})
}

// CurrentTracker returns the tracker of type T that ctx carries. If it carries none, it
// returns a zero T and false. Unlike it, [CurrentGroup] skips groups that have been
// waited for.
func CurrentTracker[T Tracker](ctx context.Context) (tracker T, ok bool) {
	requireContext(ctx, "CurrentTracker")
	for l := trackersOf(ctx); l != nil; l = l.next {
		if t, ok := l.Tracker.(T); ok {
			return t, true
		}
	}
	return tracker, false
}

func trackersOf(ctx context.Context) *trackers {
	list, _ := ctx.Value(trackersKey{}).(*trackers)
	return list
}

// keep returns the trackers that meet the condition.
func (l *trackers) keep(condition func(Tracker) bool) *trackers {
	if l == nil {
		return nil
	}
	rest := l.next.keep(condition)
	switch {
	case !condition(l.Tracker):
		return rest
	case rest == l.next:
		return l
	default:
		return &trackers{l.Tracker, rest}
	}
}

// add adds a pending to all trackers of the list.
func (l *trackers) add(h Handle) {
	for ; l != nil; l = l.next {
		l.Add(h)
	}
}
