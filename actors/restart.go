package actors

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/goexit"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// failed is called on the turn when a function has panicked, or OnStart has failed. After
// the stop has begun no policy is asked: the function may have panicked because the
// stop cancelled it.
func (c *Caller) failed(t any, failure error) {
	if c.State() >= StateStopping || c.restartPending(failure) {
		return
	}
	c.applyPolicy(failure, func(action supervision.Action, delay time.Duration) {
		switch action {
		case supervision.ActionRestart:
			c.restartAfter(delay, failure)
		case supervision.ActionStop:
			c.stop(failure)
		case supervision.ActionEscalate:
			c.escalate(failure)
			c.fail(failure, t)
		}
	})
}

// restartPending reports whether a restart was decided on already. Failures until
// then need no decision: functions may panic because the restart cancels them.
func (c *Caller) restartPending(failure error) bool {
	c.mu.Lock()
	covered := c.coldState != nil && c.coldState.restart != nil
	c.mu.Unlock()
	if covered {
		c.logError(context.Background(), "function failed before a restart", slog.Any("error", failure))
	}
	return covered
}

// applyPolicy asks the policy about a failure, publishes the decision, and carries
// it out.
func (c *Caller) applyPolicy(failure error, act func(supervision.Action, time.Duration)) {
	c.mu.Lock()
	action, delay := c.cold().failures.DecideWith(c.config.Policy, time.Now(), c.registry.random)
	c.mu.Unlock()
	defer act(action, delay) // even if a log handler, or one of the event, ends the goroutine
	if action != supervision.ActionCapture {
		c.logError(context.Background(), "function failed", slog.String("action", action.String()), slog.Any("error", failure))
	}
	c.publish(supervision.Failed{Who: c.pid, Name: c.Name(), Err: failure, Action: action, Delay: delay})
}

// restartAfter restarts the caller's actor after a delay. No function runs
// meanwhile.
func (c *Caller) restartAfter(delay time.Duration, cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.State() >= StateStopping {
		return
	}
	c.state.Store(int32(StateStarting))
	c.sched.Pause(true)
	r := &restart{cause: cause}
	c.cold().restart = r
	r.timer = time.AfterFunc(delay, c.step("is to restart", func() { c.sched.SubmitControl(backoffOver{r}, sched.DecisionMade) }))
}

// isDue reports whether the backoff of a restart has ended now, and not before.
func (c *Caller) isDue(r *restart) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.coldState.restart == r && !r.begun
}

// announceRestart records that the actor is to restart now. The restart covers all
// failures until then, and ends a backoff.
func (c *Caller) announceRestart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.State() >= StateStopping {
		return
	}
	cold := c.cold()
	if cold.restart == nil {
		cold.restart = &restart{}
		if cold.escalated != nil {
			cold.restart.cause = cold.escalated.failure
		}
	}
	cold.restart.begin()
}

// prepareRestart is called on the turn. It delays the restart until no function is
// left, and cancels the functions.
func (c *Caller) prepareRestart(message *actor.Restart) {
	if c.State() >= StateStopping {
		return
	}
	c.announceRestart()
	c.sched.Defer(message, false)
	c.interruptForRestart()
	c.sched.RecheckParked() // children whose failures are undecided may need the restart
}

// interruptCurrent cancels the function that has the turn: a restart needs the
// turn.
func (c *Caller) interruptCurrent() {
	if t := c.sched.Current(); t != nil && c.State() < StateStopping {
		workOf(t).Interrupt(c.restartError())
		c.startGrace()
	}
}

// interruptForRestart cancels the functions that a restart has to wait for.
func (c *Caller) interruptForRestart() {
	active := c.sched.Active()
	if len(active) == 0 {
		return
	}
	cause := c.restartError()
	defer c.startGrace()
	goexit.ForEach(active, func(t *sched.Task) {
		dropped := workOf(t).heldUp()
		t.Work().Cancel(cause)
		if len(dropped) > 0 {
			c.log().Warn("actors: dropped by a restart: "+strings.Join(dropped, ", "), slog.String("caller", c.path()))
		}
	})
}

// restartError is the error of what a restart has cancelled.
func (c *Caller) restartError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.cold()
	switch {
	case r.restart != nil && r.restart.cause != nil:
		return r.restart.cause
	case r.escalated != nil:
		return r.escalated.failure
	default:
		return errRestarted
	}
}

// escalation is a failure that the parent decides on.
type escalation struct{ failure error }

// escalate records a failure that the parent decides on.
func (c *Caller) escalate(failure error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.setEscalation(&escalation{failure})
}

// setEscalation sets the last failure that others decide on, nil for none. mu must be held.
func (c *Caller) setEscalation(e *escalation) {
	c.cold().escalated = e
	if c.worker != nil {
		c.worker.hasEscalated.Store(e != nil)
	}
}

// escalation returns the last failure that the parent decides on, or nil.
func (c *Caller) escalation() *escalation {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.coldState == nil {
		return nil
	}
	return c.coldState.escalated
}

// beginRestart is called on the turn when a restart begins.
func (c *Caller) beginRestart() {
	c.announceRestart()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.State() < StateStopping {
		c.state.Store(int32(StateStarting))
	}
}

// endRestart is called on the turn when the actor has handled a system message. It may
// have restarted, or may have failed at it. Then it goes on when it is resumed.
func (c *Caller) endRestart(failed bool) {
	if c.restarting && (failed || len(c.invoker.(actor.Context).Children()) == 0) {
		c.restarted = true
	}
}

// resumed is called on the turn when the actor is to go on, after a restart or without
// one. A decision on some other failure does not end a restart that has begun.
func (c *Caller) resumed() {
	c.mu.Lock()
	var r *restart
	var suspended []*Caller
	if cold := c.coldState; cold != nil {
		if r = cold.restart; r != nil && r.begun && !c.restarted {
			c.mu.Unlock()
			return
		}
		suspended = cold.resumeWithParent
		cold.restart, cold.resumeWithParent = nil, nil
		if c.restarting {
			cold.counters.Restarts++
		}
		c.setEscalation(nil)
	}
	restarted := c.restarting
	hook := restarted && c.config.OnStart != nil
	if r != nil {
		r.begin() // else the timer restarts the actor later
		if !hook {
			c.state.CompareAndSwap(int32(StateStarting), int32(StateRunning))
		}
	}
	c.mu.Unlock()
	if hook {
		c.restartHook()
	}
	c.sched.Pause(false)
	c.sched.RecheckParked() // no restart ends their waits now
	c.restarting, c.restarted = false, false
	c.registerDeferred()
	if c.worker != nil {
		c.worker.pool.ready(c.worker)
	}
	for _, child := range suspended {
		child.resume()
	}
	if r != nil && restarted {
		c.publish(supervision.Restarted{Who: c.pid, Name: c.Name(), Err: r.cause})
	}
}

// childFailed is called on the turn when a child of the actor has failed. It
// ignores the failure of a child that stops, or whose parent stops.
func (c *Caller) childFailed(failure *actor.Failure) {
	child, ok := c.registry.lookup(failure.Who.GetId())
	switch {
	case c.State() >= StateStopping:
	case ok && (child.pid != failure.Who || child.State() >= StateStopping):
	case c.external && (!ok || child.external): // the actor has spawned it itself
		c.invokeSystem(failure)
	case ok: // else the child has ended
		c.decide(child, failure)
	}
}

// decide decides on a failure that a child caller has escalated. The strategy of
// the options comes before the policy.
func (c *Caller) decide(child *Caller, failure *actor.Failure) {
	defer c.escalatePanic(failure)
	s := &supervisor{Context: c.invoker.(actor.Context), caller: c, child: child, escalation: child.escalation()}
	if strategy := c.config.Strategy; strategy != nil {
		strategy.HandleFailure(c.registry.system, s, failure.Who, failure.RestartStats, failure.Reason, failure.Message)
		return
	}
	err := fmt.Errorf("actors: child %s failed: %w", child.path(), asError(failure.Reason))
	if c.restartPending(err) {
		c.deferResume(child) // if the restart does not stop it, it goes on after that
		c.sched.RecheckParked()
		return
	}
	c.applyPolicy(err, func(action supervision.Action, delay time.Duration) {
		switch action {
		case supervision.ActionCapture:
			child.resume()
		case supervision.ActionRestart:
			c.deferResume(child)
			c.restartAfter(delay, err)
		case supervision.ActionStop:
			c.stop(err)
		case supervision.ActionEscalate:
			s.EscalateFailure(err, failure.Message)
		}
	})
}

// supervisor is a caller as a strategy sees it, which decides on a failure of a
// child.
type supervisor struct {
	actor.Context
	caller     *Caller
	child      *Caller
	escalation *escalation // of the child
}

var _ actor.Supervisor = (*supervisor)(nil)

// EscalateFailure implements [actor.Supervisor].
func (s *supervisor) EscalateFailure(reason, message any) {
	s.caller.escalate(asError(reason))
	s.caller.deferResume(s.child)
	s.caller.fail(reason, message)
}

// RestartChildren implements [actor.Supervisor]. A strategy with a backoff restarts the
// child later. By then another restart, or a resume, may have decided on the failure.
func (s *supervisor) RestartChildren(pids ...*actor.PID) {
	for _, pid := range pids {
		if !pid.Equal(s.child.pid) || s.escalation == s.child.escalation() {
			s.actor().RestartChildren(pid)
		}
	}
}

// StopChildren implements [actor.Supervisor].
func (s *supervisor) StopChildren(pids ...*actor.PID) { s.actor().StopChildren(pids...) }

// ResumeChildren implements [actor.Supervisor].
func (s *supervisor) ResumeChildren(pids ...*actor.PID) { s.actor().ResumeChildren(pids...) }

func (s *supervisor) actor() actor.Supervisor { return s.caller.invoker.(actor.Supervisor) }

// deferResume records a child to be resumed with its parent. Its failure is
// decided on further up, or the parent is to restart. Most restarts stop the
// child.
func (c *Caller) deferResume(child *Caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cold := c.cold()
	cold.resumeWithParent = append(cold.resumeWithParent, child)
}

// resume resumes a caller whose failure was decided on. It does not use the name,
// which another caller may have by now.
func (c *Caller) resume() {
	if c.State() < StateStopping {
		c.mailbox().submitControl(&actor.ResumeMailbox{})
	}
}
