package pending_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Item 44 of the seed's behavior.
func TestManagerKnowsWhatIsNotDone(t *testing.T) {
	m := pending.NewManager()
	ctx := pending.WithTracker(t.Context(), m)
	good, failed, cancelled, open := member(ctx), member(ctx), member(ctx), member(ctx)
	assert.ElementsMatch(t, []pending.Handle{good, failed, cancelled, open}, m.Pending())

	good.SetResult(1)
	failed.SetError(errBoom)
	cancelled.Cancel(nil)
	known := m.Pending()
	assert.Equal(t, []pending.Handle{open}, known)

	known[0] = nil // it is a copy
	m.Add(good)    // is done already
	assert.Equal(t, []pending.Handle{open}, m.Pending())
	assert.False(t, m.Remove(good))
	assert.True(t, m.Remove(open))
	assert.Empty(t, m.Pending())
	m.Add(open)
	assert.Equal(t, []pending.Handle{open}, m.Pending())
	open.SetResult(1)
	assert.Empty(t, m.Pending())
}

// Item 44 of the seed's behavior.
func TestManagerInsideAnotherOneTakesItsPlace(t *testing.T) {
	outer, inner := pending.NewManager(), pending.NewManager()
	ctx := pending.WithTracker(t.Context(), outer)
	in := member(pending.WithTracker(ctx, inner))
	out := member(ctx)
	assert.Equal(t, []pending.Handle{out}, outer.Pending())
	assert.Equal(t, []pending.Handle{in}, inner.Pending())
}

func TestManagerKnowsWhatFunctionsCall(t *testing.T) {
	m := pending.NewManager()
	var inside *promise
	call(pending.WithTracker(t.Context(), m), func(ctx context.Context) (any, error) {
		own, _ := pending.Current(ctx)
		assert.Equal(t, []pending.Handle{own}, m.Pending())
		inside = member(ctx)
		return nil, nil
	})
	assert.Equal(t, []pending.Handle{inside}, m.Pending())
}

func TestManagerIsUsedFromAnyGoroutine(t *testing.T) {
	m := pending.NewManager()
	ctx := pending.WithTracker(t.Context(), m)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			for range 100 {
				p := member(ctx)
				m.Pending()
				p.SetResult(i)
			}
		})
	}
	all.Wait()
	assert.Empty(t, m.Pending())
}
