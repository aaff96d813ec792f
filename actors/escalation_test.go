package actors_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// fail has a function of c panic. It returns when all that follows is done, or
// waits: the second is that of a bubble.
func fail(ctx context.Context, c *actors.Caller) {
	do(ctx, c, func(context.Context) { panic(errBoom) })
	time.Sleep(time.Second)
}

// A child that has escalated a failure goes on when that is decided on. The
// decision needs the turns of those above the child.
func TestKeepingTheTurnThatDecidesOnTheFailureOfAChildIsADeadlock(t *testing.T) {
	escalates := supervised(supervision.Escalate())
	generations := map[string]func(t *testing.T, top *actors.Caller) *actors.Caller{
		"child":      func(t *testing.T, top *actors.Caller) *actors.Caller { return child(t, top, escalates...) },
		"grandchild": func(t *testing.T, top *actors.Caller) *actors.Caller { return child(t, child(t, top, escalates...)) },
	}
	for name, descendant := range generations {
		for order, failsFirst := range map[string]bool{"fails, then is waited for": true, "is waited for, then fails": false} {
			t.Run(name+" "+order, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					top := start(t, system)
					failing := descendant(t, top)
					goOn := pending.New[int](t.Context())
					waits := actors.CallSoon(t.Context(), failing, func(ctx context.Context) (int, error) {
						return goOn.Wait(ctx)
					})
					keeps := actors.CallSoon(t.Context(), top, func(ctx context.Context) (int, error) {
						if failsFirst {
							fail(ctx, failing)
						} else {
							defer context.AfterFunc(ctx, func() {})()
							go fail(actors.Detach(ctx), failing)
						}
						return waits.WaitSync(ctx, pending.Protect())
					})
					time.Sleep(2 * time.Second)
					synctest.Wait()
					require.ErrorIs(t, keeps.Err(), pending.ErrDeadlock)
					require.ErrorContains(t, keeps.Err(), failing.ID())
					goOn.SetResult(1)
					assert.Equal(t, 1, result(t, waits), "the failure was captured once the turn was free")
				})
			})
		}
	}
}

// The parent restarts because of the failure of its child. It does so when its functions
// have returned. One of them waits for the child, whose failure is decided on by that.
func TestWaitForAChildWhoseFailureRestartsTheParentIsADeadlock(t *testing.T) {
	for _, generations := range []int{1, 2} {
		for order, failsFirst := range map[string]bool{"fails, then is waited for": true, "is waited for, then fails": false} {
			t.Run(fmt.Sprint(generations, ", ", order), func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					top := start(t, system, props.StopTimeout(24*time.Hour), supervised(supervision.Restart())[0])
					failing := top
					for range generations {
						failing = child(t, failing, supervised(supervision.Escalate())...)
					}
					asked := pending.New[int](t.Context())
					var failed error
					begin := time.Now()
					waits := do(t.Context(), top, func(ctx context.Context) {
						ctx = context.WithoutCancel(ctx)
						_, _ = asked.Wait(ctx)
						_, failed = actors.CallSoon(ctx, failing, func(ctx context.Context) (int, error) { return 1, actors.Sleep(ctx, time.Minute) }).Wait(ctx)
					})
					synctest.Wait()
					if failsFirst {
						fail(t.Context(), failing)
						asked.SetResult(1)
					} else {
						asked.SetResult(1)
						synctest.Wait()
						fail(t.Context(), failing)
					}
					require.ErrorIs(t, failure(waits), errBoom)
					assert.Less(t, time.Since(begin), time.Minute)
					require.ErrorIs(t, failed, pending.ErrDeadlock)
					require.ErrorContains(t, failed, top.ID())
					assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), top, one)), "it has restarted")
				})
			})
		}
	}
}

// The restart of the parent is on its way when the child fails that its function waits for.
func TestWaitForAChildThatFailsDuringTheRestartOfTheParentIsADeadlock(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		top := start(t, system, props.StopTimeout(24*time.Hour), supervised(supervision.Restart())[0])
		kid, other := child(t, top, supervised(supervision.Escalate())...), child(t, top, supervised(supervision.Escalate())...)
		var failed error
		waits := do(t.Context(), top, func(ctx context.Context) {
			p := actors.CallSoon(context.WithoutCancel(ctx), kid, func(ctx context.Context) (int, error) {
				return 1, actors.Sleep(ctx, time.Hour)
			})
			_, failed = p.Wait(ctx, pending.Shield())
		})
		synctest.Wait()
		fail(t.Context(), other)
		time.Sleep(time.Minute)
		assert.False(t, waits.IsDone(), "the child goes on")
		fail(t.Context(), kid)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.True(t, waits.IsDone())
		require.ErrorIs(t, failed, pending.ErrDeadlock)
		assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), top, one)), "it has restarted")
	})
}
