package actors_test

import (
	"context"
	"errors"
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

func TestMutexKeepsStateOverAWait(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		m := pending.NewMutex()
		n := 0
		var ps []*pending.Pending[int]
		for range 10 {
			ps = append(ps, actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
				if err := m.Lock(ctx); err != nil {
					return 0, err
				}
				defer m.Unlock()
				was := n
				err := actors.Sleep(ctx, time.Second)
				n = was + 1
				return n, err
			}))
		}
		assert.Equal(t, 5, result(t, ps[4]), "first come, first served")
		for i, p := range ps {
			assert.Equal(t, i+1, result(t, p))
		}
	})
}

func TestLockEndsWithTheFunctionThatWaitsForIt(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		m := pending.NewMutex()
		require.True(t, m.TryLock())
		p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) { return 0, m.Lock(ctx) })
		time.Sleep(time.Second)
		p.Cancel(errBoom)
		require.ErrorIs(t, failure(p), errBoom)
		m.Unlock()
		assert.True(t, m.TryLock(), "nobody waits any more")
	})
}

// holding starts a function that acquires one of a semaphore, and then does something.
func holding(
	t *testing.T, system *actor.ActorSystem, s *pending.Semaphore, then func(context.Context) error,
) *pending.Pending[int] {
	p := actors.CallSoon(t.Context(), start(t, system), func(ctx context.Context) (int, error) {
		if err := s.Acquire(ctx, 1); err != nil {
			return 0, err
		}
		defer s.Release(1)
		return 1, then(ctx)
	})
	time.Sleep(time.Second)
	return p
}

func TestWaitForASemaphoreIsADeadlockWhenAllHoldersAreStuck(t *testing.T) {
	for name, others := range map[string]bool{"all": false, "one goes on": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				s := pending.NewSemaphore(2)
				var waits *pending.Pending[int]
				gate := pending.New[int](t.Context())
				stuck := func(ctx context.Context) error {
					_, _ = gate.Wait(ctx)
					_, err := waits.Wait(ctx)
					return err
				}
				free := func(ctx context.Context) error { return actors.Sleep(ctx, time.Hour) }
				first, then := holding(t, system, s, stuck), stuck
				if others {
					then = free
				}
				second := holding(t, system, s, then)
				waits = holding(t, system, s, func(context.Context) error { return nil })
				gate.SetResult(1)
				if others {
					assert.Equal(t, 1, result(t, waits))
				}
				failures := 0
				for _, p := range []*pending.Pending[int]{first, second, waits} {
					if err := failure(p); err != nil {
						require.ErrorIs(t, err, pending.ErrDeadlock)
						failures++
					}
				}
				assert.Equal(t, map[bool]int{false: 1, true: 0}[others], failures)
			})
		})
	}
}

// Nobody begins to wait when a lock is handed over, and yet a circle may be closed by it.
func TestHandOverThatClosesACircleIsADeadlock(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		m := pending.NewMutex()
		require.True(t, m.TryLock())
		c := start(t, system)
		lock := func(ctx context.Context) (int, error) {
			if err := m.Lock(ctx); err != nil {
				return 0, err
			}
			defer m.Unlock()
			return 1, nil
		}
		first := actors.CallSoon(t.Context(), c, lock)
		time.Sleep(time.Second)
		second := actors.CallSoon(t.Context(), start(t, system), lock)
		time.Sleep(time.Second)
		keeps := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			return second.WaitSync(ctx, pending.Protect())
		})
		time.Sleep(time.Second)
		assert.False(t, keeps.IsDone(), "who has the mutex may unlock it")
		m.Unlock() // for first, which needs its turn
		require.ErrorIs(t, failure(keeps), pending.ErrDeadlock)
		require.ErrorContains(t, keeps.Err(), "waits for a mutex")
		assert.Equal(t, 1, result(t, first))
		assert.Equal(t, 1, result(t, second))
	})
}

// The function that produces work acquires, and the work releases.
func TestSemaphoreThatCallsReleaseIsNoDeadlock(t *testing.T) {
	for name, begin := range map[string]func(ctx context.Context, c *actors.Caller, s *pending.Semaphore){
		"in the call": func(ctx context.Context, c *actors.Caller, s *pending.Semaphore) {
			actors.ToThread(ctx, c, actors.NoResult(func(ctx context.Context) error {
				defer s.Release(1)
				return actors.Sleep(ctx, time.Second)
			}))
		},
		"in a callback": func(ctx context.Context, c *actors.Caller, s *pending.Semaphore) {
			p := actors.ToThread(ctx, c, actors.NoResult(func(ctx context.Context) error { return actors.Sleep(ctx, time.Second) }))
			p.OnDone(func(pending.Handle) { s.Release(1) })
		},
		"on a goroutine": func(ctx context.Context, _ *actors.Caller, s *pending.Semaphore) {
			ctx = actors.Detach(ctx)
			go func() {
				defer s.Release(1)
				_ = actors.Sleep(ctx, time.Second) // how it ends does not matter
			}()
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system)
				s := pending.NewSemaphore(2)
				_, err := actors.CallSoon(t.Context(), c, actors.NoResult(func(ctx context.Context) error {
					for range 10 {
						if err := s.Acquire(ctx, 1); err != nil {
							return err
						}
						begin(ctx, c, s)
					}
					return s.Acquire(ctx, 2)
				})).Wait(t.Context())
				require.NoError(t, err)
			})
		})
	}
}

func TestFunctionThatNeedsMoreOfASemaphoreThanIsLeftByItselfIsADeadlock(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		s := pending.NewSemaphore(2)
		err := actors.Do(t.Context(), c, func(ctx context.Context) error {
			if err := s.Acquire(ctx, 1); err != nil {
				return err
			}
			return s.Acquire(ctx, 2)
		})
		require.ErrorIs(t, err, pending.ErrDeadlock)
	})
}

func TestMutexIsNotGivenToAFunctionThatWasAbandoned(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.StopTimeout(time.Second))
		m := pending.NewMutex()
		require.NoError(t, m.Lock(t.Context()))
		p := actors.CallSoon(t.Context(), c, actors.NoResult(m.Lock))
		synctest.Wait()
		release := occupy(t, c) // on a thread p cannot go on meanwhile
		require.NoError(t, c.StopWait(t.Context()))
		require.ErrorIs(t, failure(p), pending.ErrStopped)
		m.Unlock()
		require.NoError(t, m.Lock(t.Context()))
		m.Unlock()
		require.NoError(t, failure(actors.CallSoon(t.Context(), start(t, system), actors.NoResult(m.Lock))))
		release()
	})
}

func TestMutexIsNotLostByAWaitThatPanics(t *testing.T) {
	c := start(t, newSystem(t), props.CheckTurns())
	m := pending.NewMutex()
	require.NoError(t, m.Lock(t.Context()))
	_ = failure(actors.CallSoon(t.Context(), c, actors.NoResult(func(ctx context.Context) error {
		done := make(chan any)
		go func() {
			defer func() { done <- recover() }()
			_ = m.Lock(ctx)
		}()
		assert.NotNil(t, <-done)
		return nil
	})))
	m.Unlock()
	require.NoError(t, m.Lock(t.Context()))
}

func TestSleepIsNoCallThatCouldRelease(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		few := pending.NewSemaphore(2)
		takesTwo := actors.NoResult(func(ctx context.Context) error {
			if err := few.Acquire(ctx, 1); err != nil {
				return err
			}
			defer few.Release(1)
			if err := actors.Sleep(ctx, time.Second); err != nil {
				return err
			}
			if err := few.Acquire(ctx, 1); err != nil {
				return err
			}
			few.Release(1)
			return nil
		})
		first := actors.CallSoon(t.Context(), start(t, system), takesTwo)
		second := actors.CallSoon(t.Context(), start(t, system), takesTwo)
		require.ErrorIs(t, errors.Join(failure(first), failure(second)), pending.ErrDeadlock)
	})
}
