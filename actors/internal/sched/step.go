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
	if !s.state.options.explored {
		return nil
	}
	return s.owner.(Explored).Steps()
}

// Explore has the owner choose the order of steps. It is called before the start.
func (s *Scheduler) Explore() { s.state.options.explored, s.state.options.noted = true, true }

// Record has the owner record what tasks do. It is called before the start.
func (s *Scheduler) Record() { s.state.options.noted = true }

// Recorder implements [steps.Recorded]. Package pending asks for it.
func (t *Task) Recorder() steps.Recorder {
	s := t.sched.Load()
	if !s.state.options.noted {
		return nil
	}
	return s.recorder()
}

func (s *Scheduler) recorder() steps.Recorder { return steps.RecorderOf(s.owner) }

// StepName names the scheduler in a list of steps.
func (s *Scheduler) StepName() string { return s.owner.Name() }

// step returns when the goroutine that calls may go on. It is called without a lock.
func (s *Scheduler) step(of any, what string) {
	if s.state.options.explored { // the rest is apart, so that this is inlined
		s.awaitStep(of, what)
	}
}

func (s *Scheduler) awaitStep(of any, what string) { s.Steps().Step(of, what) }

// stepNext is a step before the loop takes an item, if there is one.
func (s *Scheduler) stepNext() {
	if s.state.options.explored {
		s.awaitNext()
	}
}

func (s *Scheduler) awaitNext() {
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
	if s.state.options.explored {
		s.noteTouch()
	}
}

func (s *Scheduler) noteTouch() { s.Steps().Touch(s) }

// made notes a new task.
func (s *Scheduler) made(t *Task) {
	if s.state.options.noted {
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
	if s.state.options.noted {
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
	if s.state.options.noted {
		s.noteThat(t, steps.Waits, on)
	}
}

// record says what a task does that is no line in a list of steps.
func (s *Scheduler) record(t *Task, what string, on future.Wait) {
	if s.state.options.noted {
		s.recordThat(t, what, on)
	}
}

func (s *Scheduler) recordThat(t *Task, what string, on any) {
	if r := s.recorder(); r != nil {
		r.Note(t, what, on)
	}
}
