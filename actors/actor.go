package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// invokeSystem hands a message of the actor system to the actor's context.
func (c *Caller) invokeSystem(message any) {
	returned := false
	defer func() {
		c.endRestart(!returned)
		if !returned && c.stopping {
			c.finishStop(message)
		}
	}()
	defer c.escalatePanic(message)
	c.invoker.InvokeSystemMessage(message)
	returned = true
	if _, ok := message.(*actor.Started); ok {
		c.started()
	}
}

// finishStop completes a stop after the actor has failed at a message of that
// stop. Protoactor does no more then, and waiters would not be notified of the
// end.
func (c *Caller) finishStop(message any) {
	ctx := c.invoker.(actor.Context)
	processes := c.registry.system.ProcessRegistry
	_, alive := processes.GetLocal(c.ID())
	last, ok := message.(*actor.Terminated)
	hopeless := ok && last.Who == c.pid
	switch children := ctx.Children(); {
	case alive && len(children) > 0:
		c.invoker.(actor.Supervisor).StopChildren(children...)
		return
	case alive && !hopeless:
		c.invokeSystem(&actor.Terminated{Who: c.pid}) // has it check again whether it can end
		return
	case alive:
		processes.Remove(c.pid)
	}
	c.finalize()
	if parent, ok := processes.Get(ctx.Parent()); ok {
		parent.SendSystemMessage(ctx.Parent(), &actor.Terminated{Who: c.pid})
	}
}

// escalatePanic is deferred where a panic of the actor goes to its supervisor, unless the
// stop has begun.
func (c *Caller) escalatePanic(message any) { c.escalateRecovered(recover(), message) }

// escalateRecovered is escalatePanic for what was recovered; nil is no panic.
func (c *Caller) escalateRecovered(r, message any) {
	if r == nil {
		return
	}
	if c.State() < StateStopping {
		defer c.fail(r, message) // even if a log handler ends the goroutine
	}
	name := fmt.Sprintf("%T", actor.UnwrapEnvelopeMessage(message))
	c.notePanic(name, r)
	c.logCrash(context.Background(), "actor", &pending.PanicError{Value: r, Stack: debug.Stack()}, slog.String("message", name))
}

// fail passes a failure of the actor on to its supervisor. Protoactor logs it before that,
// to a handler that may panic or end the goroutine.
func (c *Caller) fail(reason, message any) {
	returned := false
	defer func() {
		if !returned {
			_ = recover()
			c.failUnlogged(reason, message)
		}
	}()
	c.invoker.EscalateFailure(reason, message)
	returned = true
}

// failUnlogged is fail without protoactor, which has panicked on the way.
func (c *Caller) failUnlogged(reason, message any) {
	defer c.logPanic("supervisor")
	parent := c.invoker.(actor.Context).Parent()
	switch {
	case parent == nil: // who else would decide
		c.stop(asError(reason))
	case !c.sched.AwaitsDecision(): // else the supervisor knows of it
		c.mailbox().submitControl(&actor.SuspendMailbox{})
		failure := &actor.Failure{
			Who: c.pid, Reason: reason, RestartStats: actor.NewRestartStatistics(), Message: message,
		}
		if process, ok := c.registry.system.ProcessRegistry.Get(parent); ok {
			process.SendSystemMessage(parent, failure)
		}
	}
}

// errGoexit is the reason given to the supervisor of an actor whose handler ended its
// goroutine.
var errGoexit = errors.New("actors: the handler ended its goroutine with runtime.Goexit")
