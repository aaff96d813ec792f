package pending_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestTimeoutOfAGroup(t *testing.T) {
	tests := map[string]struct {
		takes, want time.Duration
		errs        []error
	}{
		"in time":  {takes: time.Second, want: time.Second},
		"too long": {takes: time.Hour, want: time.Minute, errs: []error{context.DeadlineExceeded}},
	}
	for name, tt := range tests {
		for _, mode := range modes {
			t.Run(fmt.Sprintf("%s, mode %d", name, mode), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					begin := time.Now()
					var p *pending.Pending[int]
					err := pending.Run(t.Context(), func(ctx context.Context) error {
						p = memberFor(ctx, tt.takes)
						if _, err := p.Wait(ctx); err != nil {
							return context.Cause(ctx)
						}
						return nil
					}, pending.WithMode(mode), pending.WithTimeout(time.Minute))
					assert.Equal(t, tt.want, time.Since(begin))
					requireErrors(t, err, tt.errs...)
					assert.Equal(t, tt.errs != nil, p.Cancelled())
				})
			})
		}
	}
}

func TestTimeoutIsReportedBesideACancelledMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := pending.Run(t.Context(), func(ctx context.Context) error {
			member(ctx).Cancel(errWhy)
			memberFor(ctx, time.Hour)
			return nil
		}, pending.WithMode(pending.ReportCancelled), pending.WithTimeout(time.Minute))
		requireErrors(t, err, context.DeadlineExceeded, pending.ErrCancelled, errWhy)
	})
}

// Item 48 of the seed's behavior.
func TestShieldedGroupRunsToItsEnd(t *testing.T) {
	tests := map[string]func(context.Context, func(context.Context) error) error{
		"when the outer context ends": func(ctx context.Context, body func(context.Context) error) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return body(ctx)
		},
		"when a group around it is cancelled": func(ctx context.Context, body func(context.Context) error) error {
			return pending.Run(ctx, func(ctx context.Context) error {
				g, _ := pending.CurrentTracker[*pending.Group](ctx)
				time.AfterFunc(time.Millisecond, func() { g.Cancel(errWhy) })
				return body(ctx)
			})
		},
		"when the context of a group around it has ended": func(ctx context.Context, body func(context.Context) error) error {
			return pending.Run(ctx, func(ctx context.Context) error {
				g, _ := pending.CurrentTracker[*pending.Group](ctx)
				g.Cancel(errWhy)
				return body(ctx)
			})
		},
	}
	for name, within := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				var p *pending.Pending[int]
				err := within(t.Context(), func(ctx context.Context) error {
					return pending.Run(ctx, func(ctx context.Context) error {
						p = memberFor(ctx, time.Second)
						return nil
					}, pending.WithShield())
				})
				require.NoError(t, err)
				require.NoError(t, p.Err())
				assert.Equal(t, time.Second, time.Since(begin))
			})
		})
	}
}

func TestFailureInAShieldedGroupFailsTheOneAroundIt(t *testing.T) {
	outer, ctx := pending.NewGroup(t.Context())
	inner, inside := pending.NewGroup(ctx, pending.WithShield())
	member(inside).SetError(errBoom)
	require.ErrorIs(t, inner.Wait(), errBoom)
	require.ErrorIs(t, outer.Wait(), errBoom)
}

// Item 50 of the seed's behavior.
func TestMembersThatIgnoreTheirCancellationAreLeftAfterSomeTime(t *testing.T) {
	tests := map[string]struct {
		opts []pending.GroupOption
		want time.Duration
	}{
		"default": {want: 10 * time.Second},
		"less":    {opts: []pending.GroupOption{pending.WithCancelTimeout(time.Second)}, want: time.Second},
		"none":    {opts: []pending.GroupOption{pending.WithCancelTimeout(0)}},
	}
	for name, tt := range tests {
		for when, cancel := range map[string]func(g *pending.Group){
			"cancelled before the wait": func(g *pending.Group) {
				g.Cancel(nil)
				time.Sleep(time.Hour) // the work of the body; only the wait is limited
			},
			"cancelled during the wait": func(g *pending.Group) { time.AfterFunc(0, func() { g.Cancel(nil) }) },
		} {
			t.Run(name+", "+when, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g, ctx := pending.NewGroup(t.Context(), tt.opts...)
					p := stubborn(ctx, 24*time.Hour)
					cancel(g)
					begin := time.Now()
					require.NoError(t, g.Wait())
					assert.Equal(t, tt.want, time.Since(begin))
					assert.Equal(t, []pending.Handle{p}, g.Pending())
					<-p.Done()
					assert.Empty(t, g.Pending())
				})
			})
		}
	}
}

// Item 49 of the seed's behavior.
func TestGroupIsWaitedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, ctx := pending.NewGroup(t.Context())
		p := member(ctx)
		first := make(chan error)
		go func() { first <- g.Wait() }()
		synctest.Wait()
		require.ErrorIs(t, g.Wait(), pending.ErrGroupOver, "while it is waited for")
		p.SetResult(1)
		require.NoError(t, <-first)
		require.ErrorIs(t, g.Wait(), pending.ErrGroupOver)

		require.ErrorIs(t, context.Cause(ctx), pending.ErrGroupOver)
		_, current := pending.CurrentTracker[*pending.Group](ctx)
		assert.False(t, current, "item 52")
		late := pending.New[int](t.Context())
		g.Add(late)
		g.Cancel(errWhy)
		assert.Empty(t, g.Pending())
		assert.False(t, late.Cancelled())
		assert.False(t, g.Cancelled())
		late.SetError(errBoom)
	})
}

func TestContextOfAGroupThatIsOverBelongsToTheGroupAroundIt(t *testing.T) {
	outer, ctx := pending.NewGroup(t.Context())
	inner, left := pending.NewGroup(ctx)
	require.NoError(t, inner.Wait())

	current, _ := pending.CurrentTracker[*pending.Group](left)
	assert.Same(t, outer, current)
	late, _ := pending.NewGroup(context.WithoutCancel(left)) // left has ended
	p := pending.New[int](t.Context())
	late.Add(p)
	assert.Equal(t, []pending.Handle{p}, outer.Pending())
	p.SetResult(1)
	require.NoError(t, late.Wait())
	require.NoError(t, outer.Wait())
}

// Item 51 of the seed's behavior.
func TestPendingAddedByHandCountsAsAMember(t *testing.T) {
	failed, cancelled := pending.New[int](t.Context()), pending.New[int](t.Context())
	failed.SetError(errBoom)
	cancelled.Cancel(errWhy)
	tests := map[string]struct {
		h    pending.Handle
		want [4]error
	}{
		"done":      {doneWith(t, 1)[0], [4]error{}},
		"failed":    {failed, [4]error{errBoom, errBoom, errBoom, errBoom}},
		"cancelled": {cancelled, [4]error{nil, errWhy, nil, errWhy}},
	}
	for name, tt := range tests {
		for mode, want := range tt.want {
			t.Run(fmt.Sprintf("%s, mode %d", name, mode), func(t *testing.T) {
				g, _ := pending.NewGroup(t.Context(), pending.WithMode(modes[mode]))
				g.Add(tt.h)
				g.Add(tt.h)
				assert.Equal(t, name == "failed" || name == "cancelled" && (mode == 1 || mode == 2), g.Cancelled())
				require.ErrorIs(t, g.Wait(), want)
			})
		}
	}
}

func TestCancelReachesTheMembersOnceForEachReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outer, ctx := pending.NewGroup(t.Context())
		inner, inside := pending.NewGroup(ctx)
		p := member(inside)
		calls := make(chan error, 10)
		p.SetCanceller(func(cause error) { calls <- cause })

		outer.Cancel(errWhy)
		<-inside.Done()
		outer.Cancel(errWhy)
		outer.Cancel(errElse)
		p.SetResult(1)
		requireErrors(t, inner.Wait(), errWhy, context.Canceled)
		require.NoError(t, outer.Wait())
		synctest.Wait() // for what the ends of contexts set off
		requireErrors(t, <-calls, errWhy)
		requireErrors(t, <-calls, errWhy, errElse)
		assert.Empty(t, calls)
		assert.Equal(t, errWhy.Error(), context.Cause(inside).Error()[len("pending: cancelled: "):])
	})
}

// A failure may be that of a look at a pending. That is no reason to spare
// those that are not done.
func TestBodyThatReturnsErrNotDoneCancelsTheMembers(t *testing.T) {
	var p *pending.Pending[int]
	err := pending.Run(t.Context(), func(ctx context.Context) error {
		p = member(ctx)
		_, err := p.Result()
		return err
	})
	require.ErrorIs(t, err, pending.ErrNotDone)
	assert.True(t, p.Cancelled())
}

func TestGroupIsCancelledFromAnyGoroutine(t *testing.T) {
	for range 100 {
		g, ctx := pending.NewGroup(t.Context(), pending.WithMode(pending.CancelAndReport))
		var others sync.WaitGroup
		members := make(chan *pending.Pending[int], 40)
		for i := range 40 {
			others.Go(func() {
				p := member(ctx)
				members <- p
				switch i % 4 {
				case 0:
					g.Cancel(errWhy)
				case 1:
					p.SetResult(i)
				case 2:
					p.Cancel(errWhy)
				}
			})
		}
		others.Wait()
		require.ErrorIs(t, g.Wait(), errWhy)
		close(members)
		for p := range members {
			assert.True(t, p.IsDone())
		}
	}
}

// The end of the last member and the wait for it meet in all orders.
func TestNoReportIsLostAtTheLastMoment(t *testing.T) {
	for range 1000 {
		g, ctx := pending.NewGroup(t.Context(), pending.WithMode(pending.CancelAndReport))
		p := member(ctx)
		go p.Cancel(errWhy)
		require.ErrorIs(t, g.Wait(), errWhy)
	}
}

func TestContextThatHasEndedEndsAGroupAtOnce(t *testing.T) {
	for range 100 {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errWhy)
		g, inside := pending.NewGroup(ctx)
		p := member(inside)
		require.ErrorIs(t, g.Wait(), errWhy)
		assert.True(t, p.Cancelled())
	}
}

// Item 52 of the seed's behavior.
func TestGroupDescribesItself(t *testing.T) {
	g, ctx := pending.NewGroup(t.Context(), pending.WithMode(pending.ReportCancelled))
	p := member(ctx)
	p.SetCanceller(func(error) {})
	assert.Regexp(t, `^<PendingGroup #\d+ \| 1 pending \| mode:3>$`, g.String())
	g.Cancel(nil)
	assert.Regexp(t, `^<PendingGroup #\d+ ⛔ cancelled \| 1 pending \| mode:3>$`, g.String())
	p.SetResult(1)
	require.ErrorIs(t, g.Wait(), pending.ErrCancelled)
}
