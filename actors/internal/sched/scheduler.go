package sched

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/watchdog"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// Scheduler runs tasks one at a time. It must be initialized with [Scheduler.Init], and
// not be copied after that. All methods are safe for concurrent use.
type Scheduler struct {
	owner      Owner
	dispatcher Dispatcher // nil until Attach
	loop       func()     // runs the loop on a goroutine
	turns      watchdog.Mark

	// goroutine is the ID of the one that has the turn, where that is checked.
	goroutine atomic.Int64

	state state // guarded by mu, but for the fields that say otherwise
	mu    sync.Mutex
}

// Decision says what a control message means for a failure that the parent decides on.
type Decision uint8

// The decisions.
const (
	DecisionUnchanged Decision = iota
	// DecisionAwaited says that the parent decides from now on.
	DecisionAwaited
	// DecisionMade says that it has.
	DecisionMade
)

// Init makes s a scheduler that is not started: items are queued until [Scheduler.Open]
// or [Scheduler.Ungate]. It is called once, before any other method.
func (s *Scheduler) Init(owner Owner, options Options) {
	s.owner = owner
	s.state.options = options.compact()
	s.state.notStarted = true
	s.state.main.store(onGoroutines)
	s.state.alternate.store(onGoroutines)
	if owner.TurnLimit() == 0 {
		s.turns.Off()
	}
}

// Init makes t the task of w, to be scheduled by s. It is called once, before any other
// method.
func (t *Task) Init(w Work, s *Scheduler) {
	t.work = w
	t.sched.Store(s)
	s.made(t)
}

// Submit adds an item to the run queue: a [*Task], a [*Source], a [Func] or a message for
// the owner. It returns an error that matches [ErrOverloaded] if limit items are
// queued, unless limit is 0, and [future.ErrStopped] after [Scheduler.Close].
func (s *Scheduler) Submit(item any, limit int) error {
	s.touch()
	s.mu.Lock()
	start, err := s.state.submit(item, limit)
	s.mu.Unlock()
	if err != nil {
		return s.refusal(err, limit)
	}
	s.start(start)
	s.NotifyWait()
	return nil
}

// SubmitUnless is [Scheduler.Submit] that submits nothing if refused is not zero. It looks
// with mu held. So who sets refused, and then finds the scheduler idle, knows that nothing
// more comes.
func (s *Scheduler) SubmitUnless(refused *atomic.Int32, item any, limit int) error {
	s.touch()
	s.mu.Lock()
	if refused.Load() != 0 {
		s.mu.Unlock()
		return future.ErrStopped
	}
	start, err := s.state.submit(item, limit)
	s.mu.Unlock()
	if err != nil {
		return s.refusal(err, limit)
	}
	s.start(start)
	s.NotifyWait()
	return nil
}

// SubmitSource is [Scheduler.Submit] for a source, in two steps: what it returns is to be
// done when the caller holds no lock. After it [Source.IsLast] reports true until anything
// else is submitted to the run queue.
func (s *Scheduler) SubmitSource(source *Source) (Submitted, error) {
	s.mu.Lock()
	start, err := s.state.submitSource(source)
	s.mu.Unlock()
	if err != nil {
		return Submitted{}, s.refusal(err, 0)
	}
	return Submitted{s, start}, nil
}

// Submitted is an item that was submitted. The zero value is none.
type Submitted struct {
	to    *Scheduler
	start executor
}

// Start starts the loop, if nobody runs it.
func (s Submitted) Start() {
	if s.to != nil {
		s.to.start(s.start)
		s.to.NotifyWait()
	}
}

// SubmitUrgent is [Scheduler.Submit] for an item that comes before those of the run queue,
// but for each seventeenth.
func (s *Scheduler) SubmitUrgent(item any, limit int) error {
	s.touch()
	s.mu.Lock()
	start, err := s.state.submitUrgent(item, limit)
	s.mu.Unlock()
	if err != nil {
		return s.refusal(err, limit)
	}
	s.start(start)
	s.NotifyWait()
	return nil
}

// SubmitAhead adds an item that comes before those of the run queue. It has no effect
// after [Scheduler.Close].
func (s *Scheduler) SubmitAhead(item any) {
	s.touch()
	s.mu.Lock()
	start, _ := s.state.submitAhead(item)
	s.mu.Unlock()
	s.start(start)
}

func (s *Scheduler) refusal(err error, limit int) error {
	if err == errClosed { //nolint:errorlint // It is never wrapped.
		return future.ErrStopped
	}
	return fmt.Errorf("%w: %d calls are queued on %s", ErrOverloaded, limit, s.owner.Name())
}

// SubmitControl adds a message that overtakes the run queue, also after a Close.
func (s *Scheduler) SubmitControl(message any, d Decision) {
	s.touch()
	s.mu.Lock()
	start := s.state.submitControl(message, d)
	s.mu.Unlock()
	s.start(start)
	s.NotifyWait()
}

// Ungate starts the scheduler, and leaves all messages to the loop.
func (s *Scheduler) Ungate() {
	s.mu.Lock()
	s.state.notStarted = false
	start := s.state.ensureLoop()
	s.mu.Unlock()
	s.start(start)
}

// Pause has the loop handle nothing but control messages and, while one is deferred,
// runnable tasks. It is called on the turn.
func (s *Scheduler) Pause(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.pause(on)
}

// Defer keeps a message until no task is left that has started. Then it gives the
// message to the owner's Quiesced. It is called on the turn. A final message is not
// replaced by a later one.
func (s *Scheduler) Defer(message any, final bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.deferMessage(message, final)
}

// AwaitsDecision reports whether the parent decides on a failure.
func (s *Scheduler) AwaitsDecision() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.awaitingParent
}

// Hold keeps the deferred message waiting for n more calls of Hold(-1).
func (s *Scheduler) Hold(n int) {
	s.touch()
	s.mu.Lock()
	s.state.holds += int32(n) //nolint:gosec // At most the number of children.
	start := s.state.ensureLoop()
	s.mu.Unlock()
	s.start(start)
}

// Close ends the intake of the run queue. It returns the items that were not taken,
// and the tasks that have not returned. The items have to be rejected. The deferred
// message waits until [Scheduler.StopNotified].
func (s *Scheduler) Close() (rejected []any, active []*Task) {
	s.touch()
	s.mu.Lock()
	rejected, active, start := s.state.close()
	s.mu.Unlock()
	s.start(start)
	s.NotifyWait()
	return rejected, active
}

// StopNotified lets the deferred message come: those whom the stop concerns know of it.
func (s *Scheduler) StopNotified() {
	s.mu.Lock()
	start := s.state.stopNotified()
	s.mu.Unlock()
	s.start(start)
}

// Abandon takes the turn away from those of the tasks that have not returned. Their
// waits end with err.
func (s *Scheduler) Abandon(tasks []*Task, err error) {
	s.touch()
	s.mu.Lock()
	woken, changed, start := s.state.abandon(tasks, err)
	idleCh := s.state.idleCh()
	s.mu.Unlock()
	changed.apply()
	s.start(start)
	for _, w := range woken {
		w.wake()
	}
	notify(idleCh) // nobody runs the loop if nothing else is left
}

// Current returns the task that has the turn, or nil.
func (s *Scheduler) Current() *Task { return s.state.current.Load() }

// Active returns the tasks that have started and not returned.
func (s *Scheduler) Active() []*Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.active(math.MaxInt)
}

// Len returns how many items of the run queue wait. Calls that have ended do not count.
func (s *Scheduler) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.waiting()
}

// dropped notes that a task has ended before it was started.
func (s *Scheduler) dropped() {
	s.touch()
	s.mu.Lock()
	s.state.drop()
	s.mu.Unlock()
}

// Idle reports whether nothing is queued and no task runs or waits. A scheduler that is
// not started is idle.
func (s *Scheduler) Idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.idle()
}

// IdleNotify returns a channel that gets a value when the scheduler may have become
// idle.
func (s *Scheduler) IdleNotify() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	cold := s.state.makeCold()
	if cold.idleCh == nil {
		cold.idleCh = make(chan struct{}, 1)
	}
	return cold.idleCh
}

// NotifyIdle has those look again who wait for the scheduler to be idle.
func (s *Scheduler) NotifyIdle() {
	s.mu.Lock()
	ch := s.state.idleCh()
	s.mu.Unlock()
	notify(ch)
}

// start starts the loop on an executor, if that is not nil.
func (s *Scheduler) start(on executor) {
	if on != nil {
		on.start(s)
	}
}

// explain returns the error of a task that must not wait.
func (s *Scheduler) explain(t *Task, err error) error {
	switch {
	case errors.Is(err, errNotCurrent):
		return fmt.Errorf("actors: %s waits already: %s", t.work.Name(), mustDetach)
	case errors.Is(err, errSuspended):
		return fmt.Errorf("%w: %d functions are suspended on %s",
			ErrOverloaded, s.state.options.maxSuspended, s.owner.Name())
	default:
		return err
	}
}

// beginLoop starts the loop on p, unless that was taken back.
func (s *Scheduler) beginLoop(p *pinned) (item any, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.beginLoop(p)
}

// startAlternate starts the thread of the tasks that ask for one, when the first of them
// is to run. The alternate executor of a thread is a goroutine.
func (s *Scheduler) startAlternate() {
	s.mu.Lock()
	changed := s.state.startAlternate(s)
	s.mu.Unlock()
	changed.apply()
}

// NotifyWait notes that something waits for the turn, or that the task that has the turn
// waits for something. It may be called with mu held.
func (s *Scheduler) NotifyWait() { watchdog.Waits(&s.turns, s) }

// Owner returns the owner of the task's scheduler.
func (t *Task) Owner() Owner { return t.sched.Load().owner }
