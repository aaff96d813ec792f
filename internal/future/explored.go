//go:build explored

package future

import "errors"

// What follows shows the state of a pending to an exploration. The methods of package sim with
// which it is read do not count as steps.

// The states of a pending.
const (
	FlagStarted    = flagStarted
	FlagCancelled  = flagCancelled
	FlagDone       = flagDone
	FlagCalled     = flagCalled
	FlagSeen       = flagSeen
	FlagTimed      = flagTimed
	FlagQueueTimed = flagQueueTimed
	FlagDelayed    = flagDelayed
	FlagDerived    = flagDerived
)

// FlagsNow returns the states of a pending.
func FlagsNow(c *Core) uint32 {
	if f, ok := any(&c.flags).(interface{ Peek() uint32 }); ok {
		return f.Peek()
	}
	return 0
}

// IsHeld reports whether a goroutine is in a critical section.
func IsHeld(c *Core) bool {
	m, ok := any(&c.mu).(interface{ IsHeld() bool })
	return ok && m.IsHeld()
}

// IsExplored reports whether this program is one of which each step is explored.
func IsExplored() bool {
	_, ok := any(&(&Core{}).mu).(interface{ IsHeld() bool })
	return ok
}

// ErrNow returns the error of a pending.
func ErrNow(c *Core) error { return c.err }

// ValueNow returns the value of a pending.
func ValueNow[T any](p Typed[T]) T { return p.typed().value }

// DoneNow returns the channel of Done, nil if nobody has asked for it.
func DoneNow(c *Core) <-chan struct{} { return c.done }

// LaterCauses returns the number of causes after the first one.
func LaterCauses(c *Core) int { return c.laterCauses() }

// KeepsDetails reports whether a pending has what it does not need when it is done.
func KeepsDetails(c *Core) bool {
	x := c.details
	return x != nil && (x.canceller != nil || x.source != nil || x.unwatch != nil || x.Needs != nil || x.contended != nil)
}

// Waiters returns how many waiters a pending has, and how many of them are goroutines, and
// callbacks. It fails if the list is broken.
func Waiters(c *Core, fail func(format string, args ...any)) (all, goroutines, callbacks int) {
	first := c.waiters.first
	if first == nil {
		return 0, 0, 0
	}
	for w := first; ; {
		all++
		switch {
		case w.callback != nil:
			callbacks++
		case w.done == nil && w.then == nil && w.turn == nil:
			goroutines++
		}
		switch {
		case all > 100, w.next == nil, w.prev == nil, w.next.prev != w:
			fail("has a broken list of waiters")
			return all, goroutines, callbacks
		case !w.listed:
			fail("has a waiter in its list that is not listed")
			return all, goroutines, callbacks
		case w.isFree():
			fail("has a waiter in its list that is free")
			return all, goroutines, callbacks
		}
		if w = w.next; w == first {
			return all, goroutines, callbacks
		}
	}
}

func (w *waiter) isFree() bool {
	l, ok := any(&waiterPool).(interface{ Has(item any) bool })
	return ok && l.Has(w)
}

// FreeWaiters returns how many waiters are in use, and how many are free and keep what they do
// not need.
func FreeWaiters() (used, dirty int) {
	l, ok := any(&waiterPool).(interface{ Items() ([]any, int) })
	if !ok {
		return 0, 0
	}
	free, used := l.Items()
	for _, item := range free {
		if of := item.(*waiter); of.next != nil || of.prev != nil || of.listed || of.turn != nil || of.wake != nil {
			dirty++
		}
	}
	return used, dirty
}

// Unseen returns what is to be logged of an error that nobody has looked at.
func Unseen(logged any) (name, caller, text string) {
	e := logged.(unseenError)
	return e.name, e.caller, e.text
}

// IsCancellation reports whether a pending that ends with err was cancelled.
func IsCancellation(err error) bool { return isCancellation(err) }

// EndedWait returns what err itself says that a wait was for, which has ended before that was
// done.
func EndedWait(err error) (what string, ok bool) {
	ended := (*endedError)(nil)
	if !errors.As(err, &ended) || error(ended) != err { //nolint:errorlint // The very error.
		return "", false
	}
	return ended.what, true
}
