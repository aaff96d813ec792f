package pending_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// curious is an error, and looks at something in each of its methods.
type curious struct{ look func() }

func (c *curious) Error() string   { c.look(); return "curious" }
func (c *curious) Is(error) bool   { c.look(); return false }
func (c *curious) As(any) bool     { c.look(); return false }
func (c *curious) Unwrap() []error { c.look(); return []error{errBoom} }

// curiousContext looks at something in each of its methods.
type curiousContext struct {
	context.Context
	look func()
}

func (c *curiousContext) Deadline() (time.Time, bool) { c.look(); return c.Context.Deadline() }
func (c *curiousContext) Done() <-chan struct{}       { c.look(); return c.Context.Done() }
func (c *curiousContext) Err() error                  { c.look(); return c.Context.Err() }
func (c *curiousContext) Value(key any) any           { c.look(); return c.Context.Value(key) }

// finishes checks that fn returns.
func finishes(t *testing.T, fn func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("it hangs")
	}
}

// lookAt is what user code may ask a pending, and the group that it belongs to.
func lookAt(h pending.Handle, g *pending.Group) {
	if h != nil {
		_, _, _, _ = h.ID(), h.Name(), h.Err(), h.Cancelled()
		h.SetCanceller(nil)
		h.OnDone(func(pending.Handle) {})()
	}
	if g != nil {
		_, _, _ = g.Cancelled(), g.Pending(), g.String()
	}
}

// No lock is held while code of a program runs that is neither a callback nor a
// function: the methods of its errors and contexts.
func TestErrorMayLookAtThePendingThatItEnds(t *testing.T) {
	outer := errBoom
	for name, end := range map[string]func(t *testing.T, p *pending.Pending[int], err error){
		"SetError":          func(_ *testing.T, p *pending.Pending[int], err error) { p.SetError(err) },
		"SetError, wrapped": func(_ *testing.T, p *pending.Pending[int], err error) { p.SetError(fmt.Errorf("%w: %w", outer, err)) },
		"Cancel":            func(_ *testing.T, p *pending.Pending[int], err error) { p.Cancel(err) },
		"Cancel, asked to stop": func(_ *testing.T, p *pending.Pending[int], err error) {
			p.SetCanceller(func(error) { p.SetError(err) })
			p.Cancel(err)
		},
		"Cancel, twice": func(_ *testing.T, p *pending.Pending[int], err error) {
			p.SetCanceller(func(error) {})
			p.Cancel(errWhy)
			p.Cancel(err)
			p.Cancel(err)
			p.SetError(err)
		},
		"Cancel of groups": func(_ *testing.T, p *pending.Pending[int], err error) {
			p.SetCanceller(func(error) {})
			for range 2 {
				g, _ := pending.NewGroup(context.Background())
				g.Add(p)
				g.Cancel(err)
			}
			p.SetError(err)
		},
		"end of the context": func(t *testing.T, p *pending.Pending[int], err error) {
			p.SetCanceller(func(error) {})
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(err)
			_, got := p.Wait(ctx)
			p.SetError(err)
			assert.Error(t, got)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := pending.New[int](t.Context())
			err := &curious{func() { lookAt(p, nil) }}
			finishes(t, func() { end(t, p, err) })
			assert.True(t, p.IsDone())
			assert.ErrorIs(t, p.Err(), errBoom) // that, too, looks at the pending
		})
	}
}

func TestErrorMayEndThePendingThatItEnds(t *testing.T) {
	p := pending.New[int](t.Context())
	err := &curious{func() { p.SetResult(1) }}
	finishes(t, func() { assert.False(t, p.SetError(err)) })
	value, got := p.Result()
	require.NoError(t, got)
	assert.Equal(t, 1, value)
}

func TestErrorOfAFunctionMayLookAtItsPending(t *testing.T) {
	var task *scheduled.Call[int]
	err := &curious{func() { lookAt(task, nil) }}
	task, _ = queue(t.Context(), func(context.Context) (int, error) {
		task.Interrupt(err)
		return 0, err
	})
	finishes(t, func() { _ = task.Run() })
	assert.True(t, task.IsDone())
	failed, _ := queue(t.Context(), one)
	err.look = func() { lookAt(failed, nil) }
	finishes(t, func() { failed.Fail(err) })
	assert.True(t, failed.IsDone())
}

func TestContextMayLookAtThePendingUnderIt(t *testing.T) {
	for name, use := range map[string]func(t *testing.T, p *pending.Pending[int], end context.CancelFunc){
		"SetResult": func(_ *testing.T, p *pending.Pending[int], _ context.CancelFunc) { p.Done(); p.SetResult(1) },
		"Cancel": func(_ *testing.T, p *pending.Pending[int], _ context.CancelFunc) {
			p.OnDone(func(pending.Handle) {})
			p.Cancel(nil)
		},
		"its end": func(_ *testing.T, p *pending.Pending[int], end context.CancelFunc) { done := p.Done(); end(); <-done },
		"wait": func(t *testing.T, p *pending.Pending[int], _ context.CancelFunc) {
			time.AfterFunc(time.Millisecond, func() { p.SetResult(1) })
			value, err := p.Wait(p.Context())
			if assert.NoError(t, err) {
				assert.Equal(t, 1, value)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inner, end := context.WithCancel(t.Context())
			defer end()
			ctx := &curiousContext{inner, func() {}}
			p := pending.New[int](ctx)
			ctx.look = func() { _, _, _ = p.Name(), p.ID(), p.Metadata() }
			finishes(t, func() { use(t, p, end) })
			assert.True(t, p.IsDone())
		})
	}
}

func TestErrorAndContextMayLookAtTheGroup(t *testing.T) {
	inner, end := context.WithCancel(t.Context())
	defer end()
	var g *pending.Group
	look := func() { lookAt(nil, g) }
	outer := &curiousContext{inner, look}
	err := &curious{look}
	finishes(t, func() {
		var inside context.Context
		g, inside = pending.NewGroup(outer, pending.WithTimeout(time.Hour))
		member(inside).SetError(err)
		member(inside).Cancel(err)
		g.Cancel(err)
		assert.Error(t, g.Wait()) // it looks at the group
	})
}

func TestDescriptionMayLookAtItsPending(t *testing.T) {
	var p *pending.Pending[int]
	p = pending.New[int](t.Context(), pending.With("b", 2), future.DescribedBy(func(m map[string]any) {
		lookAt(p, nil)
		m["a"], m["b"], m["name"] = 1, 1, p.String()
	}))
	finishes(t, func() { p.Metadata() })
	assert.Equal(t, 1, p.Metadata()["a"])
	assert.Equal(t, 2, p.Metadata()["b"], "what is attached stands above it")
	p.Metadata()["c"] = 3
	assert.Equal(t, 3, p.Metadata()["c"])
}

func TestMetadataIsOneMapForAllThatAskAtTheSameTime(t *testing.T) {
	p := pending.New[int](t.Context(), future.DescribedBy(func(m map[string]any) { m["a"] = 1 }))
	all := make(chan pending.Metadata)
	for range 8 {
		go func() { all <- p.Metadata() }()
	}
	p.Metadata()["mine"] = true
	for range 8 {
		assert.Contains(t, <-all, "mine")
	}
}

// badMatch is an error whose Is panics for a nil pointer, and else ends the goroutine.
type badMatch struct{ err error }

func (*badMatch) Error() string { return "bad" }

func (b *badMatch) Is(target error) bool {
	if b.err == target { // panics
		return true
	}
	runtime.Goexit()
	return false
}

func TestRunWaitsForItsMembersWhateverItsBodyReturns(t *testing.T) {
	for name, bad := range map[string]error{"an error that panics": (*badMatch)(nil), "one that ends the goroutine": &badMatch{}} {
		t.Run(name, func(t *testing.T) {
			var member *pending.Pending[int]
			err := pending.Run(t.Context(), func(ctx context.Context) error {
				member = memberFor(ctx, time.Hour)
				return bad
			})
			assert.True(t, member.IsDone())
			assert.True(t, member.Cancelled())
			assert.Equal(t, bad, err)
		})
	}
}

func TestSetErrorCompletesWithAnErrorThatEndsTheGoroutine(t *testing.T) {
	p := open(t, 1)[0]
	assert.True(t, p.SetError(&badMatch{}))
	assert.True(t, p.IsDone())
}

func TestACallbackThatEndsItsGoroutineLeavesNobodyUncancelled(t *testing.T) {
	for name, cancelAll := range map[string]func(ctx context.Context, items []*promise, bad *promise){
		"All": func(ctx context.Context, items []*promise, bad *promise) {
			_, _ = pending.All(ctx, append(items, bad)...)
		},
		"leaving a loop": func(ctx context.Context, items []*promise, bad *promise) {
			for _, err := range pending.AsCompletedOf(ctx, append(items, bad)) {
				_ = err
				return
			}
		},
		"leaving a loop over a channel": func(ctx context.Context, items []*promise, bad *promise) {
			from := make(chan *promise, len(items)+1)
			for _, p := range append(items, bad) {
				from <- p
			}
			for _, err := range pending.AsCompletedFrom(ctx, from, pending.MaxConcurrent(0)) {
				_ = err
				return
			}
		},
		"a group": func(ctx context.Context, items []*promise, _ *promise) {
			g, _ := pending.NewGroup(ctx)
			fails := pending.New[any](ctx)
			g.Add(fails)
			for _, p := range items {
				g.Add(p)
			}
			go fails.SetError(errBoom)
			_ = g.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				items := open(t, 6)
				for _, p := range items {
					p.OnDone(func(pending.Handle) { runtime.Goexit() })
				}
				bad := pending.New[int](t.Context())
				bad.SetError(errBoom)
				began := time.Now()
				done := make(chan struct{})
				go func() {
					defer close(done)
					cancelAll(t.Context(), items, bad)
				}()
				<-done
				for i, p := range items {
					assert.True(t, p.Cancelled(), i)
				}
				assert.Zero(t, time.Since(began))
			})
		})
	}
}
