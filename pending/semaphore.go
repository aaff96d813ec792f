package pending

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// Semaphore bounds how much of something is in use. It is for work that waits, and of
// which only so much may be under way at a time: requests to a server, for example. It is
// first come, first served. It must be made by [NewSemaphore]. It is safe for concurrent
// use.
//
// It takes part in the search for deadlocks. Its holders are the functions whose contexts
// have acquired. A wait is a deadlock when none of the holders can go on. A release
// counts as that of a holder which does not wait. If several could have released, no
// deadlock is reported until all is released.
type Semaphore struct {
	what      string
	opts      []Option
	size      int64
	exclusive bool // a mutex

	mu      sync.Mutex
	held    int64
	holders []holder // what is held by functions
	others  int64    // what is held by others
	unclear int64    // what was released by nobody knows whom
	queue   []*acquisition
	outside int           // how many in the queue are no functions
	handed  int           // how many in the queue may have left it to their calls to release what they hold
	steps   steps.Chooser // nil unless a test chooses the order of steps
}

// holder is a function and how much it holds.
type holder struct {
	own *future.Task
	n   int64
}

// acquisition is one that waits.
type acquisition struct {
	n       int64
	own     *future.Task // nil for nobody
	turn    future.Turn
	granted bool // guarded by the semaphore's mu
	handed  bool // its function holds some already, and may have left it to its calls to release that
	p       *Pending[struct{}]
}

// NewSemaphore returns a semaphore of size n. The options are those of the pendings that
// its waits wait for, for example [Named]. It panics if n is negative.
func NewSemaphore(n int64, opts ...Option) *Semaphore {
	requireOptions(opts, "NewSemaphore")
	if n < 0 {
		panic("pending: NewSemaphore with a negative size")
	}
	s := &Semaphore{}
	s.init(n, false, opts)
	return s
}

func (s *Semaphore) init(n int64, exclusive bool, opts []Option) {
	kind := "Semaphore"
	if exclusive {
		kind = "Mutex"
	}
	s.size, s.exclusive, s.what = n, exclusive, "a "+strings.ToLower(kind)
	if given := future.Apply(opts); given != nil && given.Name != "" {
		s.what = strings.ToLower(kind) + " " + given.Name
	}
	s.opts = slices.Concat([]Option{Named("pending." + kind)}, opts, []Option{future.Needing((*semaphoreNode)(s))})
}

// Acquire acquires n. It waits until so much is free and those who came earlier are
// served. In a caller's function it gives the turn away. Elsewhere it blocks the
// goroutine.
//
// The error is that of ctx if ctx ends first, or has ended. It matches [ErrDeadlock] if
// the wait could never end, also because n is larger than the semaphore. After an error
// nothing is acquired. A negative n panics.
//
// A function that has made calls may have left it to them to release what it holds. That
// it waits for more is no deadlock then. Before its first call it is a deadlock if
// functions that wait for each other hold all of the semaphore.
func (s *Semaphore) Acquire(ctx context.Context, n int64) error {
	requireContext(ctx, "Acquire")
	requireAmount(n, "Acquire")
	return s.acquire(ctx, n)
}

// TryAcquire acquires n if that needs no wait, and reports whether it did. It never
// blocks. The search for deadlocks does not know who holds it.
func (s *Semaphore) TryAcquire(n int64) bool {
	requireAmount(n, "TryAcquire")
	return s.tryAcquire(nil, n)
}

// Release gives n back. It never blocks, and may be called from any goroutine, also from
// one that has not acquired. It panics if n is negative or more than is held.
func (s *Semaphore) Release(n int64) {
	requireAmount(n, "Release")
	if !s.release(n) {
		panic("pending: Release of more than is held of " + s.what)
	}
}

func requireAmount(n int64, name string) {
	if n < 0 {
		panic("pending: " + name + " of a negative number")
	}
}

func (s *Semaphore) acquire(ctx context.Context, n int64) error {
	if ctx.Err() != nil {
		return future.Ended(ctx, s.what)
	}
	if n > s.size {
		return fmt.Errorf("%w: acquire %d of %s, which has %d", ErrDeadlock, n, s.what, s.size)
	}
	a := &acquisition{n: n, turn: future.TurnOf(ctx)}
	if a.turn != nil { // else another goroutine may release while the function waits
		a.own = future.Running(ctx)
	}
	s.stepBefore(ctx, a.turn)
	if s.tryAcquire(a.own, n) {
		return nil
	}
	a.p = New[struct{}](context.Background(), s.opts...)
	if !s.enqueue(a) {
		return nil
	}
	returned := false
	defer func() {
		if !returned && !s.leave(a) { // the wait has panicked, or has ended the goroutine
			s.release(n)
		}
	}()
	_, err := a.p.Wait(ctx, Protect())
	returned = true
	if err == nil || !s.leave(a) {
		return nil // what was handed over is not lost
	}
	a.p.SetError(err)
	return err
}

func (s *Semaphore) tryAcquire(own *future.Task, n int64) bool {
	steps.TouchAll((*semaphoreNode)(s))
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) > 0 || n > s.size-s.held {
		return false
	}
	s.hold(own, n)
	return true
}

// enqueue has a wait for its turn, and reports whether it has to.
func (s *Semaphore) enqueue(a *acquisition) bool {
	s.mu.Lock()
	s.queue = append(s.queue, a)
	if a.turn == nil {
		s.outside++
	}
	if a.handed = s.isHanded(a.own); a.handed {
		s.handed++
	}
	granted := s.grant()
	waits := !a.granted
	var awaited []*future.Task
	if waits && a.turn == nil {
		awaited = s.noteOutside()
	}
	s.mu.Unlock()
	notifyGranted(granted)
	for _, own := range awaited {
		own.Awaited()
	}
	return waits
}

// noteOutside has the functions that hold the semaphore know it, because others than
// functions wait for it. It returns these functions. mu must be held.
func (s *Semaphore) noteOutside() (holders []*future.Task) {
	if s.outside == 0 {
		return nil
	}
	for _, h := range s.holders {
		h.own.Contends((*semaphoreNode)(s))
		holders = append(holders, h.own)
	}
	return holders
}

// leave removes an acquisition that waits no more. It reports false if it was
// granted at the last moment.
func (s *Semaphore) leave(a *acquisition) bool {
	s.mu.Lock()
	if a.granted {
		s.mu.Unlock()
		return false
	}
	if i := slices.Index(s.queue, a); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
		s.left(a)
	} // else it was dropped by grant
	granted := s.grant() // those behind may need less
	s.mu.Unlock()
	notifyGranted(granted)
	return true
}

func (s *Semaphore) release(n int64) bool {
	s.mu.Lock()
	s.touch()
	if n > s.held {
		s.mu.Unlock()
		return false
	}
	s.held -= n
	s.forget(n)
	granted := s.grant()
	var next future.Turn
	if len(granted) > 0 && len(s.queue) > 0 {
		next = s.queue[0].turn
	}
	s.mu.Unlock()
	notifyGranted(granted)
	if next != nil {
		next.Recheck((*semaphoreNode)(s)) // it waits for others now
	}
	return true
}

// grant hands over what is free to those who wait for it. It drops those whose functions
// were abandoned: nobody would release what they are given. mu must be held. The result is
// for notifyGranted, without mu.
func (s *Semaphore) grant() (granted []*acquisition) {
	for len(s.queue) > 0 {
		a := s.queue[0]
		abandoned := a.isAbandoned()
		if !abandoned && a.n > s.size-s.held {
			break
		}
		s.queue[0] = nil
		s.queue = s.queue[1:]
		s.left(a)
		if abandoned {
			continue
		}
		a.granted = true
		s.hold(a.own, a.n)
		granted = append(granted, a)
	}
	if len(granted) > 0 {
		s.noteOutside()
	}
	return granted
}

// isAbandoned reports whether the function that waits was abandoned: its pending is done,
// and its wait has failed or will fail.
func (a *acquisition) isAbandoned() bool { return a.own != nil && a.own.Core().IsDone() }

// left notes that an acquisition has left the queue. mu must be held.
func (s *Semaphore) left(a *acquisition) {
	if a.turn == nil {
		s.outside--
	}
	if a.handed {
		s.handed--
	}
}

// isHanded reports whether a function may have left it to its calls to release what it holds.
// The function that holds a mutex unlocks it itself. mu must be held.
func (s *Semaphore) isHanded(own *future.Task) bool {
	return !s.exclusive && own != nil && own.HasCalled() &&
		slices.ContainsFunc(s.holders, func(h holder) bool { return h.own == own })
}

func notifyGranted(granted []*acquisition) {
	for _, a := range granted {
		a.p.SetResult(struct{}{})
	}
}

// hold notes that n is held by a function, or by nobody known. mu must be held.
func (s *Semaphore) hold(own *future.Task, n int64) {
	s.held += n
	i := slices.IndexFunc(s.holders, func(h holder) bool { return h.own == own })
	switch {
	case own == nil:
		s.others += n
	case i >= 0:
		s.holders[i].n += n
	case n > 0:
		s.holders = append(s.holders, holder{own, n})
	}
}

// forget notes that n was released: by the function that holds some of it and
// does not wait, if there is one. mu must be held.
func (s *Semaphore) forget(n int64) {
	if s.held == 0 {
		clear(s.holders)
		s.holders, s.others, s.unclear = s.holders[:0], 0, 0
		return
	}
	by := -1
	for i, h := range s.holders {
		if h.own.IsWaiting() || h.own.HasReturned() {
			continue
		}
		if by >= 0 || s.others > 0 {
			s.unclear += n
			return
		}
		by = i
	}
	known := &s.others
	if by >= 0 {
		known = &s.holders[by].n
	}
	s.unclear += n - min(n, *known)
	*known -= min(n, *known)
	if by >= 0 && *known == 0 {
		s.holders = slices.Delete(s.holders, by, by+1)
	}
}

// semaphoreNode is what a wait for a semaphore needs: one of the holders.
type semaphoreNode Semaphore

// Needs implements [future.Node].
func (s *semaphoreNode) Needs(n *future.Needs) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n.Any, n.Held = true, true
	if s.unclear > 0 || s.others > 0 && !n.Every || s.handed > 0 {
		n.Live = true
		return
	}
	for _, h := range s.holders {
		if !n.AddPending(h.own.Core()) {
			return
		}
	}
}

// What implements [future.Node].
func (s *semaphoreNode) What() string { return s.what }

// WaitingOutside implements [future.Lock].
func (s *semaphoreNode) WaitingOutside(own *future.Task) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outside == 0 || s.unclear > 0 || !slices.ContainsFunc(s.holders, func(h holder) bool { return h.own == own }) {
		return ""
	}
	return fmt.Sprintf("%d goroutines that wait for %s", s.outside, s.what)
}
