package rpc

import (
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// dedupCache is what a node knows of the calls with a key: of those that run and, for
// a while, of those that have run.
type dedupCache struct {
	mu      sync.Mutex
	known   map[callKey]*execution
	waiting map[*inboundCall]*execution // by who waits for it
	// Those that have ended, oldest first, and what they need.
	oldest, newest *execution
	ended, bytes   int
}

// callKey is what the calls have in common that are one. For an [Identity] it is not
// the caller, which is another one after it has been idle.
type callKey struct{ function, caller, identity, key string }

func keyOf(r *wire.Request) callKey {
	id := callKey{function: r.Function, identity: r.Identity, key: r.Key}
	if id.identity == "" {
		id.caller = r.Caller
	}
	return id
}

// clone returns a key that can outlive the memory that it came in.
func (id callKey) clone() callKey {
	return callKey{
		strings.Clone(id.function), strings.Clone(id.caller), strings.Clone(id.identity), strings.Clone(id.key),
	}
}

// execution is one run of a function, for all calls that are one.
type execution struct {
	id      callKey
	handle  pending.Handle // nil until it is scheduled
	waiters map[*inboundCall]struct{}
	left    error // why the last one of them has left
	span    trace.SpanContext

	answer *wire.Response // once it has ended
	size   int
	until  time.Time
	next   *execution
}

// recordSize is about what is needed to remember an answer, without its content.
const recordSize = 640

func sizeOf(id callKey, answer *wire.Response) int {
	return recordSize + len(id.function) + len(id.caller) + len(id.identity) + len(id.key) + answer.Size()
}

// join has a call wait for the run of its identity, which it begins if there is
// none. If that has ended it returns the answer instead.
func (d *dedupCache) join(call *inboundCall, id callKey) (r *execution, first bool, answer *wire.Response) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expire(time.Now())
	r = d.known[id]
	if r != nil && r.answer != nil {
		return r, false, r.answer
	}
	if first = r == nil; first {
		id = id.clone()
		r = &execution{id: id, waiters: make(map[*inboundCall]struct{})}
		if d.known == nil {
			d.known = make(map[callKey]*execution)
			d.waiting = make(map[*inboundCall]*execution)
		}
		d.known[id] = r
	}
	r.waiters[call] = struct{}{}
	d.waiting[call] = r
	return r, first, nil
}

// running notes what runs, and cancels it if nobody waits for it any more.
func (d *dedupCache) running(r *execution, h pending.Handle) {
	span := trace.SpanContextFromContext(h.Context())
	d.mu.Lock()
	r.handle, r.span = h, span
	wanted, why := len(r.waiters) > 0, r.left
	d.mu.Unlock()
	if !wanted {
		h.Cancel(why)
	}
}

// spanOf returns the span of what has run, if that was recorded.
func (d *dedupCache) spanOf(r *execution) trace.SpanContext {
	d.mu.Lock()
	defer d.mu.Unlock()
	return r.span
}

// leave has a call wait no more. What runs is cancelled if that was the last one.
func (d *dedupCache) leave(call *inboundCall, why error) {
	if h := d.without(call, why); h != nil {
		h.Cancel(why)
	}
}

// without returns what is to be cancelled when a call waits no more.
func (d *dedupCache) without(call *inboundCall, why error) pending.Handle {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.waiting[call]
	if r == nil {
		return nil
	}
	delete(d.waiting, call)
	delete(r.waiters, call)
	if len(r.waiters) > 0 {
		return nil
	}
	r.left = why
	return r.handle
}

// end ends a run and returns who waits for it. The answer is remembered, unless it
// is nil.
func (d *dedupCache) end(r *execution, answer *wire.Response, c *config) (waiters []*inboundCall) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for call := range r.waiters {
		waiters = append(waiters, call)
		delete(d.waiting, call)
	}
	r.waiters, r.handle = nil, nil
	if answer == nil {
		delete(d.known, r.id)
		return waiters
	}
	r.answer, r.until = answer, time.Now().Add(c.dedupTime)
	r.size = sizeOf(r.id, answer)
	d.append(r)
	for d.bytes > c.dedupBytes {
		d.dropOldest()
	}
	return waiters
}

func (d *dedupCache) append(r *execution) {
	if d.newest == nil {
		d.oldest = r
	} else {
		d.newest.next = r
	}
	d.newest = r
	d.ended++
	d.bytes += r.size
}

func (d *dedupCache) dropOldest() {
	r := d.oldest
	d.oldest = r.next
	if d.oldest == nil {
		d.newest = nil
	}
	d.ended--
	d.bytes -= r.size
	delete(d.known, r.id)
}

// expire forgets what has been remembered long enough.
func (d *dedupCache) expire(now time.Time) {
	for d.oldest != nil && !now.Before(d.oldest.until) {
		d.dropOldest()
	}
}

// stats returns how many outcomes are remembered.
func (d *dedupCache) stats() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expire(time.Now())
	return d.ended
}
