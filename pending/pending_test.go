package pending_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestSetErrorTellsCancellationsFromFailures(t *testing.T) {
	tests := map[string]struct {
		err       error
		want      error
		cancelled bool
	}{
		"nil is the zero value": {nil, nil, false},
		"failure":               {errBoom, errBoom, false},
		"deadline":              {context.DeadlineExceeded, context.DeadlineExceeded, false},
		"not done":              {pending.ErrNotDone, pending.ErrNotDone, false},
		"context cancelled":     {context.Canceled, pending.ErrCancelled, true},
		"cancelled":             {pending.ErrCancelled, pending.ErrCancelled, true},
		"stopped":               {pending.ErrStopped, pending.ErrStopped, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := pending.New[int](t.Context())
			assert.True(t, p.SetError(tt.err))
			assert.Equal(t, tt.want, p.Err())
			assert.Equal(t, tt.cancelled, p.Cancelled())
			assert.True(t, p.IsDone())
		})
	}
}

func TestDoneIsClosedWhenDone(t *testing.T) {
	isClosed := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	p := pending.New[int](t.Context())
	before := p.Done()
	assert.False(t, isClosed(before))
	assert.Equal(t, before, p.Done(), "there is one channel")

	p.SetCanceller(func(error) {})
	p.Cancel(errWhy)
	assert.False(t, isClosed(before), "marked cancelled is not done")

	p.SetResult(1)
	assert.True(t, isClosed(before))
	assert.True(t, isClosed(p.Done()))

	late := pending.New[int](t.Context())
	late.SetResult(1)
	assert.True(t, isClosed(late.Done()), "also when nobody asked before")
}

func TestIDsDiffer(t *testing.T) {
	const n = 100
	ids := map[uint64]bool{}
	for range n {
		p := pending.New[int](t.Context())
		id := p.ID()
		assert.Equal(t, id, p.ID())
		ids[id] = true
	}
	assert.Len(t, ids, n)
}

func TestPendingEndsWithItsContextWhenSomebodyLooks(t *testing.T) {
	wait := func(ctx context.Context, p *pending.Pending[string], opts ...pending.WaitOption) {
		go func() { _, _ = p.Wait(ctx, opts...) }()
	}
	looks := map[string]func(p *pending.Pending[string]){
		"Done":                        func(p *pending.Pending[string]) { p.Done() },
		"OnDone":                      func(p *pending.Pending[string]) { p.OnDone(func(pending.Handle) {}) },
		"SetCanceller":                func(p *pending.Pending[string]) { p.SetCanceller(nil) },
		"Wait":                        func(p *pending.Pending[string]) { wait(context.WithoutCancel(p.Context()), p) },
		"Wait under the same context": func(p *pending.Pending[string]) { wait(p.Context(), p) },
		"protected wait":              func(p *pending.Pending[string]) { wait(p.Context(), p, pending.Protect()) },
		"shielded wait":               func(p *pending.Pending[string]) { wait(p.Context(), p, pending.Shield()) },
		"wait in a function": func(p *pending.Pending[string]) {
			task, _ := queue(context.WithoutCancel(p.Context()), func(ctx context.Context) (string, error) { return p.Wait(ctx) })
			go func() { _ = task.Run() }()
		},
	}
	makers := map[string]func(ctx context.Context) *pending.Pending[string]{
		"made by New": func(ctx context.Context) *pending.Pending[string] { return pending.New[string](ctx) },
		"queued": func(ctx context.Context) *pending.Pending[string] {
			task, _ := queue(ctx, func(context.Context) (string, error) { panic("it ran") })
			return &task.Pending
		},
	}
	for look, lookAt := range looks {
		for maker, make := range makers {
			t.Run(maker+", "+look, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, end := context.WithCancelCause(t.Context())
					p := make(ctx)
					lookAt(p)
					synctest.Wait()
					assert.False(t, p.IsDone())
					end(errWhy)
					synctest.Wait()
					assert.True(t, p.IsDone())
					assert.True(t, p.Cancelled())
					require.ErrorIs(t, p.Err(), errWhy)
				})
			})
			t.Run(maker+" too late, "+look, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, end := context.WithCancelCause(t.Context())
					p := make(ctx)
					end(errWhy)
					lookAt(p)
					synctest.Wait()
					require.ErrorIs(t, p.Err(), errWhy)
				})
			})
		}
	}
}

func TestDonePendingIsLetGoByItsContext(t *testing.T) {
	makeOne := func() weak.Pointer[pending.Pending[int]] {
		p := pending.New[int](t.Context())
		p.Done()
		p.OnDone(func(pending.Handle) {})
		p.SetResult(1)
		return weak.Make(p)
	}
	p := makeOne()
	runtime.GC()
	assert.Nil(t, p.Value())
}

// race has several goroutines do their worst to one pending, and counts what
// comes of it.
type race struct {
	p                         *pending.Pending[int]
	completions, ran, removed atomic.Int32
	cancelled                 atomic.Bool

	mu   sync.Mutex
	seen []outcome
}

type outcome struct {
	value int
	err   error
}

func (r *race) see(value int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, outcome{value, err})
}

func (r *race) run(ctx context.Context) {
	impatient, cancel := context.WithCancel(ctx)
	everybody := []func(){
		func() {
			if r.p.SetResult(1) {
				r.completions.Add(1)
			}
		},
		func() {
			if r.p.SetError(errBoom) {
				r.completions.Add(1)
			}
		},
		func() {
			if r.p.Cancel(errWhy) {
				r.cancelled.Store(true)
			}
		},
		func() { r.see(r.p.Wait(ctx)) },
		func() { r.see(r.p.WaitSync(ctx)) },
		func() { r.see(r.p.Wait(ctx, pending.Shield())) },
		func() { r.see(call(ctx, func(ctx context.Context) (int, error) { return r.p.Wait(ctx) }).Result()) },
		func() {
			<-r.p.Done()
			r.see(r.p.Result())
		},
		func() {
			_, _ = r.p.Wait(impatient, pending.Protect()) // it returns, one way or the other
			r.see(r.p.Wait(ctx))
		},
		cancel,
		func() {
			remove := r.p.OnDone(func(pending.Handle) { r.ran.Add(1) })
			if remove() {
				r.removed.Add(1)
			}
			if remove() {
				r.removed.Add(1)
			}
		},
		func() { r.p.OnDone(func(pending.Handle) { r.ran.Add(1) }) },
	}
	var all sync.WaitGroup
	for _, do := range everybody {
		all.Go(do)
	}
	all.Wait()
}

func TestRacesEndEachPendingOnce(t *testing.T) {
	const pendings, atOnce = 1000, 50
	var all sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for range pendings {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			r := &race{p: pending.New[int](t.Context())}
			r.run(t.Context())

			value, err := r.p.Result()
			if r.cancelled.Load() {
				assert.ErrorIs(t, err, pending.ErrCancelled)
				assert.Zero(t, r.completions.Load())
			} else {
				assert.EqualValues(t, 1, r.completions.Load())
				assert.Equal(t, err == nil, value == 1)
			}
			assert.EqualValues(t, 2, r.ran.Load()+r.removed.Load(), "callbacks run once or are removed")
			for _, o := range r.seen {
				assert.Equal(t, outcome{value, err}, o)
			}
			assert.Len(t, r.seen, 6)
		})
	}
	all.Wait()
}
