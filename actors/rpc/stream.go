package rpc

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// errLeft is why a function is cancelled whose stream was left.
var errLeft = errors.New("rpc: left by Stream")

// Stream has the named function run on a turn of the target. It iterates over the items
// that the function sends. The function is one that [HandleStream] has registered on the
// target's node.
//
// Nothing happens before the sequence is ranged over. Each range makes one call. What
// [Call] says of errors, deadlines, cancellation, traces and targets in the system itself
// is true of it. The target may be an [Identity] or a [Pool]: a call that has not run
// goes to where that is now, but not one of which items have come. It is not repeated:
// with [Idempotent] or [AttemptTimeout] the sequence is an error, and no call is made.
//
// Each item comes as a pair of its value and nil, in the order in which it was sent. If
// the function or the connection fails, the last pair is a zero Resp and the error. The
// items that have come before are yielded first. Leaving the loop, in whatever way,
// cancels the function at once. So does the end of ctx, which ends the loop with its
// cause.
//
// The function is never more than a [Window] of items ahead of the loop. Inside a caller's
// function, with that function's context, the loop gives the turn away while it waits for
// an item. Elsewhere it blocks the goroutine. Callers may keep their turns while they wait
// for each other, so that a loop could never go on. Such a loop ends with an error that
// matches [pending.ErrDeadlock].
func Stream[Req, Resp any](
	ctx context.Context, system *actor.ActorSystem, target Target, function string, req Req, opts ...CallOption,
) iter.Seq2[Resp, error] {
	var last atomic.Pointer[trace.SpanContext] // of a range
	return func(yield func(Resp, error) bool) {
		var none Resp
		o := callOptionsOf(opts)
		if err := o.checkStream(); err != nil {
			yield(none, err)
			return
		}
		s := &consumer[Resp]{node: nodeOf(system)}
		if before := last.Load(); before != nil {
			s.before = *before
		}
		s.init(o.window)
		call := open(ctx, s, target, function, req, o)
		own := trace.SpanContextFromContext(call.Context())
		last.Store(&own)
		defer call.Cancel(errLeft)
		s.waits = append(s.waits, pending.CompletedBy(call))
		call.OnDone(func(pending.Handle) { s.finish(call.Err()) })
		if err := s.each(ctx, yield); err != nil {
			call.Cancel(err) // before whoever hears of it goes on
			yield(none, err)
		}
	}
}

// consumer is one iteration over a stream.
type consumer[Resp any] struct {
	inbox[Resp]
	node   *node
	before trace.SpanContext      // of the range before
	call   *remoteCall[struct{}]  // nil if the function is in the system itself
	local  atomic.Pointer[credit] // of the function, if it runs here
}

// open makes the call of a stream, which is done when all items have come.
func open[Req, Resp any](
	ctx context.Context, s *consumer[Resp], target Target, function string, req Req, o callOptions,
) *pending.Pending[struct{}] {
	n := s.node
	at, fixed := target.(endpoint)
	if fixed && n.isLocal(at) {
		return streamLocal(ctx, s, at, function, req, o)
	}
	c := &remoteCall[struct{}]{node: n, target: target, function: function}
	c.attempts = &attempts[struct{}]{stream: s, before: s.before, window: uint32(o.window)} //nolint:gosec // It is valid.
	if maker, ok := pending.Current(ctx); ok && future.TurnOf(ctx) != nil {                 // else another goroutine may take the items
		c.attempts.taker = future.Of(maker)
	}
	c.attempts.local = func(ctx context.Context, at endpoint, ran *atomic.Bool) *pending.Pending[struct{}] {
		p := streamLocal(ctx, s, at, function, req, callOptions{window: o.window, ran: ran})
		p.OnDone(func(pending.Handle) {
			if !ran.Load() {
				s.local.Store(nil) // the next attempt may be elsewhere
			}
		})
		return p
	}
	s.call = c
	c.make(ctx, req, o)
	return c.Pending
}

// each hands the items to the loop until that is left, or the stream ends, whose
// error it returns.
func (s *consumer[Resp]) each(ctx context.Context, yield func(Resp, error) bool) error {
	for {
		it, ok, err := s.next(ctx)
		if !ok {
			return err
		}
		value := it.value
		if it.encoded != nil {
			value, err = decode[Resp](s.node.config.Load(), it.encoded)
			it.encoded.Free()
			if err != nil {
				return err
			}
		}
		if !yield(value, nil) {
			return nil
		}
		s.letGoOn()
	}
}

// letGoOn tells the function of what was consumed, from time to time.
func (s *consumer[Resp]) letGoOn() {
	granted, notify := s.grant()
	if !notify {
		return
	}
	if local := s.local.Load(); local != nil {
		local.grant(granted)
		return
	}
	s.call.grant(granted)
}

// grant lets so many items be sent in all.
func (c *remoteCall[Resp]) grant(items uint64) {
	c.mu.Lock()
	o, number := c.sentBy, c.number
	c.mu.Unlock()
	if o != nil {
		o.grant(number, items)
	}
}
