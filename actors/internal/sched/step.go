package sched

import (
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// What goes on at a step.
const (
	stepNext     = "takes its next item"
	stepMoved    = "goes on elsewhere"
	stepPosts    = "posts to its host"
	stepResumed  = "goes on"
	stepCalls    = "calls"
	stepReturned = "has its result"
)

var (
	_ steps.Source   = (*Task)(nil)
	_ steps.Recorded = (*Task)(nil)
)

// Steps implements [steps.Source]. Package pending asks for it.
func (t *Task) Steps() steps.Chooser { return t.sched.Load().Steps() }

// Steps returns who chooses the order of steps; nil outside of tests that do.
func (s *Scheduler) Steps() steps.Chooser {
	if !steps.Enabled() || !s.state.options.explored {
		return nil
	}
	return s.owner.(Explored).Steps()
}

// Explore has the owner choose the order of steps. It is called before the start.
func (s *Scheduler) Explore() { s.state.options.explored = true }

// Record has the owner record what tasks do. It is called before the start.
func (s *Scheduler) Record() { s.state.options.recorded = true }

// Recorder implements [steps.Recorded]. Package pending asks for it.
func (t *Task) Recorder() steps.Recorder {
	if !steps.Enabled() {
		return nil
	}
	return t.sched.Load().recorder()
}

// recorder returns who records what tasks do; nil outside of tests.
func (s *Scheduler) recorder() steps.Recorder {
	if !s.state.options.recorded {
		return nil
	}
	return s.owner.(Recorded).Recorder()
}

// StepName names the scheduler in a list of steps.
func (s *Scheduler) StepName() string { return s.owner.Name() }

// step returns when the goroutine that calls may go on. It is called without a lock.
//
// This and what follows ask Enabled first, and are inlined. The options of a scheduler are
// next to what all goroutines write.
func (s *Scheduler) step(of any, what string) {
	if steps.Enabled() {
		s.awaitStep(of, what)
	}
}

func (s *Scheduler) awaitStep(of any, what string) { steps.At(s.Steps(), of, what) }

// stepNext is a step before the loop takes an item, if there is one.
func (s *Scheduler) stepNext() {
	if steps.Enabled() {
		s.awaitNext()
	}
}

func (s *Scheduler) awaitNext() {
	if !s.state.options.explored {
		return
	}
	s.mu.Lock()
	has := s.state.hasWork()
	s.mu.Unlock()
	if has {
		s.awaitStep(s, stepNext)
	}
}

// StepName names the task in a list of steps.
func (t *Task) StepName() string { return t.work.Name() }

// Touches returns what a step of the task uses that others may use: its scheduler.
func (t *Task) Touches() any { return t.sched.Load() }

// touch says that the present step uses the scheduler.
func (s *Scheduler) touch() {
	if steps.Enabled() {
		s.noteTouch()
	}
}

func (s *Scheduler) noteTouch() {
	if c := s.Steps(); c != nil {
		c.Touch(s)
	}
}

// made notes a new task.
func (s *Scheduler) made(t *Task) {
	if steps.Enabled() {
		s.noteMade(t)
	}
}

func (s *Scheduler) noteMade(t *Task) {
	if c := s.Steps(); c != nil {
		c.Made(t)
	}
	if r := s.recorder(); r != nil {
		r.Made(t)
	}
}

// note says what a task does.
func (s *Scheduler) note(t *Task, what string) {
	if steps.Enabled() {
		s.noteThat(t, what, nil)
	}
}

func (s *Scheduler) noteThat(t *Task, what string, on any) {
	if c := s.Steps(); c != nil {
		c.Note(t, what, on)
	}
	s.recordThat(t, what, on)
}

// noteWait says what a task waits for.
func (s *Scheduler) noteWait(t *Task, on future.Wait) {
	if steps.Enabled() {
		s.noteThat(t, steps.Waits, on)
	}
}

// record says what a task does that is no line in a list of steps.
func (s *Scheduler) record(t *Task, what string, on future.Wait) {
	if steps.Enabled() {
		s.recordThat(t, what, on)
	}
}

func (s *Scheduler) recordThat(t *Task, what string, on any) {
	if r := s.recorder(); r != nil {
		r.Note(t, what, on)
	}
}
