package pending

import "context"

// Mutex is a lock for the functions of callers. It is for state that must not change
// while its function waits: during a wait the other functions of the caller run. State
// that is only used between waits needs no lock, because a caller runs one function at a
// time. With props.NonReentrant no other function runs during a wait, so no lock is
// needed either.
//
// It is first come, first served, and works outside of callers too. It must be made by
// [NewMutex]. It is safe for concurrent use.
//
// It takes part in the search for deadlocks: a function that waits for the mutex needs
// the function whose context has locked it. A function that locks it twice gets
// [ErrDeadlock].
type Mutex struct{ s Semaphore }

// NewMutex returns a mutex that is not locked. The options are those of the pendings that
// its waits wait for, for example [Named].
func NewMutex(opts ...Option) *Mutex {
	requireOptions(opts, "NewMutex")
	m := &Mutex{}
	m.s.init(1, true, opts)
	return m
}

// Lock locks the mutex. It waits until the mutex is free and those who came earlier have
// had it. In a caller's function it gives the turn away. Elsewhere it blocks the
// goroutine.
//
// The error is that of ctx if ctx ends first, or has ended. It matches [ErrDeadlock] if
// the wait could never end. After an error the mutex is not locked by this call.
func (m *Mutex) Lock(ctx context.Context) error {
	requireContext(ctx, "Lock")
	return m.s.acquire(ctx, 1)
}

// TryLock locks the mutex if that needs no wait, and reports whether it did. It never
// blocks. The search for deadlocks does not know who holds it.
func (m *Mutex) TryLock() bool { return m.s.tryAcquire(nil, 1) }

// Unlock unlocks the mutex, or hands it over to the one that has waited for it longest.
// It never blocks, and may be called from any goroutine. It panics if the mutex is not
// locked.
func (m *Mutex) Unlock() {
	if !m.s.release(1) {
		panic("pending: Unlock of an unlocked " + m.s.what)
	}
}
