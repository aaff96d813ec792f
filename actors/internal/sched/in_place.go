package sched

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// RunInPlace runs a task on the goroutine that calls, which has the turn meanwhile. It
// reports false if the task has to be submitted instead: something is queued or runs, or
// tasks belong to a goroutine of their own.
func (s *Scheduler) RunInPlace(t *Task) bool {
	s.step(nil, stepCalls)
	if !s.takeLoop(t) {
		return false
	}
	s.runInPlace(context.Background(), t) // t has a context of its own that ends
	return true
}

// RunInPlace is [Scheduler.RunInPlace] for the function of from, which waits for the task
// and lends it the goroutine. It ends with ctx. The error says why from must not wait.
func (t *Task) RunInPlace(ctx context.Context, from *Task) (ran bool, err error) {
	s, home := t.sched.Load(), from.sched.Load()
	own := s == home
	home.step(from, stepCalls)
	if !home.mayLend(from) || own && home.state.options.nonReentrant || !own && !s.takeLoop(t) {
		return false, nil
	}
	var lent bool
	if !own {
		defer func() { // even if an observer panics
			if !lent {
				s.leaveLoop()
			}
		}()
	}
	wait := future.TaskOf(from.work).Suspend(future.Of(t.work))
	defer wait.End()
	if own {
		lent, err = home.lendTo(ctx, from, t, wait.Wait)
	} else {
		lent, err = home.lend(ctx, from, t, wait.Wait)
	}
	if !lent {
		return false, home.explain(from, err)
	}
	defer home.takeBackTurn(from) // also when the function ends the goroutine
	home.record(from, steps.Waits, wait.Wait)
	s.runInPlace(ctx, t)
	return true, nil
}

// takeLoop makes the goroutine that calls the one that has the loop, to run t.
func (s *Scheduler) takeLoop(t *Task) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ok := s.state.takeLoop(t)
	if ok {
		s.watchTurn()
	}
	return ok
}

// leaveLoop has others run the loop, if there is work.
func (s *Scheduler) leaveLoop() {
	s.mu.Lock()
	start := s.state.leaveLoop()
	idleCh := s.state.idleCh()
	s.mu.Unlock()
	s.start(start)
	notify(idleCh)
}

// runInPlace runs a task on a goroutine that has taken the loop for it. The task ends with
// ctx.
func (s *Scheduler) runInPlace(ctx context.Context, t *Task) {
	returned := false
	defer func() {
		if !returned {
			s.recoverLoop(t, nil)
		}
	}()
	passEnd(ctx, t.work)
	hasLoop := s.runTask(t)
	returned = true
	if hasLoop {
		s.leaveLoop()
	}
}

// mayLend reports whether another task can run on the goroutine of from.
func (s *Scheduler) mayLend(from *Task) bool {
	return s.state.executorVarOf(from).isGoroutines() && s.state.loopOn.Load() == nil && s.checkGoroutine(from) == nil
}

// lend has from wait on a goroutine that runs t, a task of another scheduler.
func (s *Scheduler) lend(ctx context.Context, from, t *Task, on future.Wait) (lent bool, err error) {
	w := waitPool.Get().(*waitState)
	w.cond.L, w.lentTo, w.ctx = &s.mu, t.work, ctx
	s.mu.Lock()
	err = s.state.beginLend(from, w, on)
	var start executor
	if err == nil && !s.state.options.nonReentrant {
		start = s.state.yield(from)
	}
	s.NotifyWait()
	s.mu.Unlock()
	if err != nil {
		w.recycle()
		return false, err
	}
	s.start(start)
	return true, nil
}

// lendTo has from wait on a goroutine that runs t, a task of the same scheduler. It reports
// false if something comes before t.
func (s *Scheduler) lendTo(ctx context.Context, from, t *Task, on future.Wait) (lent bool, err error) {
	w := waitPool.Get().(*waitState)
	w.cond.L, w.lentTo, w.ctx = &s.mu, t.work, ctx
	s.mu.Lock()
	free := s.state.isFree(t)
	if free {
		if err = s.state.beginLend(from, w, on); err == nil {
			s.state.lendTo(from)
			s.watchTurn() // that of t
			lent = true
		}
	}
	s.mu.Unlock()
	if !lent {
		w.recycle()
	}
	return lent, err
}

// takeBackTurn ends the wait of a task that has lent its goroutine, when it has the turn.
func (s *Scheduler) takeBackTurn(t *Task) {
	s.record(t, steps.GoesOn, future.Wait{})
	s.step(t, stepReturned)
	s.mu.Lock()
	w := t.wait
	waits := s.state.endLend(t)
	if waits {
		w.sleep()
		if !t.abandoned {
			s.watchTurn()
			s.beginTurn(t)
		}
	}
	woken := t.woken // for the next wait
	s.state.endWait(t)
	t.woken = woken
	s.mu.Unlock()
	w.recycle()
	if waits {
		s.step(t, stepResumed)
	}
}
