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

// admit returns why a call made with ctx is rejected. While the caller drains it
// rejects the calls that are not part of the work to be finished.
func (c *Caller) admit(ctx context.Context) error {
	if c.draining.Load() && !c.isAncestorOf(ctx) {
		return c.stopError()
	}
	return nil
}
