package actors

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/safeerrors"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Drain finishes the accepted work, drains the children, and stops the caller, protected
// or not. Delayed calls finish too. New calls are rejected, except those that functions
// of the caller and its descendants make. Such calls are part of the work.
//
// It waits until the caller has stopped. In a caller's function it gives the turn away
// meanwhile.
//
// When ctx ends first the caller is stopped as by [Caller.Stop]. The error is that of
// ctx, with the functions that have not returned. In a function that the caller would
// wait for, Drain returns [pending.ErrDeadlock] and drains nothing. The error matches
// that too if the wait becomes part of a circle. The drain goes on then: new calls stay
// rejected. When the calling function returns, its context ends, and the caller is
// stopped.
func (c *Caller) Drain(ctx context.Context) error {
	requireContext(ctx, "Drain")
	if err := c.checkSelfWait(ctx); err != nil {
		return err
	}
	drained := pending.New[struct{}](c.registry.background(), pending.Named("drain of "+c.path()), future.Needing((*treeNode)(c)))
	go c.step("drains", func() { drained.SetError(c.drain(Detach(ctx))) })()
	_, err := drained.Wait(ctx, pending.Shield())
	return err
}

// drain is Drain on a goroutine of its own.
func (c *Caller) drain(ctx context.Context) error {
	c.draining.Store(true)
	c.sched.NotifyWait()
	err := c.finishWork(ctx)
	c.stopApart(nil)
	if err != nil {
		return err
	}
	return c.waitStopped(ctx)
}

// finishWork returns when the caller is idle and its children are drained.
func (c *Caller) finishWork(ctx context.Context) error {
	for c.State() != StateStopped {
		if err := c.waitIdle(ctx); err != nil {
			return fmt.Errorf("actors: drain %s: %w%s", c.path(), err, c.unfinished())
		}
		children := c.Children()
		if len(children) == 0 && c.Idle() { // they may have left something to do
			return nil
		}
		if err := drainAll(ctx, children); err != nil {
			return err
		}
	}
	return nil
}

// waitIdle waits until all accepted calls are done, or the caller has stopped.
func (c *Caller) waitIdle(ctx context.Context) error {
	idle := c.sched.IdleNotify()
	defer steps.At(c.registry.steps, nil, "looks whether it is drained")
	for !c.Idle() {
		select {
		case <-idle:
		case <-c.Stopped():
			return nil
		case <-ctx.Done():
			return contextError(ctx)
		}
	}
	return nil
}

// contextError returns the error of a context that has ended, with its cause.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if safeerrors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// drainAll drains callers all at once.
func drainAll(ctx context.Context, callers []*Caller) error {
	errs := make([]error, len(callers))
	var wg sync.WaitGroup
	for i, c := range callers {
		wg.Go(c.step("drains", func() { errs[i] = c.drain(ctx) }))
	}
	wg.Wait()
	if len(callers) > 0 {
		steps.At(callers[0].registry.steps, nil, "has drained")
	}
	return errors.Join(errs...)
}

// Idle reports whether all accepted calls of the caller are done, delayed ones included. The
// calls of its children do not count. A caller that is not started is idle only without calls.
// After the last call is done it may report false until the callbacks of that call have
// returned. It may be called from any goroutine.
func (c *Caller) Idle() bool {
	c.mu.Lock()
	var p *pool
	waiting := false
	if cold := c.coldState; cold != nil {
		p, waiting = cold.workers, cold.timers != nil && cold.timers.hasCalls()
	}
	c.mu.Unlock()
	return !waiting && (p == nil || !p.hasQueue()) && c.sched.Idle()
}

// Shutdown drains all callers of a system and returns when they have stopped. The main
// caller and adopted actors are included. The actor system itself goes on: protoactor's
// own Shutdown stops no actor.
//
// When ctx ends first it stops the rest, as [Caller.Stop] does. It returns the error of ctx
// at once, with the functions that had not returned. Those stops go on: wait for
// [Caller.Stopped] to give functions the time to clean up. In a caller's function Shutdown
// returns [pending.ErrDeadlock].
//
// It may be called from any goroutine.
func Shutdown(ctx context.Context, system *actor.ActorSystem) error {
	requireContext(ctx, "Shutdown")
	requireSystem(system, "Shutdown")
	if current, ok := Current(ctx); ok && future.TurnOf(ctx) != nil {
		return fmt.Errorf("%w: a function of %s waits for its end", pending.ErrDeadlock, current.path())
	}
	top := registryOf(system).all(func(c *Caller) bool { return c.parent == nil })
	if err := drainAll(ctx, top); err != nil {
		return err
	}
	for _, c := range top {
		if err := c.waitStopped(ctx); err != nil {
			return err
		}
	}
	return nil
}
