package supervision

import (
	"runtime"
	"slices"
	"sync"
	"time"
	"weak"

	"github.com/asynkron/protoactor-go/actor"
)

// OneForOne returns a protoactor supervisor strategy, for [actor.WithSupervisor], that applies p to
// the child that has failed and leaves its siblings alone. [Capture] resumes the child: it keeps its
// state, and the message it failed on is lost.
//
// It publishes an [actor.SupervisorEvent] on the system's EventStream when it applies a directive,
// which is after the delay of a [Backoff]. Until then the child handles no message, its queue is
// kept, and further failures of it are covered by the restart to come. A child that was stopped
// during the delay stays stopped, and a new child of the same name is left alone. An escalated
// failure is published by the strategy that decides it.
//
// The limits and delays of [Restart] count for each child by itself. The strategy may be shared by
// any number of supervisors in any number of systems, and forgets children that are gone. It may be
// used from any goroutine; each child's failures come one after the other, as protoactor delivers
// them.
//
// OneForOne panics when p is not valid, see [Policy.Validate].
//
// Two things are protoactor's and good to know. A supervisor that escalates waits for its own
// parent's directive, and when this one resumes it, the child that failed first is not resumed with
// it: escalate to a parent that restarts or stops. And a strategy for [actor.WithGuardian] must not
// escalate: a guardian has no parent, and the process would crash.
func OneForOne(p Policy) actor.SupervisorStrategy {
	return newStrategy(p, failedChild)
}

// AllForOne returns a protoactor supervisor strategy, for [actor.WithSupervisor], that applies p to
// all the children of the supervisor when one of them has failed: the children are restarted, or
// stopped, together. [Capture] resumes the child that failed, and [Escalate] is the same as with
// [OneForOne], which tells the rest.
//
// The siblings work on during the delay of a [Backoff]. Limits and delays count for the child that
// failed: every failure of another child restarts all of them once more.
//
// AllForOne panics when p is not valid, see [Policy.Validate].
//
// Never give it to [actor.WithGuardian]: a guardian does not know its children, and the process would
// crash at the first restart or stop.
func AllForOne(p Policy) actor.SupervisorStrategy {
	return newStrategy(p, allChildren)
}

// strategy applies a policy to children of protoactor supervisors.
type strategy struct {
	policy   Policy
	affected scope

	mu sync.Mutex
	// The statistics live exactly as long as the child does, and are all that protoactor tells about
	// which one it is: a name may be used again.
	records map[weak.Pointer[actor.RestartStatistics]]*Record
}

// scope returns the children a restart or a stop concerns when one of them has failed. The slice is
// not the supervisor's own, which changes with its children.
type scope func(supervisor actor.Supervisor, failed *actor.PID) []*actor.PID

func failedChild(_ actor.Supervisor, failed *actor.PID) []*actor.PID {
	return []*actor.PID{failed}
}

func allChildren(supervisor actor.Supervisor, failed *actor.PID) []*actor.PID {
	children := slices.Clone(supervisor.Children())
	// A child that was spawned from outside fails before its supervisor has adopted it.
	if !slices.ContainsFunc(children, failed.Equal) {
		children = append(children, failed)
	}
	return children
}

func newStrategy(p Policy, affected scope) *strategy {
	if err := p.Validate(); err != nil {
		panic(err)
	}
	return &strategy{
		policy:   p,
		affected: affected,
		records:  make(map[weak.Pointer[actor.RestartStatistics]]*Record),
	}
}

// HandleFailure implements [actor.SupervisorStrategy]. It is called by a supervisor on its own turn.
func (s *strategy) HandleFailure(
	system *actor.ActorSystem,
	supervisor actor.Supervisor,
	child *actor.PID,
	statistics *actor.RestartStatistics,
	reason any,
	message any,
) {
	f := failure{system: system, supervisor: supervisor, child: child, reason: reason}
	action, delay, covered := s.decide(statistics)
	if covered {
		return
	}
	switch action {
	case ActionCapture:
		f.publish(actor.ResumeDirective)
		supervisor.ResumeChildren(child)
	case ActionRestart:
		f.restart(s.affected(supervisor, child), delay)
	case ActionStop:
		f.publish(actor.StopDirective)
		supervisor.StopChildren(s.affected(supervisor, child)...)
	case ActionEscalate:
		supervisor.EscalateFailure(reason, message)
	}
}

// decide records a failure of the child that the statistics belong to and returns what to do about
// it, or that a restart to come covers it. A child that waits for its restart can fail again when one
// of its own children escalates.
func (s *strategy) decide(statistics *actor.RestartStatistics) (action Action, delay time.Duration, covered bool) {
	if s.policy.action != ActionRestart {
		return s.policy.action, 0, false
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	record := s.record(statistics)
	now := time.Now()
	if now.Before(record.restartAt) {
		return 0, 0, true
	}
	action, delay = record.Decide(s.policy, now)
	return action, delay, false
}

// record returns the record of the child that the statistics belong to. The strategy's lock is held.
func (s *strategy) record(statistics *actor.RestartStatistics) *Record {
	key := weak.Make(statistics)
	if record, ok := s.records[key]; ok {
		return record
	}
	record := new(Record)
	s.records[key] = record
	runtime.AddCleanup(statistics, s.forget, key)
	return record
}

func (s *strategy) forget(key weak.Pointer[actor.RestartStatistics]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, key)
}
