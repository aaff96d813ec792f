package actors

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/goexit"
	"github.com/seed-7fcaac1b/protocaller/internal/safeerrors"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Drain finishes the accepted work of the caller and its descendants. Then it stops them,
// children first, protected or not. Delayed calls finish too. New calls are rejected,
// except those that functions of the caller and its descendants make with their contexts.
// Such calls are part of the work, on each of these callers. The descendants reject
// nothing until the caller itself is idle. None of the callers stops until all of them
// are idle at one time.
//
// [Caller.CallDirect] has no context, and is rejected in any function: use [CallSoon].
// [Queue.Put] has none either. Its items are taken, whoever puts them, until nothing is
// left to do. So end those who use it first, or have them use [Queue.PutContext].
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
	c.registry.drains.Add(1)
	defer c.registry.drains.Add(-1) // the caller has begun to stop by then
	c.draining.Or(drainsAlone)
	err := c.waitIdle(ctx)
	if err == nil {
		c.draining.Or(drainsTree)
		err = c.registry.waitQuiet(ctx, c.tree)
	}
	if err != nil {
		err = c.drainError(err)
		c.stopApart(nil)
		return err
	}
	return c.stopIdle(ctx)
}

func (c *Caller) drainError(err error) error {
	return fmt.Errorf("actors: drain %s: %w%s", c.path(), err, c.unfinished())
}

// tree returns the caller and its descendants.
func (c *Caller) tree() []*Caller {
	all := []*Caller{c}
	for i := 0; i < len(all); i++ {
		all = append(all, all[i].Children()...)
	}
	return all
}

// waitQuiet waits until all callers of a drain are idle at one time. Until then none of them
// stops, because a function of another one may call it.
//
// The callers are looked at one by one. In between, a function of one of them may call one
// that was looked at, and return. It has counted the call in accepted before it returns.
func (r *registry) waitQuiet(ctx context.Context, members func() []*Caller) error {
	for {
		accepted := r.accepted.Load()
		busy, quiet := look(members())
		switch {
		case quiet && r.accepted.Load() == accepted:
			return nil
		case busy == nil: // what was seen has gone on by now
			runtime.Gosched()
			steps.At(r.steps, nil, "looks again whether all are drained")
		default:
			if err := busy.waitIdle(ctx); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return contextError(ctx)
		}
	}
}

// look returns a caller that is not idle, or nil. Without one it reports whether the pools
// of all of them have no calls.
func look(all []*Caller) (busy *Caller, quiet bool) {
	quiet = true
	for _, c := range all {
		if c.State() == StateStopped {
			continue
		}
		c.sched.NotifyWait()
		if !c.Idle() {
			return c, false
		}
		if p := c.existingWorkers(); p != nil && p.hasJobs() {
			quiet = false
		}
	}
	return nil, quiet
}

// hasJobs reports whether calls wait for a worker, or are at one. One look sees all of them,
// because calls go from the queue to workers and back.
func (p *pool) hasJobs() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queue.Len() > 0 || slices.ContainsFunc(p.workers, func(w *worker) bool {
		return w.job != nil || len(w.away)+len(w.back) > 0
	})
}

// waitIdle waits until all accepted calls are done, or the caller has stopped.
func (c *Caller) waitIdle(ctx context.Context) error {
	idle := c.sched.IdleNotify()
	c.sched.NotifyWait()
	defer steps.At(c.registry.steps, nil, "looks whether it is drained")
	defer c.sched.NotifyIdle() // another drain may wait for the same, and this one has taken the notification
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

// stopIdle stops a caller whose drain has nothing left to do, its children first. Their ends
// may have given it something to do, which it finishes.
func (c *Caller) stopIdle(ctx context.Context) error {
	for c.State() != StateStopped {
		if err := c.waitIdle(ctx); err != nil {
			err = c.drainError(err)
			c.stopApart(nil)
			return err
		}
		if children := c.Children(); len(children) > 0 {
			if err := stopAllIdle(ctx, children); err != nil {
				c.stopApart(nil)
				return err
			}
		} else if c.stopIfIdle() {
			break
		}
	}
	return c.waitStopped(ctx)
}

// stopIfIdle stops the caller, unless it has accepted something.
func (c *Caller) stopIfIdle() bool {
	c.draining.Add(seal)
	if c.uncounted() > 0 || !c.Idle() { // the first of them waits for each Put that has not seen that
		c.draining.Add(-seal)
		return false
	}
	c.stopApart(nil)
	return true
}

// stopAllIdle is stopIdle for callers, all at once.
func stopAllIdle(ctx context.Context, callers []*Caller) error {
	errs := make([]error, len(callers))
	var wg sync.WaitGroup
	for i, c := range callers {
		wg.Go(c.step("drains", func() { errs[i] = c.stopIdle(ctx) }))
	}
	wg.Wait()
	if len(callers) > 0 {
		steps.At(callers[0].registry.steps, nil, "has drained")
	}
	return errors.Join(errs...)
}

// contextError returns the error of a context that has ended, with its cause.
func contextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if safeerrors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// Idle reports whether all accepted calls of the caller are done, delayed ones included. The
// calls of its children do not count. On a caller that is not started only delayed calls, and
// those of workers, count.
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

// Shutdown drains all callers of a system together, and returns when they have stopped. The
// main caller and adopted actors are included, and callers that are started meanwhile. The
// actor system itself goes on: protoactor's own Shutdown stops no actor.
//
// It is [Caller.Drain] with all callers of the system. A function of any of them may call
// any other one. All callers reject what others ask for from the beginning. A caller that
// is not started, and has calls, is stopped at once.
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
	r := registryOf(system)
	r.drains.Add(1)
	defer r.drains.Add(-1)
	r.shutdowns.Add(1)
	goexit.ForEach(r.all(isStuck), func(c *Caller) { c.stopApart(nil) })
	for {
		err := r.drain(ctx)
		if left, over := r.endShutdown(err != nil); over {
			goexit.ForEach(left, func(c *Caller) { c.stopApart(nil) })
			return err
		}
	}
}

// drain lets the present callers finish, and those that are started meanwhile. Then it stops
// those without a parent, and with them the others.
func (r *registry) drain(ctx context.Context) error {
	err := r.waitQuiet(ctx, func() []*Caller { return r.all(isAny) })
	if err == nil {
		return stopAllIdle(ctx, r.all(isTop))
	}
	var errs []error
	for _, c := range r.all(isTop) {
		if busy, _ := look(c.tree()); busy != nil {
			errs = append(errs, c.drainError(err))
		}
	}
	if len(errs) == 0 { // all have finished in this moment
		return err
	}
	return errors.Join(errs...)
}

// endShutdown has calls accepted again if it is forced to, or if no caller is left. It
// reports whether it has, and which callers are left that have no parent.
func (r *registry) endShutdown(force bool) (left []*Caller, over bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	over = force || len(r.callers) == 0
	if over {
		r.shutdowns.Add(-1) // with mu held: who is added later is not drained
	}
	left = slices.DeleteFunc(slices.Collect(maps.Values(r.callers)), func(c *Caller) bool { return !isTop(c) })
	return left, over
}

func isAny(*Caller) bool { return true }

func isTop(c *Caller) bool { return c.parent == nil }

// isStuck reports whether a caller has calls that would never run: a function may wait for
// them. One without calls may be about to start.
func isStuck(c *Caller) bool {
	return c.State() == StateInitial && isTop(c) && c.waiting() > 0
}
