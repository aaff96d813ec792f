package telemetry_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// again has the function called again after a second, so many times in all.
func again(attempts int) actors.CallOption {
	return actors.Retry(actors.Attempts(attempts), actors.RetryBackoff(time.Second, time.Second), actors.RetryJitter(0))
}

// attempted calls fn with the number of the attempt, under the name "flaky".
func (s *scene) attempted(attempts int, fn func(ctx context.Context, n int) error) *pending.Pending[int] {
	n := 0
	return actors.Schedule(s.ctx, s.caller, func(ctx context.Context) (int, error) {
		n++
		return n, fn(ctx, n)
	}, actors.Named("flaky"), again(attempts))
}

// retriesOf returns the spans of the attempts after the first, in their order.
func (s *scene) retriesOf(name string) (retries []sdk.ReadOnlySpan) {
	for _, span := range s.Spans() {
		if span.Name() == name+" (retry)" {
			retries = append(retries, span)
		}
	}
	return retries
}

func TestEachRetryHasASpanWithALinkToTheAttemptBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		_, err := s.attempted(4, func(ctx context.Context, n int) error {
			_, err := actors.Schedule(ctx, s.caller, nothing, actors.Named([]string{"", "a", "b", "c", "d"}[n])).Wait(ctx)
			if n < 4 {
				err = errBoom
			}
			return err
		}).Wait(s.ctx)
		require.NoError(t, err)
		s.close(t)
		s.AssertTree(t, `
			root
			  flaky
			    a
			    flaky (retry) error "boom" linked to flaky
			      b
			    flaky (retry) error "boom" linked to flaky (retry)
			      c
			    flaky (retry) linked to flaky (retry)
			      d
		`)
		before, retries := s.one(t, "flaky"), s.retriesOf("flaky")
		require.Len(t, retries, 3)
		for n, retry := range retries {
			require.Len(t, retry.Links(), 1)
			assert.Equal(t, before.SpanContext(), retry.Links()[0].SpanContext)
			a := attributesOf(retry)
			assert.Equal(t, []string{"2", "3", "4"}[n], a[telemetry.AttemptKey])
			assert.Contains(t, a["code.function.name"], "attempted")
			before = retry
		}
		assert.Equal(t, "error", attributesOf(retries[0])[telemetry.OutcomeKey])
		assert.NotContains(t, attributesOf(retries[2]), telemetry.OutcomeKey)
		assert.Empty(t, s.Open())
	})
}

func TestCallThatGoesWellAtOnceHasOneSpan(t *testing.T) {
	play(t, `
		root
		  flaky [attempt]
	`, func(t *testing.T, s *scene) {
		_, err := s.attempted(3, func(context.Context, int) error { return nil }).Wait(s.ctx)
		require.NoError(t, err)
	})
}

func TestRetryEndsAsItsFunctionDoes(t *testing.T) {
	tests := map[string]struct {
		do   func(ctx context.Context) error
		want string
	}{
		"a panic":     {func(context.Context) error { panic("bang") }, `panic "pending: panic: bang" linked to flaky outcome=panic`},
		"Goexit":      {func(context.Context) error { runtime.Goexit(); return nil }, `error "actors: the function ended its goroutine with runtime.Goexit" linked to flaky outcome=error`},
		"a bad error": {func(context.Context) error { return (*pointerError)(nil) }, `error "*telemetry_test.pointerError: <nil>" linked to flaky outcome=error`},
		"a cancellation": {func(ctx context.Context) error {
			own, _ := pending.Current(ctx)
			own.Cancel(errBoom)
			return asleep(ctx)
		}, `cancelled`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t)
				p := s.attempted(2, func(ctx context.Context, n int) error {
					if n == 1 {
						return errBoom
					}
					return tt.do(ctx)
				})
				time.Sleep(time.Minute)
				require.Error(t, p.Err())
				s.close(t)
				assert.Empty(t, s.Open())
				require.Len(t, s.retriesOf("flaky"), 1)
				assert.Contains(t, s.Tree(tracetest.Attributes(telemetry.OutcomeKey)), "flaky (retry) "+tt.want)
			})
		})
	}
}

func TestRetryOfACallThatIsNotSampledIsNotEither(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSceneOf(t, tracetest.NewRecorder(sdk.WithSampler(except{"flaky"}))) // which asks for no parent
		_, err := s.attempted(3, func(_ context.Context, n int) error {
			if n < 3 {
				return errBoom
			}
			return nil
		}).Wait(s.ctx)
		require.NoError(t, err)
		s.close(t)
		s.AssertTree(t, "root")
	})
}

func TestRetryWithoutATelemetryIsSeenInTheSpanThatThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tracetest.NewRecorder()
		c, err := actors.Start(newSystem())
		require.NoError(t, err)
		ctx, root := r.Tracer().Start(t.Context(), "root")
		_, err = actors.Schedule(ctx, c, func(context.Context) (int, error) { return 0, errBoom }, again(2)).Wait(ctx)
		require.Error(t, err)
		root.End()
		r.AssertTree(t, `root [attempt, attempt: boom]`, tracetest.Events())
		require.NoError(t, c.StopWait(t.Context()))
	})
}

func TestContextsOfARetryThatSchedulesItsFunctionDoNotNest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := actors.Start(newSystem(), props.Telemetry(tracetest.NewRecorder().Telemetry()))
		require.NoError(t, err)
		seen := &bottom{Context: t.Context()}
		end := pending.New[int](t.Context())
		left := 100
		var schedule func(ctx context.Context)
		schedule = func(ctx context.Context) {
			first := true
			actors.Schedule(ctx, c, func(own context.Context) (int, error) {
				if first {
					first = false
					return 0, errBoom
				}
				if left--; left > 0 {
					schedule(own)
					return 0, nil
				}
				own.Value(depth{})
				end.SetResult(seen.frames)
				return 0, nil
			}, again(2))
		}
		schedule(seen)
		frames, err := end.Wait(t.Context())
		require.NoError(t, err)
		assert.Less(t, frames, 50)
		require.NoError(t, c.StopWait(t.Context()))
	})
}

func TestWhatARetrySchedulesIsBelowIt(t *testing.T) {
	play(t, `
		later linked to flaky (retry)
		root
		  flaky [attempt, suspended: actors.Sleep, resumed, attempt: boom]
		    flaky (retry) linked to flaky
		      soon
	`, func(t *testing.T, s *scene) {
		_, err := s.attempted(2, func(ctx context.Context, n int) error {
			if n == 1 {
				return errBoom
			}
			actors.Schedule(ctx, s.caller, nothing, actors.Named("soon"))
			actors.Schedule(ctx, s.caller, nothing, actors.Named("later"), actors.Delay(time.Hour))
			return nil
		}).Wait(s.ctx)
		require.NoError(t, err)
		time.Sleep(2 * time.Hour)
	})
}
