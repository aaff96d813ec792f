package actors_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// compute keeps the turn for d. Its name is looked for in stacks.
func compute(d time.Duration) { time.Sleep(d) }

func TestTurnWarning(t *testing.T) {
	const limit = time.Second
	suspend := func(ctx context.Context, d time.Duration) { _ = actors.Sleep(ctx, d) }
	tests := map[string]struct {
		fn    func(ctx context.Context)
		opts  []props.Option
		stack string // a line of the stack that is logged, "" for no warning
		times int
	}{
		"short turn":           {fn: func(context.Context) { compute(limit / 2) }},
		"turn up to the limit": {fn: func(context.Context) { compute(limit - 1) }},
		"long turn":            {fn: func(context.Context) { compute(2 * limit) }, stack: "actors_test.compute", times: 1},
		"very long turn":       {fn: func(context.Context) { compute(100 * limit) }, stack: "actors_test.compute", times: 1},
		"long wait":            {fn: func(ctx context.Context) { suspend(ctx, 100*limit) }},
		"short turns, in sum long": {fn: func(ctx context.Context) {
			for range 10 {
				compute(limit / 2)
				suspend(ctx, limit)
			}
		}},
		"long turn after a wait": {fn: func(ctx context.Context) {
			suspend(ctx, limit)
			compute(2 * limit)
		}, stack: "actors_test.compute", times: 1},
		"two long turns": {fn: func(ctx context.Context) {
			compute(2 * limit)
			suspend(ctx, limit)
			compute(2 * limit)
		}, stack: "actors_test.compute", times: 2},
		"wait that keeps the turn": {fn: func(ctx context.Context) {
			p := pending.New[int](ctx)
			time.AfterFunc(2*limit, func() { p.SetResult(1) })
			_, _ = p.WaitSync(ctx)
		}, stack: "WaitSync", times: 1},
		"wait of a NonReentrant": {
			fn: func(ctx context.Context) { suspend(ctx, 2*limit) }, opts: []props.Option{props.NonReentrant()},
			stack: "actors.Sleep", times: 1,
		},
		"off": {fn: func(context.Context) { compute(100 * limit) }, opts: []props.Option{props.TurnWarning(0)}},
	}
	for name, tt := range tests {
		for _, actorOfUser := range []bool{false, true} {
			if actorOfUser {
				name += ", adopted"
			}
			t.Run(name, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					log, logTo := logged()
					c := callerOrActor(t, system, actorOfUser, append([]props.Option{props.TurnWarning(limit), logTo}, tt.opts...))
					result(t, actors.Schedule(t.Context(), c, func(ctx context.Context) (any, error) {
						tt.fn(ctx)
						return nil, nil
					}, actors.Named("subject")))
					synctest.Wait()
					time.Sleep(100 * limit)

					warnings := strings.Count(log.String(), "turn lasts long")
					assert.Equal(t, tt.times, warnings)
					if tt.times > 0 {
						assert.Contains(t, log.String(), "function=subject")
						assert.Contains(t, log.String(), "caller="+c.ID())
						assert.Contains(t, log.String(), "limit=1s")
						assert.Equal(t, warnings, strings.Count(log.String(), tt.stack+"("), log.String())
					}
				})
			})
		}
	}
}

// The stack is that of the function with the turn, not of another goroutine
// that has had it.
func TestTurnWarningTellsWhoHasTheTurnNow(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log, logTo := logged()
		c := start(t, system, props.TurnWarning(time.Second), logTo)
		waiting := actors.Schedule(t.Context(), c, second, actors.Named("waiting"))
		synctest.Wait()
		computing := actors.Schedule(t.Context(), c, func(context.Context) (string, error) {
			compute(2 * time.Second)
			return "done", nil
		}, actors.Named("computing"))
		assert.Equal(t, "done", result(t, computing))
		assert.Equal(t, "done", result(t, waiting))
		assert.Equal(t, 1, strings.Count(log.String(), "turn lasts long"))
		assert.Contains(t, log.String(), "function=computing")
		assert.Contains(t, log.String(), "actors_test.compute(")
		assert.NotContains(t, log.String(), "actors_test.second(")
	})
}

func TestTurnWarningForgetsTheAbandoned(t *testing.T) {
	for name, fn := range stubborn {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				log, logTo := logged()
				c := start(t, system, props.TurnWarning(time.Minute), props.StopTimeout(time.Second), logTo)
				goOn := pending.New[string](context.Background())
				p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) { return fn(ctx, goOn) })
				synctest.Wait()
				require.NoError(t, c.StopWait(t.Context()))
				require.ErrorIs(t, p.Err(), pending.ErrStopped)
				time.Sleep(time.Hour)
				goOn.SetResult("")
				time.Sleep(time.Hour)
				assert.NotContains(t, log.String(), "turn lasts long")
			})
		})
	}
}
