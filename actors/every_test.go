package actors_test

import (
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"
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

// ticks notes when a periodic function is called.
type ticks struct {
	begin time.Time
	mu    sync.Mutex
	at    []time.Duration
	takes []time.Duration // how long the calls take, from the first; none after that
	errs  []error         // likewise
}

func newTicks() *ticks { return &ticks{begin: time.Now()} }

func (n *ticks) tick(ctx context.Context) error {
	n.mu.Lock()
	i := len(n.at)
	n.at = append(n.at, time.Since(n.begin))
	n.mu.Unlock()
	if i < len(n.takes) {
		if err := actors.Sleep(ctx, n.takes[i]); err != nil {
			return err
		}
	}
	if i < len(n.errs) {
		return n.errs[i]
	}
	return nil
}

// after returns the times of the calls until d from now.
func (n *ticks) after(d time.Duration) []time.Duration {
	time.Sleep(d)
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.at)
}

func secondsOf(times ...float64) []time.Duration {
	all := make([]time.Duration, 0, len(times))
	for _, t := range times {
		all = append(all, time.Duration(t*float64(time.Second)))
	}
	return all
}

func TestFunctionIsCalledAtEachInterval(t *testing.T) {
	for name, tt := range map[string]struct {
		takes []time.Duration
		opts  []actors.EveryOption
		want  []time.Duration
	}{
		"after an interval first":            {nil, nil, secondsOf(1, 2, 3, 4, 5)},
		"at once":                            {nil, []actors.EveryOption{actors.Immediately()}, secondsOf(0, 1, 2, 3, 4, 5)},
		"without the times it is late for":   {secondsOf(2.5), nil, secondsOf(1, 4, 5)},
		"at a time that it is just not late": {secondsOf(2), nil, secondsOf(1, 3, 4, 5)},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system)
				n := newTicks()
				n.takes = tt.takes
				p := actors.Every(t.Context(), c, time.Second, n.tick, tt.opts...)
				assert.Equal(t, tt.want, n.after(5*time.Second))
				assert.False(t, p.IsDone())
				require.NoError(t, p.CancelWait(t.Context(), nil))
				assert.Equal(t, tt.want, n.after(time.Hour))
			})
		})
	}
}

func TestPeriodicCallWaitsInTheQueueLikeOthers(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := unstarted(t, system)
		n := newTicks()
		actors.Every(t.Context(), c, time.Second, n.tick)
		assert.Empty(t, n.after(3*time.Second+time.Second/2))
		require.NoError(t, c.Start())
		assert.Equal(t, secondsOf(3.5, 4), n.after(time.Second/2))
	})
}

func TestJitterDelaysEachCall(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		n := newTicks()
		actors.Every(t.Context(), start(t, system), time.Second, n.tick, actors.EveryJitter(0.5))
		at := n.after(100*time.Second + time.Second/2)
		require.Len(t, at, 100)
		some := false
		for i, at := range at {
			late := at - time.Duration(i+1)*time.Second
			assert.True(t, 0 <= late && late <= time.Second/2, late)
			some = some || late != at-time.Duration(i+1)*time.Second/2
		}
		assert.True(t, some)
	})
}

func TestErrorOfAPeriodicCallIsLoggedAndItGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log, logTo := logged()
		n := newTicks()
		n.errs = []error{errBoom, context.Canceled}
		actors.Every(t.Context(), start(t, system, logTo), time.Second, n.tick)
		assert.Equal(t, secondsOf(1, 2, 3), n.after(3*time.Second))
		assert.Contains(t, log.String(), `msg="actors: periodic call failed"`)
		assert.Contains(t, log.String(), "error=boom")
		assert.Contains(t, log.String(), `error="pending: cancelled"`)
		assert.Contains(t, log.String(), "ticks).tick")
	})
}

func TestStopOnErrorEndsAPeriodicCall(t *testing.T) {
	for name, fn := range map[string]func(context.Context) error{
		"error": func(context.Context) error { return errBoom },
		"panic": func(context.Context) error { panic(errBoom) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				called := 0
				p := actors.Every(t.Context(), start(t, system), time.Second, func(ctx context.Context) error {
					called++
					return fn(ctx)
				}, actors.StopOnError())
				require.ErrorIs(t, failure(p), errBoom)
				time.Sleep(time.Hour)
				assert.Equal(t, 1, called)
			})
		})
	}
}

func TestPeriodicCallSurvivesARestart(t *testing.T) {
	for name, tt := range map[string]struct {
		takes time.Duration
		want  []time.Duration
	}{
		"between two calls":  {0, secondsOf(2, 4, 65, 66)},
		"while a call waits": {time.Hour, secondsOf(2, 4, 66)},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				log, logTo := logged()
				c := start(t, system, append(restartInAMinute, logTo)...)
				n := newTicks()
				n.takes = []time.Duration{0, tt.takes}
				p := actors.Every(t.Context(), c, 2*time.Second, n.tick, actors.StopOnError())
				n.after(5 * time.Second)
				crash(t, c)
				assert.Equal(t, tt.want, n.after(62*time.Second))
				assert.False(t, p.IsDone())
				assert.NotContains(t, log.String(), "periodic call failed")
			})
		})
	}
}

func TestPanicOfAPeriodicCallRestartsTheCaller(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log, logTo := logged()
		c := start(t, system, append(supervised(supervision.Restart()), logTo)...)
		var called atomic.Int32
		actors.Every(t.Context(), c, time.Second, func(context.Context) error {
			called.Add(1)
			panic(errBoom)
		})
		time.Sleep(3 * time.Second)
		synctest.Wait()
		assert.EqualValues(t, 3, called.Load())
		assert.Contains(t, log.String(), "function panicked")
		assert.NotContains(t, log.String(), "periodic call failed", "a panic is logged once")
	})
}

func TestWhatEndsAPeriodicCall(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(c *actors.Caller, p *pending.Pending[struct{}], cancel context.CancelCauseFunc)
		want error
	}{
		"its pending": {func(_ *actors.Caller, p *pending.Pending[struct{}], _ context.CancelCauseFunc) { p.Cancel(errBoom) }, errBoom},
		"its context": {func(_ *actors.Caller, _ *pending.Pending[struct{}], cancel context.CancelCauseFunc) { cancel(errBoom) }, errBoom},
		"the caller":  {func(c *actors.Caller, _ *pending.Pending[struct{}], _ context.CancelCauseFunc) { c.Stop() }, pending.ErrStopped},
		"protoactor": {func(c *actors.Caller, _ *pending.Pending[struct{}], _ context.CancelCauseFunc) {
			c.System().Root.Stop(c.PID())
		}, pending.ErrStopped},
		"both at a time": {func(c *actors.Caller, p *pending.Pending[struct{}], _ context.CancelCauseFunc) {
			p.Cancel(errBoom)
			c.Stop()
		}, errBoom},
		"all at one time": {func(c *actors.Caller, p *pending.Pending[struct{}], cancel context.CancelCauseFunc) {
			cancel(errBoom)
			c.Stop()
			p.Cancel(errBoom)
		}, pending.ErrCancelled},
	} {
		for when, takes := range map[string]time.Duration{"between two calls": 0, "while one waits": time.Hour} {
			t.Run(name+" "+when, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					c := start(t, system)
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					n := newTicks()
					n.takes = []time.Duration{0, takes}
					p := actors.Every(ctx, c, time.Second, n.tick)
					n.after(2 * time.Second)
					tt.end(c, p, cancel)
					synctest.Wait()
					require.True(t, p.IsDone())
					require.ErrorIs(t, p.Err(), tt.want)
					require.ErrorIs(t, p.Err(), pending.ErrCancelled)
					assert.Equal(t, secondsOf(1, 2), n.after(time.Hour))
				})
			})
		}
	}
}

func TestPeriodicCallThatCannotBegin(t *testing.T) {
	system := newSystem(t)
	stopped := start(t, system)
	require.NoError(t, stopped.StopWait(t.Context()))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	never := func(context.Context) error {
		t.Error("it was called")
		return nil
	}
	c := start(t, system)
	for want, p := range map[string]*pending.Pending[struct{}]{
		"actors: Every(0s): the interval must be positive":   actors.Every(t.Context(), c, 0, never),
		"actors: Every(-1s): the interval must be positive":  actors.Every(t.Context(), c, -time.Second, never),
		"actors: EveryJitter(-0.1): must be between 0 and 1": actors.Every(t.Context(), c, 1, never, actors.EveryJitter(-0.1)),
		"actors: EveryJitter(1.1): must be between 0 and 1":  actors.Every(t.Context(), c, 1, never, actors.EveryJitter(1.1)),
		"actors: EveryJitter(NaN): must be between 0 and 1":  actors.Every(t.Context(), c, 1, never, actors.EveryJitter(math.NaN())),
		"pending: caller stopped":                            actors.Every(t.Context(), stopped, 1, never, actors.Immediately()),
		"pending: cancelled":                                 actors.Every(ended, c, 1, never, actors.Immediately()),
	} {
		require.EqualError(t, failure(p), want)
	}
	late := actors.Every(t.Context(), c, math.MaxInt64, never, actors.EveryJitter(1))
	assert.False(t, late.IsDone())
	require.NoError(t, late.CancelWait(t.Context(), nil))
}

func TestDrainDoesNotWaitForTheNextPeriodicCall(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		n := newTicks()
		n.takes = []time.Duration{0, 10 * time.Second}
		p := actors.Every(t.Context(), c, 2*time.Second, n.tick)
		n.after(3 * time.Second)
		between := start(t, system)
		idle := actors.Every(t.Context(), between, time.Hour, n.tick)
		require.NoError(t, between.Drain(t.Context()))
		require.ErrorIs(t, idle.Err(), pending.ErrStopped)
		assert.Equal(t, 3*time.Second, time.Since(n.begin))

		n.after(time.Second)
		require.NoError(t, c.Drain(t.Context()))
		assert.Equal(t, 14*time.Second, time.Since(n.begin), "it waits for the call that has begun")
		require.ErrorIs(t, p.Err(), pending.ErrStopped)
		assert.Equal(t, secondsOf(2, 4), n.after(0))
	})
}

func TestGroupDoesNotWaitForAPeriodicCall(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		n := newTicks()
		n.errs = []error{errBoom}
		var p *pending.Pending[struct{}]
		require.NoError(t, pending.Run(t.Context(), func(ctx context.Context) error {
			p = actors.Every(ctx, c, time.Second, n.tick)
			return actors.Sleep(ctx, 2*time.Second)
		}))
		synctest.Wait()
		assert.True(t, p.IsDone(), "its context has ended")
	})
}

func TestPeriodicFunctionThatWaitsForItself(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		own := make(chan *pending.Pending[struct{}], 1)
		var errs []error
		p := actors.Every(t.Context(), c, time.Second, func(ctx context.Context) error {
			p := <-own
			_, err := p.Wait(ctx)
			errs = append(errs, err, p.CancelWait(ctx, errBoom))
			return nil
		})
		own <- p
		require.ErrorIs(t, failure(p), errBoom)
		require.ErrorIs(t, errs[0], pending.ErrDeadlock)
		require.ErrorIs(t, errs[1], errBoom, "its context has ended")
	})
}

func TestPeriodicCallThatTheCallerRejectsIsLogged(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log, logTo := logged()
		c := start(t, system, props.MaxQueued(1), logTo)
		n := newTicks()
		actors.Every(t.Context(), c, time.Second, n.tick, actors.StopOnError())
		release := occupy(t, c)
		other := actors.CallSoon(t.Context(), c, returns(1))
		n.after(time.Second)
		assert.Contains(t, log.String(), "overloaded")
		release()
		result(t, other)
		assert.Equal(t, secondsOf(2), n.after(time.Second))
	})
}

func TestPeriodicFunctionThatEndsItsGoroutine(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		var called atomic.Int32
		p := actors.Every(t.Context(), start(t, system), time.Second, func(context.Context) error {
			called.Add(1)
			exitGoroutine()
			return nil
		})
		time.Sleep(3 * time.Second)
		synctest.Wait()
		assert.EqualValues(t, 3, called.Load())
		assert.False(t, p.IsDone())
	})
}

func TestManagerCancelsAPeriodicCall(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		m := pending.NewManager()
		ctx := pending.WithTracker(t.Context(), m)
		p := actors.Every(ctx, start(t, system), time.Second, func(context.Context) error { return nil })
		time.Sleep(time.Second)
		synctest.Wait()
		for _, h := range m.Pending() {
			h.Cancel(errBoom)
		}
		synctest.Wait()
		require.ErrorIs(t, p.Err(), errBoom)
		assert.Empty(t, m.Pending())
	})
}
