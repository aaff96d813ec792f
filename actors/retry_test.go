package actors_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// attempts is a function that fails until an attempt, and notes when it is called.
type attempts struct {
	begin    time.Time
	at       []time.Duration
	succeeds int // with this attempt; never if it is 0
}

func (a *attempts) call(context.Context) (int, error) {
	a.at = append(a.at, time.Since(a.begin))
	if len(a.at) == a.succeeds {
		return len(a.at), nil
	}
	return 0, fmt.Errorf("attempt %d: %w", len(a.at), errBoom)
}

func TestFunctionIsCalledAgainUntilItSucceeds(t *testing.T) {
	exactly := actors.RetryJitter(0)
	for name, tt := range map[string]struct {
		succeeds int
		opts     []actors.RetryOption
		at       []time.Duration
		err      string
	}{
		"at once":    {1, nil, secondsOf(0), ""},
		"at the end": {3, nil, secondsOf(0, 0.1, 0.3), ""},
		"never":      {0, nil, secondsOf(0, 0.1, 0.3), "actors: attempt 3 of 3: attempt 3: boom"},
		"once":       {0, []actors.RetryOption{actors.Attempts(1)}, secondsOf(0), "attempt 1: boom"},
		"with a longest time": {
			0,
			[]actors.RetryOption{actors.Attempts(5), actors.RetryBackoff(time.Second, 3*time.Second)},
			secondsOf(0, 1, 3, 6, 9), "actors: attempt 5 of 5: attempt 5: boom",
		},
		"as long as it is of use": {
			0,
			[]actors.RetryOption{actors.RetryIf(func(err error) bool { return err.Error() == "attempt 1: boom" })},
			secondsOf(0, 0.1), "actors: attempt 2 of 3: attempt 2: boom",
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system)
				a := &attempts{begin: time.Now(), succeeds: tt.succeeds}
				p := actors.Schedule(t.Context(), c, a.call, actors.Retry(append(tt.opts, exactly)...))
				n, err := p.Wait(t.Context())
				assert.Equal(t, tt.at, a.at)
				if tt.err != "" {
					require.EqualError(t, err, tt.err)
					require.ErrorIs(t, err, errBoom)
				} else {
					require.NoError(t, err)
					assert.Equal(t, tt.succeeds, n)
				}
				assert.Contains(t, p.Name(), "call-fm")
			})
		})
	}
}

func TestJitterShortensTheTimeBetweenAttempts(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		a := &attempts{begin: time.Now()}
		p := actors.Schedule(t.Context(), start(t, system), a.call,
			actors.Retry(actors.Attempts(101), actors.RetryBackoff(time.Second, time.Second), actors.RetryJitter(0.5)))
		require.ErrorIs(t, failure(p), errBoom)
		for i, at := range a.at[1:] {
			d := at - a.at[i]
			assert.True(t, time.Second/2 <= d && d <= time.Second, d)
		}
		assert.Less(t, a.at[100], 99*time.Second)
	})
}

func TestTurnIsFreeBetweenAttempts(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		a := &attempts{begin: time.Now()}
		p := actors.Schedule(t.Context(), c, a.call, actors.Retry(), actors.Named("flaky"))
		assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
		assert.False(t, p.IsDone())
		assert.Equal(t, "flaky", p.Name())
		w := &attempts{begin: time.Now(), succeeds: 2}
		assert.Equal(t, 2, result(t, actors.Schedule(t.Context(), c, w.call, actors.Retry(), actors.OnWorker())))
		require.ErrorIs(t, failure(p), errBoom)
	})
}

func TestSynchronousCallIsTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		a := &attempts{begin: time.Now(), succeeds: 3}
		n, err := actors.Call(t.Context(), c, a.call, actors.Retry(actors.RetryJitter(0)), actors.Urgent())
		require.NoError(t, err)
		assert.Equal(t, 3, n)
		assert.Equal(t, secondsOf(0, 0.1, 0.3), a.at)

		b := &attempts{begin: time.Now(), succeeds: 2}
		p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			return actors.Call(ctx, c, b.call, actors.Retry(actors.RetryJitter(0)))
		})
		assert.Equal(t, 2, result(t, p))
		_, err = actors.Call(t.Context(), c, b.call, actors.Retry(actors.Attempts(0)))
		require.EqualError(t, err, "actors: Attempts(0): must be positive")
		_, err = actors.Call(t.Context(), c, b.call, actors.Urgent(), actors.OnWorker())
		require.EqualError(t, err, "actors: Urgent: cannot be combined with OnWorker")
		assert.Len(t, b.at, 2)
	})
}

func TestWhatEndsTheAttempts(t *testing.T) {
	long := actors.Retry(actors.RetryBackoff(time.Hour, time.Hour))
	for name, tt := range map[string]struct {
		want error
		opts []actors.CallOption
		end  func(c *actors.Caller, p *pending.Pending[int], cancel context.CancelCauseFunc)
	}{
		"cancel":   {pending.ErrCancelled, nil, func(_ *actors.Caller, p *pending.Pending[int], _ context.CancelCauseFunc) { p.Cancel(nil) }},
		"context":  {pending.ErrCancelled, nil, func(_ *actors.Caller, _ *pending.Pending[int], cancel context.CancelCauseFunc) { cancel(nil) }},
		"deadline": {context.DeadlineExceeded, []actors.CallOption{actors.Timeout(time.Minute)}, func(*actors.Caller, *pending.Pending[int], context.CancelCauseFunc) { time.Sleep(time.Minute) }},
		"stop":     {pending.ErrStopped, nil, func(c *actors.Caller, _ *pending.Pending[int], _ context.CancelCauseFunc) { c.Stop() }},
		"restart": {pending.ErrCancelled, nil, func(c *actors.Caller, _ *pending.Pending[int], _ context.CancelCauseFunc) {
			sendSystem(c, &actor.Restart{})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system)
				a := &attempts{begin: time.Now()}
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				p := actors.Schedule(ctx, c, a.call, append(tt.opts, long)...)
				synctest.Wait()
				tt.end(c, p, cancel)
				synctest.Wait()
				require.True(t, p.IsDone())
				require.ErrorIs(t, p.Err(), tt.want)
				require.ErrorIs(t, p.Err(), pending.ErrCancelled)
				assert.Len(t, a.at, 1)
			})
		})
	}
}

func TestPanicIsNotTriedAgain(t *testing.T) {
	for name, fn := range map[string]func(context.Context) (int, error){
		"panic":  func(context.Context) (int, error) { panic(errBoom) },
		"Goexit": func(context.Context) (int, error) { exitGoroutine(); return 0, nil },
	} {
		t.Run(name, func(t *testing.T) {
			called := 0
			p := actors.Schedule(t.Context(), start(t, newSystem(t)), func(ctx context.Context) (int, error) {
				called++
				return fn(ctx)
			}, actors.Retry())
			require.Error(t, failure(p))
			assert.Equal(t, 1, called)
		})
	}
}

func TestPanicOfRetryIfIsThatOfTheCall(t *testing.T) {
	a := &attempts{}
	p := actors.Schedule(t.Context(), start(t, newSystem(t)), a.call, actors.Retry(actors.RetryIf(func(error) bool { panic("no") })))
	var crash *pending.PanicError
	require.ErrorAs(t, failure(p), &crash)
}

func TestRetryThatMakesNoSenseIsAnErrorOfTheCall(t *testing.T) {
	c := start(t, newSystem(t))
	never := func(context.Context) (int, error) {
		t.Error("it was called")
		return 0, nil
	}
	for want, opt := range map[string]actors.RetryOption{
		"actors: Attempts(0): must be positive":                                                actors.Attempts(0),
		"actors: Attempts(-1): must be positive":                                               actors.Attempts(-1),
		"actors: RetryJitter(NaN): must be between 0 and 1":                                    actors.RetryJitter(math.NaN()),
		"actors: RetryJitter(2): must be between 0 and 1":                                      actors.RetryJitter(2),
		"actors: RetryBackoff(0s, 1s): the initial time must be positive":                      actors.RetryBackoff(0, time.Second),
		"actors: RetryBackoff(2s, 1s): the longest time must not be less than the initial one": actors.RetryBackoff(2*time.Second, time.Second),
	} {
		require.EqualError(t, failure(actors.Schedule(t.Context(), c, never, actors.Retry(opt))), want)
	}
	a := &attempts{succeeds: 1}
	assert.Equal(t, 1, result(t, actors.Schedule(t.Context(), c, a.call,
		actors.Retry(actors.Attempts(math.MaxInt), actors.RetryBackoff(math.MaxInt64, math.MaxInt64)))))
}

func TestEachAttemptIsAnEventOfTheSpan(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		spans := tracetest.NewRecorder()
		c := start(t, system, props.Telemetry(spans.Telemetry()))
		a := &attempts{succeeds: 2}
		result(t, actors.Schedule(t.Context(), c, a.call, actors.Retry(), actors.Named("flaky")))
		require.Len(t, spans.Spans(), 2)
		var got []string
		for _, e := range spans.Spans()[1].Events() {
			line := e.Name
			for _, kv := range e.Attributes {
				if kv.Key == telemetry.AttemptKey || kv.Key == telemetry.CauseKey {
					line += " " + kv.Value.String()
				}
			}
			got = append(got, line)
		}
		assert.Equal(t, []string{
			"attempt 1", "suspended", "resumed", "attempt 2 attempt 1: boom",
		}, got)
	})
}
