package pending_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestNoWaitCancelsAProtectedPending(t *testing.T) {
	ways := map[string]func(ctx context.Context, p *pending.Pending[string]) error{
		"All": func(ctx context.Context, p *pending.Pending[string]) error { _, err := pending.All(ctx, p); return err },
		"All, another fails": func(ctx context.Context, p *pending.Pending[string]) error {
			fails := pending.New[string](ctx)
			fails.SetError(errBoom)
			_, err := pending.All(ctx, p, fails)
			return err
		},
		"Any": func(ctx context.Context, p *pending.Pending[string]) error { _, err := pending.Any(ctx, p); return err },
		"Any, another succeeds": func(ctx context.Context, p *pending.Pending[string]) error {
			succeeds := pending.New[string](ctx)
			succeeds.SetResult("value")
			_, err := pending.Any(ctx, p, succeeds)
			assert.NoError(t, err)
			return errBoom
		},
		"AsCompleted": func(ctx context.Context, p *pending.Pending[string]) (last error) {
			for _, err := range pending.AsCompleted(ctx, slices.Values([]*pending.Pending[string]{p})) {
				last = err
			}
			return last
		},
		"AsCompletedFrom": func(ctx context.Context, p *pending.Pending[string]) (last error) {
			from := make(chan *pending.Pending[string], 1)
			from <- p
			for _, err := range pending.AsCompletedFrom(ctx, from) {
				last = err
			}
			return last
		},
		"WaitAll": func(ctx context.Context, p *pending.Pending[string]) error {
			_, _, err := pending.WaitAll(ctx, []*pending.Pending[string]{p})
			return err
		},
		"Then": func(ctx context.Context, p *pending.Pending[string]) error {
			next := pending.Then(pending.Then(p, func(s string) (int, error) { return len(s), nil }),
				func(i int) (int, error) { return i, nil })
			_, err := next.Wait(ctx)
			assert.False(t, next.Cancelled())
			return err
		},
	}
	for name, wait := range waits {
		ways[name] = func(ctx context.Context, p *pending.Pending[string]) error { _, err := wait(p, ctx); return err }
		ways[name+" with a timeout"] = func(ctx context.Context, p *pending.Pending[string]) error {
			_, err := wait(p, ctx, pending.Timeout(time.Millisecond))
			return err
		}
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				p := pending.New[string](t.Context(), pending.Protected())
				require.Error(t, way(ctx, p))
				inside(t, func(ctx context.Context) {
					ctx, cancel := context.WithTimeout(ctx, time.Second)
					defer cancel()
					assert.Error(t, way(ctx, p))
				})
				assert.False(t, p.Cancelled())
				assert.True(t, p.SetResult("value"))
			})
		})
	}
}

func TestWhatIsNoWaitCancelsAProtectedPending(t *testing.T) {
	for name, cancel := range map[string]func(p *pending.Pending[int], end context.CancelCauseFunc){
		"Cancel": func(p *pending.Pending[int], _ context.CancelCauseFunc) { p.Cancel(errWhy) },
		"CancelWait": func(p *pending.Pending[int], _ context.CancelCauseFunc) {
			_ = p.CancelWait(context.Background(), errWhy)
		},
		"its context": func(p *pending.Pending[int], end context.CancelCauseFunc) {
			done := p.Done()
			end(errWhy)
			<-done
		},
		"its group": func(p *pending.Pending[int], _ context.CancelCauseFunc) {
			g, _ := pending.NewGroup(context.Background())
			g.Add(p)
			g.Cancel(errWhy)
			_ = g.Wait()
		},
		"what Then returns": func(p *pending.Pending[int], _ context.CancelCauseFunc) {
			pending.Then(p, func(i int) (int, error) { return i, nil }).Cancel(errWhy)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, end := context.WithCancelCause(t.Context())
			defer end(nil)
			p := pending.New[int](ctx, pending.Protected())
			cancel(p, end)
			requireErrors(t, p.Err(), errWhy, pending.ErrCancelled)
			require.True(t, p.IsDone())
		})
	}
}
