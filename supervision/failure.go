package supervision

import (
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// failure is one failure of a child that a supervisor has reported to a strategy.
type failure struct {
	system     *actor.ActorSystem
	supervisor actor.Supervisor
	child      *actor.PID
	reason     any
}

func (f failure) publish(directive actor.Directive) {
	f.system.EventStream.Publish(&actor.SupervisorEvent{
		Child:     f.child,
		Reason:    f.reason,
		Directive: directive,
	})
}

// restart restarts the children after the delay, except those that have ended by then.
func (f failure) restart(children []*actor.PID, delay time.Duration) {
	if delay <= 0 {
		f.publish(actor.RestartDirective)
		f.supervisor.RestartChildren(children...)
		return
	}
	incarnations := make([]incarnation, 0, len(children))
	for _, child := range children {
		incarnations = append(incarnations, incarnationOf(f.system, child))
	}
	time.AfterFunc(delay, func() { f.restartLate(incarnations) })
}

func (f failure) restartLate(incarnations []incarnation) {
	incarnations = slices.DeleteFunc(incarnations, incarnation.ended)
	if len(incarnations) == 0 {
		return
	}
	f.publish(actor.RestartDirective)
	for _, i := range incarnations {
		release := guardStop(i)
		f.supervisor.RestartChildren(i.pid)
		release()
	}
}

// incarnation identifies one child among all that use the same name in turn, by the process behind
// its PID.
type incarnation struct {
	system  *actor.ActorSystem
	pid     *actor.PID
	process actor.Process
}

// incarnationOf returns the current incarnation. It may have ended already.
func incarnationOf(system *actor.ActorSystem, pid *actor.PID) incarnation {
	process, _ := system.ProcessRegistry.Get(pid)
	return incarnation{system: system, pid: pid, process: process}
}

func (i incarnation) ended() bool {
	current, ok := i.system.ProcessRegistry.Get(i.pid)
	return !ok || current != i.process
}
