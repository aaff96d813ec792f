package actors_test

import (
	"context"
	"errors"
	"fmt"
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
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// stubborn are functions that ignore the end of their context until goOn.
var stubborn = map[string]func(ctx context.Context, goOn *pending.Pending[string]) (string, error){
	"holding the turn": func(_ context.Context, goOn *pending.Pending[string]) (string, error) {
		<-goOn.Done()
		return "too late", nil
	},
	"suspended": func(ctx context.Context, goOn *pending.Pending[string]) (string, error) {
		return goOn.Wait(ctx, pending.Shield())
	},
	"waiting with the turn": func(ctx context.Context, goOn *pending.Pending[string]) (string, error) {
		return goOn.WaitSync(ctx, pending.Shield())
	},
	"waiting again and again": func(ctx context.Context, goOn *pending.Pending[string]) (string, error) {
		for !goOn.IsDone() {
			_, _ = goOn.Wait(ctx, pending.Shield())
			<-goOn.Done()
		}
		return "", nil
	},
}

func TestFunctionThatDoesNotReturnIsAbandoned(t *testing.T) {
	for name, fn := range stubborn {
		for _, own := range []bool{true, false} {
			for _, actorOfUser := range []bool{false, true} {
				t.Run(fmt.Sprint(name, ", own ", own, ", adopted ", actorOfUser), func(t *testing.T) {
					bubble(t, func(t *testing.T, system *actor.ActorSystem) {
						log, logTo := logged()
						top := callerOrActor(t, system, actorOfUser, []props.Option{props.StopTimeout(time.Minute), logTo})
						c := top
						if !own {
							c = child(t, child(t, top))
						}
						goOn := pending.New[string](context.Background())
						var calls []*pending.Pending[string]
						for range 3 {
							calls = append(calls, actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) { return fn(ctx, goOn) }))
						}
						synctest.Wait()
						begin := time.Now()
						require.NoError(t, top.StopWait(t.Context()))
						assert.Equal(t, time.Minute, time.Since(begin))
						for _, p := range calls {
							assert.True(t, p.IsDone())
							require.ErrorIs(t, p.Err(), pending.ErrStopped)
						}
						for c := range actors.All(system) {
							t.Error(c)
						}
						assert.Contains(t, log.String(), "function abandoned, it has not returned in time")
						assert.Contains(t, log.String(), "function="+calls[0].Name()[:20])
						assert.Contains(t, log.String(), "limit=1m0s")

						goOn.SetResult("too late")
						synctest.Wait()
						value, err := calls[0].Result()
						assert.Empty(t, value)
						require.ErrorIs(t, err, pending.ErrStopped)
					})
				})
			}
		}
	}
}

// What an abandoned function does concerns nobody. It is not in the way of the
// functions of a caller that has been restarted without it.
func TestAbandonedFunctionDoesNoHarm(t *testing.T) {
	deeds := map[string]func(ctx context.Context) error{
		"Sleep": func(ctx context.Context) error { return actors.Sleep(context.WithoutCancel(ctx), time.Second) },
		"Wait":  func(ctx context.Context) error { return wait(ctx, pending.Shield()) },
		"WaitSync": func(ctx context.Context) error {
			_, err := pending.New[int](ctx).WaitSync(ctx, pending.Shield())
			return err
		},
		"panic":      func(context.Context) error { panic(errBoom) },
		"Goexit":     func(context.Context) error { exitGoroutine(); return nil },
		"return":     func(context.Context) error { return context.Canceled },
		"CancelWait": func(ctx context.Context) error { return pending.New[int](ctx).CancelWait(ctx, nil) },
		"many things": func(ctx context.Context) error {
			return errors.Join(wait(ctx, pending.Shield()), wait(ctx, pending.Shield()))
		},
	}
	for where, suspend := range map[string]bool{"suspended": true, "holding the turn": false} {
		for name, do := range deeds {
			t.Run(where+", "+name, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					events := logEvents(system)
					c := start(t, system, append(supervised(supervision.Restart()), props.StopTimeout(time.Minute))...)
					goOn := pending.New[string](context.Background())
					ended := make(chan error, 1)
					p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) {
						if suspend {
							_, _ = goOn.Wait(ctx, pending.Shield())
						}
						<-goOn.Done()
						err := do(ctx)
						ended <- err
						return "too late", err
					})
					synctest.Wait()
					restart(system, c)
					if backend.name == "host" { // which the function has, and nobody can take from it
						time.Sleep(2 * time.Minute)
						assert.True(t, p.IsDone())
						goOn.SetResult("")
					}
					result(t, actors.CallSoon(t.Context(), c, returns(1)))
					assert.True(t, p.IsDone())

					turns := make(chan struct{}, 1)
					current := func(context.Context) (string, error) {
						turns <- struct{}{}
						time.Sleep(time.Second)
						<-turns
						return "done", nil
					}
					first := actors.CallSoon(t.Context(), c, current)
					goOn.SetResult("")
					second := actors.CallSoon(t.Context(), c, current)
					assert.Equal(t, "done", result(t, first))
					assert.Equal(t, "done", result(t, second))
					if strings.HasPrefix(name, "Sleep") || strings.HasPrefix(name, "Wait") {
						require.ErrorContains(t, <-ended, "restarted")
					}
					_, err := p.Result()
					require.ErrorIs(t, err, pending.ErrCancelled)
					require.NotErrorIs(t, err, errBoom)
					assert.Len(t, events.all(), 1, "the restart")
				})
			})
		}
	}
}

// wait waits for what never comes.
func wait(ctx context.Context, opts ...pending.WaitOption) error {
	_, err := pending.New[int](context.Background()).Wait(ctx, opts...)
	return err
}

// restart restarts a caller without a failure of its own.
func restart(system *actor.ActorSystem, c *actors.Caller) {
	process, _ := system.ProcessRegistry.Get(c.PID())
	process.SendSystemMessage(c.PID(), &actor.Restart{})
}

func TestStopWithoutTimeoutWaitsForEver(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.StopTimeout(0))
		goOn := pending.New[string](context.Background())
		p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) { return goOn.Wait(ctx, pending.Shield()) })
		synctest.Wait()
		c.Stop()
		time.Sleep(1000 * time.Hour)
		assert.Equal(t, actors.StateStopping, c.State())
		goOn.SetResult("in time")
		<-c.Stopped()
		assert.Equal(t, "in time", result(t, p))
	})
}

func TestStopTimeoutIsForEachCaller(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.StopTimeout(time.Second))
		patient := child(t, c, props.StopTimeout(time.Minute))
		goOn := pending.New[string](context.Background())
		ignoring := func(ctx context.Context) (string, error) { return goOn.Wait(ctx, pending.Shield()) }
		own, childs := actors.CallSoon(t.Context(), c, ignoring), actors.CallSoon(t.Context(), patient, ignoring)
		synctest.Wait()
		c.Stop()
		time.Sleep(time.Second)
		synctest.Wait()
		assert.True(t, own.IsDone())
		assert.Equal(t, actors.StateStopping, c.State(), "it waits for its child")
		goOn.SetResult("in time")
		<-c.Stopped()
		assert.Equal(t, "in time", result(t, childs))
	})
}

// Functions that return at the last moment meet the abandonment at all its
// stages.
func TestReturnAtTheLastMoment(t *testing.T) {
	system := newSystem(t)
	for range 300 {
		c := start(t, system, props.StopTimeout(50*time.Microsecond))
		calls := make([]*pending.Pending[string], 4)
		for i := range calls {
			calls[i] = actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) {
				err := actors.Sleep(context.WithoutCancel(ctx), time.Duration(40+5*i)*time.Microsecond)
				return "in time", err
			})
		}
		require.NoError(t, c.StopWait(t.Context()))
		for _, p := range calls {
			assert.True(t, p.IsDone())
			if value, err := p.Result(); err != nil {
				require.ErrorIs(t, err, pending.ErrStopped)
			} else {
				assert.Equal(t, "in time", value)
			}
		}
	}
}

func TestRestartAtTheLastMomentLeavesTheNextFunctionsAlone(t *testing.T) {
	system := newSystem(t)
	c := start(t, system, props.StopTimeout(50*time.Microsecond))
	for i := range fewer(t, 300) {
		late := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) {
			err := actors.Sleep(ctx, time.Hour)
			return "late", errors.Join(err, actors.Sleep(context.WithoutCancel(ctx), time.Duration(40+i%20)*time.Microsecond))
		})
		result(t, do(t.Context(), c, func(context.Context) {})) // it sleeps
		restart(system, c)
		for range 3 {
			next := actors.CallSoon(t.Context(), c, func(context.Context) (string, error) {
				time.Sleep(20 * time.Microsecond)
				return "next", nil
			})
			assert.Equal(t, "next", result(t, next))
		}
		require.ErrorIs(t, failure(late), pending.ErrCancelled)
	}
}
