package future

import (
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/internal/bounded"
)

// waiter is an entry of a pending's list of waiters. One of these fields is set,
// and says how to notify it:
//
//	callback  a function of OnDone
//	done      a function of ours, which does not fail
//	then      makes the outcome of a pending made by Then
//	turn      a function that gave its turn away
//	wake      a goroutine in waitSelect
//	woken     a goroutine in waitCond; none of the others is set
type waiter struct {
	next, prev *waiter
	listed     bool        // guarded by the pending's mu
	notified   atomic.Bool // notify does not use the waiter any more

	callback Callback
	done     func()
	then     func() *Follower
	turn     Turn
	wake     chan struct{}
	woken    sync.Cond
}

// Callback is notified when a pending is done.
type Callback interface {
	// Done is called on the goroutine that completes the pending. A panic in it is logged,
	// and goes no further.
	Done(c *Core)
}

// waiterPool keeps no channels: a channel that was made in a bubble of
// testing/synctest must not be used outside of it.
var waiterPool = sync.Pool{New: func() any { return &waiter{} }}

// newWaiter returns a waiter for a function that holds t, or for a goroutine if
// t is nil.
func newWaiter(t Turn) *waiter {
	w := waiterPool.Get().(*waiter)
	w.turn = t
	return w
}

// free returns w to the pool. No other goroutine may have a reference to w.
func (w *waiter) free() {
	w.turn, w.wake, w.woken.L = nil, nil, nil
	w.notified.Store(false)
	waiterPool.Put(w)
}

// waiterList holds waiters in the order in which they were added. It is a ring:
// first.prev is the last one.
type waiterList struct{ first *waiter }

func (l *waiterList) add(w *waiter) {
	w.listed = true
	if l.first == nil {
		l.first, w.prev = w, w
	}
	last := l.first.prev
	w.next, w.prev = l.first, last
	last.next, l.first.prev = w, w
}

// remove removes w and reports whether it was in the list.
func (l *waiterList) remove(w *waiter) bool {
	if !w.listed {
		return false
	}
	w.next.prev, w.prev.next = w.prev, w.next
	if l.first == w {
		l.first = w.next
		if w.next == w {
			l.first = nil
		}
	}
	w.listed, w.next, w.prev = false, nil, nil
	return true
}

// take empties the list and returns its first waiter. next links the others.
func (l *waiterList) take() *waiter {
	first := l.first
	if first == nil {
		return nil
	}
	l.first = nil
	first.prev.next = nil
	for w := first; w != nil; w = w.next {
		w.listed, w.prev = false, nil
	}
	return first
}

// notify notifies the waiters of c in their order, and then those of the
// followers. It is a loop and takes followers in their turn. So a long chain of
// Then needs no more stack than a short one.
func (c *Core) notify(w *waiter, followers *Follower) {
	for w != nil || followers != nil {
		if w == nil {
			var f *Follower
			f, followers = followers.take()
			c, w = f.of, f.waiters
		}
		next := w.next
		w.next = nil
		switch {
		case w.callback != nil:
			c.call(w.callback, next, followers)
		case w.then != nil:
			followers = followers.add(c.follow(w.then, next, followers))
		case w.done != nil:
			w.done()
		case w.turn != nil:
			turn := w.turn
			w.notified.Store(true) // w may be freed and used again from here on
			turn.Resume()
		case w.wake != nil:
			w.wake <- struct{}{}
		default:
			w.notified.Store(true)
			w.woken.Signal()
		}
		w = next
	}
}

// call runs a callback. A panic in it goes no further. If the callback ends the
// goroutine, the remaining waiters are still notified.
func (c *Core) call(callback Callback, after *waiter, followers *Follower) {
	returned := false
	defer func() {
		if !returned {
			c.notify(after, followers)
		}
	}()
	c.guard("callback", func() { callback.Done(c) })
	returned = true
}

// follow is call for the function of Then.
func (c *Core) follow(then func() *Follower, after *waiter, followers *Follower) (f *Follower) {
	returned := false
	defer func() {
		if !returned {
			c.notify(after, followers)
		}
	}()
	f = then()
	returned = true
	return f
}

// guard runs a function of user code whose failure no wait returns. A panic in
// it is logged.
func (c *Core) guard(what string, fn func()) {
	defer func() {
		if r := recover(); r != nil {
			c.logPanic(what, &panicked{r, debug.Stack()})
		}
	}()
	fn()
}

// logPanic logs a panic of user code that belongs to c.
func (c *Core) logPanic(what string, crash *panicked) {
	c.logger().LogAttrs(c.ctx, slog.LevelError, "pending: "+what+" panicked",
		slog.Any("pending", c.handle), slog.Attr{Key: "panic", Value: bounded.Value(crash.value)},
		slog.String("stack", string(crash.stack)))
}

// addWaiter has w notified when the pending is done. It returns false if the
// pending is done already.
func (c *Core) addWaiter(w *waiter) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.is(flagDone) {
		return false
	}
	c.waiters.add(w)
	return true
}

// OnDone makes the goroutine that completes the pending notify callback, after those that were
// registered earlier. On a pending that is done, it is notified at once. The returned function
// removes it, and reports whether it was in time.
func OnDone(c *Core, callback Callback) (remove func() bool) {
	c.watch()
	w := &waiter{callback: callback}
	if !c.addWaiter(w) {
		c.call(callback, nil, nil)
	}
	return func() bool { return c.removeWaiter(w) }
}
