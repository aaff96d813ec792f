package pending

import (
	"context"
	"reflect"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// Tracker sees the pendings made by calls under a context that carries it: see
// [WithTracker]. A [Group] and a [Manager] are trackers.
type Tracker interface {
	// Add is called with each pending before its function can run, on the
	// goroutine that made the pending.
	Add(h Handle)
}

// tracking is a tracker as it is in a context.
type tracking struct{ Tracker }

// Track implements [future.Tracker].
func (t tracking) Track(c *core) { t.Add(handleOf(c)) }

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
	others := future.TrackersOf(ctx).Keep(func(other future.Tracker) bool {
		return reflect.TypeOf(other.(tracking).Tracker) != kind
	})
	return future.WithTrackers(ctx, &future.Trackers{Tracker: tracking{t}, Next: others})
}

// CurrentTracker returns the tracker of type T that ctx carries. If it carries none, it
// returns a zero T and false. CurrentTracker[*Group] returns the group that calls with ctx
// become members of: instead of one that has been waited for, the group around it.
func CurrentTracker[T Tracker](ctx context.Context) (tracker T, ok bool) {
	requireContext(ctx, "CurrentTracker")
	for l := future.TrackersOf(ctx); l != nil; l = l.Next {
		if t, ok := inEffect(l.Tracker.(tracking).Tracker).(T); ok {
			return t, true
		}
	}
	return tracker, false
}

// inEffect returns t, or for a group that is over the group around it. That may be nil.
func inEffect(t Tracker) Tracker {
	g, ok := t.(*Group)
	if !ok {
		return t
	}
	for ; g != nil; g = g.parent {
		if !g.isOver() {
			return g
		}
	}
	return nil
}
