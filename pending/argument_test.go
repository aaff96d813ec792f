package pending_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestGroupRefusesAMemberThatIsNil(t *testing.T) {
	g, _ := pending.NewGroup(t.Context())
	for _, h := range []pending.Handle{nil, (*pending.Pending[int])(nil), (*scheduled.Call[int])(nil)} {
		assert.PanicsWithValue(t, "pending: Add of a nil pending", func() { g.Add(h) })
	}
	assert.Empty(t, g.Pending())
	require.NoError(t, g.Wait())
}

// What embeds a pending is that pending.
func TestMemberIsThePendingBehindAHandle(t *testing.T) {
	g, _ := pending.NewGroup(t.Context())
	m := pending.NewManager()
	task, _ := queue(t.Context(), func(context.Context) (int, error) { return 1, nil })
	for _, tracker := range []pending.Tracker{g, m} {
		tracker.Add(task)
		tracker.Add(&task.Pending)
	}
	assert.Len(t, g.Pending(), 1)
	assert.Len(t, m.Pending(), 1)
	require.NoError(t, task.Run())
	assert.Empty(t, m.Pending())
	require.NoError(t, g.Wait())
}

// What is nil by mistake panics where it is given, names itself, and leaves nothing
// behind: no member, no waiter, and no pending that is cancelled.
func TestWhatIsNilPanicsWhereItIsGiven(t *testing.T) {
	var noContext context.Context
	var noPending *pending.Pending[int]
	type handles = []pending.Handle
	ctx := t.Context()
	g, inside := pending.NewGroup(ctx)
	p := pending.New[int](ctx)
	own := func(i int) (int, error) { return i, nil }
	one := func(yield func(*pending.Pending[int]) bool) { yield(p) }
	for message, give := range map[string]func(){
		"New with a nil context":             func() { pending.New[int](noContext, future.Tracked) },
		"New with a nil option":              func() { pending.New[int](inside, future.Tracked, nil) },
		"Wait with a nil context":            func() { _, _ = p.Wait(noContext) },
		"WaitSync with a nil context":        func() { _, _ = p.WaitSync(noContext) },
		"CancelWait with a nil context":      func() { _ = p.CancelWait(noContext, errWhy) },
		"OnDone of a nil function":           func() { p.OnDone(nil) },
		"TrackedBy with a nil function":      func() { pending.TrackedBy(nil) },
		"Then of a nil pending":              func() { pending.Then(noPending, own) },
		"Then with a nil function":           func() { pending.Then[int, int](p, nil) },
		"All with a nil context":             func() { _, _ = pending.All(noContext, p) },
		"All of a nil pending":               func() { _, _ = pending.All(ctx, p, nil) },
		"Any with a nil context":             func() { _, _ = pending.Any(noContext, p) },
		"Any of a nil pending":               func() { _, _ = pending.Any(ctx, p, noPending) },
		"AsCompleted with a nil context":     func() { pending.AsCompleted(noContext, one) },
		"AsCompleted with a nil sequence":    func() { pending.AsCompleted[pending.Handle](ctx, nil) },
		"AsCompleted with a nil option":      func() { pending.AsCompleted(ctx, one, nil) },
		"AsCompletedOf with a nil context":   func() { pending.AsCompletedOf(noContext, handles{p}) },
		"AsCompletedOf of a nil pending":     func() { pending.AsCompletedOf(ctx, handles{p, noPending}) },
		"AsCompletedOf with a nil option":    func() { pending.AsCompletedOf(ctx, handles{p}, nil) },
		"AsCompletedFrom with a nil context": func() { pending.AsCompletedFrom(noContext, make(chan pending.Handle)) },
		"AsCompletedFrom with a nil channel": func() { pending.AsCompletedFrom[pending.Handle](ctx, nil) },
		"WaitAll with a nil context":         func() { _, _, _ = pending.WaitAll(noContext, handles{p}) },
		"WaitAll of a nil pending":           func() { _, _, _ = pending.WaitAll(ctx, handles{p, nil}) },
		"NewGroup with a nil context":        func() { pending.NewGroup(noContext) },
		"NewGroup with a nil option":         func() { pending.NewGroup(ctx, nil) },
		"Run with a nil context":             func() { _ = pending.Run(noContext, func(context.Context) error { return nil }) },
		"Run with a nil function":            func() { _ = pending.Run(ctx, nil) },
		"Run with a nil option":              func() { _ = pending.Run(ctx, func(context.Context) error { return nil }, nil) },
		"WithTracker with a nil context":     func() { pending.WithTracker(noContext, g) },
		"WithTracker with a nil tracker":     func() { pending.WithTracker(ctx, (*pending.Group)(nil)) },
		"CurrentTracker with a nil context":  func() { pending.CurrentTracker[*pending.Group](noContext) },
		"Current with a nil context":         func() { pending.Current(noContext) },
		"Add of a nil pending":               func() { pending.NewManager().Add(noPending) },
		"Remove of a nil pending":            func() { pending.NewManager().Remove(nil) },
	} {
		assert.PanicsWithValue(t, "pending: "+message, give, message)
	}
	assert.False(t, p.Cancelled())
	require.NoError(t, g.Wait())
}

func TestPendingThatIsNilInASequencePanicsInTheLoop(t *testing.T) {
	from := make(chan *pending.Pending[int], 2)
	for name, loop := range map[string]func(p *pending.Pending[int]){
		"AsCompleted": func(p *pending.Pending[int]) {
			sequence := func(yield func(*pending.Pending[int]) bool) { _ = yield(p) && yield(nil) }
			for _, err := range pending.AsCompleted(t.Context(), sequence) {
				t.Error("nothing is done", err)
			}
		},
		"AsCompletedFrom": func(p *pending.Pending[int]) {
			from <- p
			from <- nil
			for _, err := range pending.AsCompletedFrom(t.Context(), from) {
				t.Error("nothing is done", err)
			}
		},
	} {
		p := pending.New[int](t.Context())
		assert.PanicsWithValue(t, "pending: "+name+" of a nil pending", func() { loop(p) })
		assert.True(t, p.Cancelled(), "it is left")
	}
}
