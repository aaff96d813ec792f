package actors_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// fail has a function of c panic, and returns when all there is to do about that
// is done, or waits: the second is that of a bubble.
func fail(ctx context.Context, c *actors.Caller) {
	do(ctx, c, func(context.Context) { panic(errBoom) })
	time.Sleep(time.Second)
}

// A child that has escalated a failure goes on when that is decided on, for
// which the turns of those above it are needed.
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
