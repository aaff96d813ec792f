package pending_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestMutexIsLockedByOneAtATime(t *testing.T) {
	m := pending.NewMutex()
	n := 0
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if err := m.Lock(t.Context()); err != nil {
				t.Error(err)
				return
			}
			defer m.Unlock()
			n++
		})
	}
	wg.Wait()
	assert.Equal(t, 100, n)
	assert.True(t, m.TryLock())
	assert.False(t, m.TryLock())
	m.Unlock()
}

func TestMutexIsFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := pending.NewMutex()
		require.NoError(t, m.Lock(t.Context()))
		var got []int
		for i := range 10 {
			go func() {
				assert.NoError(t, m.Lock(t.Context()))
				got = append(got, i)
				m.Unlock()
			}()
			synctest.Wait()
		}
		m.Unlock()
		synctest.Wait()
		assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, got)
	})
}

func TestLockThatIsHeldGoesToNobodyElseMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pending.NewSemaphore(2)
		require.NoError(t, s.Acquire(t.Context(), 1))
		large := make(chan error, 1)
		go func() { large <- s.Acquire(t.Context(), 2) }()
		synctest.Wait()
		assert.False(t, s.TryAcquire(1), "who came first is served first")
		s.Release(1)
		require.NoError(t, <-large)
		assert.False(t, s.TryAcquire(1))
		s.Release(1)
		assert.True(t, s.TryAcquire(1))
		s.Release(2)
		assert.True(t, s.TryAcquire(2))
	})
}

func TestWaitForALockEndsWithItsContext(t *testing.T) {
	everywhere(t, func(ctx context.Context, t *testing.T, _ waitFunc) {
		m := pending.NewMutex(pending.Named("accounts"))
		require.True(t, m.TryLock())
		limited, cancel := context.WithTimeoutCause(ctx, time.Second, errWhy)
		defer cancel()
		err := m.Lock(limited)
		requireErrors(t, err, context.DeadlineExceeded, errWhy)
		requireErrors(t, m.Lock(limited), context.DeadlineExceeded, errWhy)
		m.Unlock()
		require.NoError(t, m.Lock(ctx), "nothing was handed over to who had left")
		m.Unlock()
		require.ErrorContains(t, m.Lock(limited), "accounts")
	})
}

// Who leaves the queue lets those behind have what is free.
func TestAcquisitionThatIsGivenUpLetsOthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pending.NewSemaphore(3)
		require.True(t, s.TryAcquire(2))
		ctx, cancel := context.WithCancel(t.Context())
		large, small := make(chan error, 1), make(chan error, 1)
		go func() { large <- s.Acquire(ctx, 2) }()
		synctest.Wait()
		go func() { small <- s.Acquire(t.Context(), 1) }()
		synctest.Wait()
		assert.Empty(t, small)
		cancel()
		require.ErrorIs(t, <-large, context.Canceled)
		require.NoError(t, <-small)
		s.Release(3)
	})
}

func TestWrongUseOfALockPanics(t *testing.T) {
	s := pending.NewSemaphore(1)
	for name, wrong := range map[string]func(){
		"unlock of an unlocked mutex": func() { pending.NewMutex().Unlock() },
		"release of what is not held": func() { s.Release(1) },
		"negative release":            func() { s.Release(-1) },
		"negative acquire":            func() { _ = s.Acquire(t.Context(), -1) },
		"negative try":                func() { s.TryAcquire(-1) },
		"negative size":               func() { pending.NewSemaphore(-1) },
		"nil option":                  func() { pending.NewMutex(nil) },
	} {
		t.Run(name, func(t *testing.T) { assert.Panics(t, wrong) })
	}
	require.ErrorIs(t, s.Acquire(t.Context(), 2), pending.ErrDeadlock, "there will never be so much")
	assert.True(t, s.TryAcquire(1), "nothing was acquired")
}

// A hand-over that comes together with the end of the context is not lost.
func TestNoHandOverIsLostWhenContextsEnd(t *testing.T) {
	seed := rand.Uint64()
	s := pending.NewSemaphore(3)
	var wg sync.WaitGroup
	for i := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, i))
		wg.Go(func() {
			for range 2000 {
				n := random.Int64N(4)
				ctx, cancel := context.WithCancel(t.Context())
				if random.IntN(2) == 0 {
					go cancel()
				}
				if s.Acquire(ctx, n) == nil {
					s.Release(n)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	require.True(t, s.TryAcquire(3), fmt.Sprint("seed ", seed))
}
