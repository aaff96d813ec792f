package pending

import "context"

// Mutex is a lock for the functions of callers. One needs it for state that must
// not change while its function waits: during a wait the other functions of the
// caller run. State that is only touched between waits needs no lock, because a
// caller runs one function at a time. With props.NonReentrant no other function
// runs during a wait, and no lock is needed either.
//
// It is first come, first served, and works outside of callers too. It must be
// made by [NewMutex]. It is safe for concurrent use.
//
// It takes part in the search for deadlocks: who waits for it waits for the
// function whose context has locked it. A function that locks it twice gets
// [ErrDeadlock].
type Mutex struct{ s Semaphore }

// NewMutex returns a mutex that is not locked. The options are those of the
// pendings that its waits wait for, as [Named].
func NewMutex(opts ...Option) *Mutex {
	requireOptions(opts, "NewMutex")
	m := &Mutex{}
	m.s.init(1, "Mutex", opts)
	return m
}

// Lock locks the mutex, and waits until it is free and those who came earlier
// have had it. In a caller's function it gives the turn away. The error is that
// of ctx if ctx ends first, or has ended. It matches [ErrDeadlock] if the wait
// could never end. The mutex is not locked then.
func (m *Mutex) Lock(ctx context.Context) error {
	requireContext(ctx, "Lock")
	return m.s.acquire(ctx, 1)
}

// TryLock locks the mutex if it need not wait for that. It reports whether it
// did. The search for deadlocks does not know who holds it.
func (m *Mutex) TryLock() bool { return m.s.tryAcquire(nil, 1) }

// Unlock hands the mutex over to the one who waits for it for longest, if there
// is one. It may be called from any goroutine. It panics if the mutex is not
// locked.
func (m *Mutex) Unlock() {
	if !m.s.release(1) {
		panic("pending: Unlock of an unlocked " + m.s.what)
	}
}
