package supervision

import (
	"runtime"
	"slices"
	"sync"
	"time"
	"weak"

	"github.com/asynkron/protoactor-go/actor"
)

// OneForOne returns a protoactor supervisor strategy that applies p to the child that has failed.
// It does nothing to the siblings. It is for [actor.WithSupervisor]. [Capture] resumes the child:
// it keeps its state, and the message it failed on is lost.
//
// The strategy publishes an [actor.SupervisorEvent] on the system's EventStream when it applies a
// directive. With [Backoff] that is after the delay. During the delay the child handles no message and
// keeps its queue, and its further failures change nothing. A child that is stopped during the delay
// stays stopped. A new child of the same name is not restarted. The strategy that decides an escalated
// failure publishes it.
//
// Limits and delays of [Restart] count for each child alone. The strategy may be shared by any number of
// supervisors and systems. It keeps nothing about children that are gone.
//
// OneForOne panics if p is not valid, see [Policy.Validate]. The strategy is safe for concurrent use.
//
// Two limits come from protoactor:
//
//   - A supervisor that escalates waits for the directive of its parent. If the parent resumes it, the
//     child that failed stays suspended. Escalate only to a parent that restarts or stops.
//   - A strategy for [actor.WithGuardian] must not escalate. A guardian has no parent, and the process
//     would crash.
func OneForOne(p Policy) actor.SupervisorStrategy {
	return newStrategy(p, failedChild)
}

// AllForOne returns a protoactor supervisor strategy that applies p to all children when one of them
// has failed. It is for [actor.WithSupervisor]. The children are restarted or stopped together.
// [Capture] resumes only the child that failed. For [Escalate], events, sharing and panics, see
// [OneForOne].
//
// The siblings continue to work during the delay of a [Backoff]. Limits and delays count for the child
// that failed. Each failure of another child restarts all of them once more.
//
// AllForOne must not be given to [actor.WithGuardian]. A guardian does not know its children, and the
// process would crash at the first restart or stop.
func AllForOne(p Policy) actor.SupervisorStrategy {
	return newStrategy(p, allChildren)
}

// strategy applies a policy to children of protoactor supervisors.
type strategy struct {
	policy   Policy
	affected scope

	mu sync.Mutex
	// The statistics identify the child, because they live exactly as long as it. Its name may be used
	// again. Guarded by mu.
	records map[weak.Pointer[actor.RestartStatistics]]*Record
}

// scope returns the children to restart or stop when one of them has failed. The slice is a copy,
// because the supervisor's own changes with its children.
type scope func(supervisor actor.Supervisor, failed *actor.PID) []*actor.PID

func failedChild(_ actor.Supervisor, failed *actor.PID) []*actor.PID {
	return []*actor.PID{failed}
}

func allChildren(supervisor actor.Supervisor, failed *actor.PID) []*actor.PID {
	children := slices.Clone(supervisor.Children())
	// A child that another goroutine has spawned may fail before it is registered with its supervisor.
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

// HandleFailure implements [actor.SupervisorStrategy]. A supervisor calls it on its turn.
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

// decide records a failure of the child with these statistics and returns the action. It reports
// covered if the child waits for a restart already. Such a child can fail again when one of its own
// children escalates.
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

// record returns the record of the child with these statistics. mu must be held.
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
