package rpc

import (
	"strings"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// window is what a node knows of the calls with a key that have run, for a while,
// and of those that run.
type window struct {
	mu      sync.Mutex
	known   map[identity]*run
	waiting map[incoming]*run // by who waits for it
	// Those that have ended, oldest first, and what they need.
	oldest, newest *run
	ended, bytes   int
}

// identity is what the calls have in common that are one. For an [Identity] it is not
// the caller, which is another one after it has been idle.
type identity struct{ function, caller, identity, key string }

func identityOf(r *wire.Request) identity {
	id := identity{function: r.GetFunction(), identity: r.GetIdentity(), key: r.GetKey()}
	if id.identity == "" {
		id.caller = r.GetCaller()
	}
	return id
}

// kept returns an identity that can outlive the bundle which it came in.
func (id identity) kept() identity {
	return identity{
		strings.Clone(id.function), strings.Clone(id.caller), strings.Clone(id.identity), strings.Clone(id.key),
	}
}

// run is one run of a function, for all calls that are one.
type run struct {
	id      identity
	handle  pending.Handle // nil until it is scheduled
	waiters map[incoming]struct{}
	left    error // why the last one of them has left

	answer *wire.Response // once it has ended
	size   int
	until  time.Time
	next   *run
}

// recordSize is about what is needed to remember an answer, without its content.
const recordSize = 640

func sizeOf(id identity, answer *wire.Response) int {
	return recordSize + len(id.function) + len(id.caller) + len(id.identity) + len(id.key) + answer.SizeVT()
}

// join has a call wait for the run of its identity, which it begins if there is
// none. If that has ended it returns the answer instead.
func (w *window) join(call incoming, id identity) (r *run, first bool, answer *wire.Response) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expire(time.Now())
	r = w.known[id]
	if r != nil && r.answer != nil {
		return r, false, r.answer
	}
	if first = r == nil; first {
		id = id.kept()
		r = &run{id: id, waiters: make(map[incoming]struct{})}
		if w.known == nil {
			w.known = make(map[identity]*run)
			w.waiting = make(map[incoming]*run)
		}
		w.known[id] = r
	}
	r.waiters[call] = struct{}{}
	w.waiting[call] = r
	return r, first, nil
}

// running notes what runs, and cancels it if nobody waits for it any more.
func (w *window) running(r *run, h pending.Handle) {
	w.mu.Lock()
	r.handle = h
	wanted, why := len(r.waiters) > 0, r.left
	w.mu.Unlock()
	if !wanted {
		h.Cancel(why)
	}
}

// leave has a call wait no more. What runs is cancelled if that was the last one.
func (w *window) leave(call incoming, why error) {
	if h := w.without(call, why); h != nil {
		h.Cancel(why)
	}
}

// without returns what is to be cancelled when a call waits no more.
func (w *window) without(call incoming, why error) pending.Handle {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.waiting[call]
	if r == nil {
		return nil
	}
	delete(w.waiting, call)
	delete(r.waiters, call)
	if len(r.waiters) > 0 {
		return nil
	}
	r.left = why
	return r.handle
}

// end ends a run and returns who waits for it. The answer is remembered, unless it
// is nil.
func (w *window) end(r *run, answer *wire.Response, c *config) (waiters []incoming) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for call := range r.waiters {
		waiters = append(waiters, call)
		delete(w.waiting, call)
	}
	r.waiters, r.handle = nil, nil
	if answer == nil {
		delete(w.known, r.id)
		return waiters
	}
	r.answer, r.until = answer, time.Now().Add(c.rememberFor)
	r.size = sizeOf(r.id, answer)
	w.append(r)
	for w.bytes > c.rememberBytes {
		w.dropOldest()
	}
	return waiters
}

func (w *window) append(r *run) {
	if w.newest == nil {
		w.oldest = r
	} else {
		w.newest.next = r
	}
	w.newest = r
	w.ended++
	w.bytes += r.size
}

func (w *window) dropOldest() {
	r := w.oldest
	w.oldest = r.next
	if w.oldest == nil {
		w.newest = nil
	}
	w.ended--
	w.bytes -= r.size
	delete(w.known, r.id)
}

// expire forgets what has been remembered long enough.
func (w *window) expire(now time.Time) {
	for w.oldest != nil && !now.Before(w.oldest.until) {
		w.dropOldest()
	}
}

// stats returns how many outcomes are remembered.
func (w *window) stats() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expire(time.Now())
	return w.ended
}
