package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// Current returns the caller whose function was given ctx. Outside of a function it
// returns nil and false. For the pending of the function, use [pending.Current].
func Current(ctx context.Context) (*Caller, bool) {
	requireContext(ctx, "Current")
	running := future.Running(ctx)
	if running == nil {
		return nil, false
	}
	f, ok := running.Runner().(*sched.Task)
	if !ok {
		return nil, false
	}
	return callerOf(f), true
}

// Of returns the caller of the actor of ctx. It is for the actor's Receive. If [AsCaller]
// has not made the actor a caller, it returns nil and false.
func Of(ctx actor.Context) (*Caller, bool) {
	if ctx == nil {
		panic("actors: Of with a nil context")
	}
	return Lookup(ctx.ActorSystem(), ctx.Self().GetId())
}

// Detach returns a copy of ctx for a goroutine that a caller's function starts. It has
// the same values, span and end, but no turn. A wait with it blocks that goroutine, while
// the function goes on.
func Detach(ctx context.Context) context.Context {
	requireContext(ctx, "Detach")
	return future.WithTurn(ctx, nil)
}

// isAncestorOf reports whether ctx is the context of a function of c or of one of
// its descendants.
func (c *Caller) isAncestorOf(ctx context.Context) bool {
	current, _ := Current(ctx)
	for ; current != nil; current = current.parent {
		if current == c {
			return true
		}
	}
	return false
}

// What a caller's draining is the sum of.
const (
	drainsAlone int32 = 1 << iota // the caller rejects what others ask for
	drainsTree                    // its descendants do so too
	seal                          // a drain is about to stop the caller, which accepts nothing without a pending
)

// admit returns why a call made with ctx is rejected. While the caller is drained it
// rejects the calls that are not part of the work to be finished.
func (c *Caller) admit(ctx context.Context) error {
	if c.registry.drains.Load() == 0 || c.accepts(ctx) {
		return nil
	}
	return c.stopError()
}

// accepts reports whether ctx is that of a function of the drain that drains c. Without a
// drain it reports true.
func (c *Caller) accepts(ctx context.Context) bool {
	switch root, drained := c.drainedWith(); {
	case root != nil:
		return root.isAncestorOf(ctx)
	case drained:
		current, ok := Current(ctx)
		return ok && current.registry == c.registry
	default:
		return true
	}
}

// drainedWith reports whether c is drained, and with which caller. That is nil if the whole
// system is drained. Of several drains it is the one that accepts the least.
func (c *Caller) drainedWith() (root *Caller, drained bool) {
	for root := c; root != nil; root = root.parent {
		if how := root.draining.Load(); how&drainsTree != 0 || how&drainsAlone != 0 && root == c {
			return root, true
		}
	}
	return nil, c.registry.shutdowns.Load() > 0
}

func (c *Caller) isDrained() bool {
	if c.registry.drains.Load() == 0 {
		return false
	}
	_, drained := c.drainedWith()
	return drained
}

// noteAccepted is called after the caller has accepted something, and before the function
// that has asked for it goes on. See waitQuiet.
func (c *Caller) noteAccepted() {
	if c.isDrained() {
		c.registry.accepted.Add(1)
	}
}
