package pending_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// list is a tracker of user code, and special is another one.
type (
	list    struct{ added []pending.Handle }
	special struct{ list }
)

func (l *list) Add(h pending.Handle) { l.added = append(l.added, h) }

// only keeps the trackers of one type.
func only[T pending.Tracker](t pending.Tracker) bool {
	_, ok := t.(T)
	return ok
}

// nobody keeps no tracker.
func nobody(pending.Tracker) bool { return false }

// Item 42 of the seed's behavior.
func TestContextCarriesOneTrackerOfEachType(t *testing.T) {
	a, b, s, m := &list{}, &list{}, &special{}, pending.NewManager()
	outside := t.Context()
	ctx := outside
	for _, tracker := range []pending.Tracker{a, s, m} {
		ctx = pending.WithTracker(ctx, tracker)
	}
	inner := pending.WithTracker(ctx, b) // in the place of a

	first, second := member(ctx), member(inner)
	member(outside)
	assert.Equal(t, []pending.Handle{first}, a.added)
	assert.Equal(t, []pending.Handle{second}, b.added)
	assert.Equal(t, []pending.Handle{first, second}, s.added)
	assert.ElementsMatch(t, []pending.Handle{first, second}, m.Pending())
}

// Item 42 of the seed's behavior.
func TestPendingIsTrackedByThoseThatAreAskedFor(t *testing.T) {
	tests := map[string]struct {
		opt  pending.Option
		want string
	}{
		"all":         {future.Tracked, "group list manager"},
		"a type":      {pending.TrackedBy(only[*pending.Manager]), "manager"},
		"another one": {pending.TrackedBy(only[*list]), "list"},
		"a group":     {pending.TrackedBy(only[*pending.Group]), "group"},
		"none":        {pending.TrackedBy(nobody), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l, m := &list{}, pending.NewManager()
			g, ctx := pending.NewGroup(pending.WithTracker(pending.WithTracker(t.Context(), l), m))
			p := pending.New[int](ctx, tt.opt)
			assert.Equal(t, tt.want, trackersThatKnow(p, g, l, m))

			// What it leaves out is not notified of what its function calls either.
			var inside *promise
			call(ctx, func(ctx context.Context) (any, error) {
				inside = member(ctx)
				return nil, nil
			}, tt.opt)
			assert.Equal(t, tt.want, trackersThatKnow(inside, g, l, m))
			p.Cancel(nil)
			inside.Cancel(nil)
			assert.NoError(t, g.Wait())
		})
	}
}

// trackersThatKnow names them.
func trackersThatKnow(p *promise, g *pending.Group, l *list, m *pending.Manager) string {
	var names []string
	for name, known := range map[string][]pending.Handle{"group": g.Pending(), "list": l.added, "manager": m.Pending()} {
		if slices.Contains(known, pending.Handle(p)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestCurrentTrackerIsThatOfTheContext(t *testing.T) {
	m := pending.NewManager()
	_, ok := pending.CurrentTracker[*pending.Manager](t.Context())
	assert.False(t, ok)
	ctx := pending.WithTracker(pending.WithTracker(t.Context(), m), &list{})
	current, ok := pending.CurrentTracker[*pending.Manager](ctx)
	assert.True(t, ok)
	assert.Same(t, m, current)
	_, ok = pending.CurrentTracker[*special](ctx)
	assert.False(t, ok)
}
