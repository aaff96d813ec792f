package sched

import (
	"fmt"
	"strconv"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// mostCounted bounds how many items of a queue are looked at for one error.
const mostCounted = 10_000

// progress is how far a task is. It is taken with mu held, and described without.
type progress struct {
	place   place
	ahead   int  // queued items before the task
	more    bool // there may be more of them
	paused  bool
	current *Task       // that has the turn; nil for none
	keeps   bool        // it waits and keeps the turn
	on      future.Wait // of the task, or else of the current one
}

// place is where a task is.
type place uint8

const (
	placeElsewhere place = iota
	placeUnstarted       // queued on a scheduler that was not started
	placeQueued
	placeRunning
	placeWaiting
	placeRunnable
	placeAbandoned
)

// Progress describes how far the task is, for the error of a wait that has ended early.
func (t *Task) Progress() string { return t.describe((*state).progress) }

// Place is Progress without what is queued before the task, which takes a time to count. A
// task that runs more than once has none.
func (t *Task) Place() string {
	if _, recurs := t.work.(Recurring); recurs {
		return ""
	}
	return t.describe((*state).placeOf)
}

func (t *Task) describe(look func(*state, *Task) progress) string {
	s := t.sched.Load()
	name := s.owner.Name()
	if s.dispatcher == nil {
		return "waiting for a worker of " + name
	}
	s.mu.Lock()
	p := look(&s.state, t)
	s.mu.Unlock()
	switch p.place {
	case placeUnstarted:
		return "queued on " + name + ", which was never started"
	case placeQueued:
		return "queued on " + name + p.behind()
	case placeRunning:
		return "running on " + name
	case placeWaiting:
		return "waiting on " + name + " for " + labelOf(p.on)
	case placeRunnable:
		return "waiting for its turn on " + name + p.holder(", while ")
	case placeAbandoned:
		return "abandoned on " + name
	default:
		return "not queued yet on " + name
	}
}

// behind describes what is before a queued task.
func (p *progress) behind() string {
	count := strconv.Itoa(p.ahead)
	if p.more {
		count = "more than " + count
	}
	text := ""
	if p.ahead > 0 {
		text = " behind " + count
	}
	if p.paused {
		return text + ", which is restarting"
	}
	return text + p.holder(", while ")
}

// holder describes the task that has the turn.
func (p *progress) holder(before string) string {
	switch {
	case p.current == nil:
		return ""
	case p.keeps:
		return fmt.Sprintf("%s%s keeps the turn and waits for %s", before, p.current.work.Name(), labelOf(p.on))
	default:
		return fmt.Sprintf("%s%s is running", before, p.current.work.Name())
	}
}

// labelOf names what is waited for.
func labelOf(w future.Wait) string {
	switch {
	case w.For != nil && w.For.What() != "":
		return w.For.What()
	case w.On == nil:
		return "other functions"
	case w.On.Name() != "":
		return w.On.Name()
	default:
		return fmt.Sprintf("pending #%d", w.On.ID())
	}
}

// progress returns how far a task is.
func (s *state) progress(t *Task) progress {
	p := s.placeOf(t)
	if p.place == placeQueued || p.place == placeUnstarted {
		if !s.position(t, &p) {
			p.place = placeElsewhere
		}
	}
	return p
}

// placeOf is progress without what is queued before the task. One that has not started is
// taken for queued.
func (s *state) placeOf(t *Task) progress {
	p := progress{current: s.current.Load()}
	switch {
	case t.abandoned:
		p.place = placeAbandoned
	case t.wait != nil && t.state == runnable:
		p.place = placeRunnable
	case t.wait != nil && !t.wait.over:
		p.place, p.on = placeWaiting, t.wait.on
	case p.current == t:
		p.place = placeRunning
	case s.notStarted:
		p.place = placeUnstarted
	default:
		p.place, p.paused = placeQueued, s.paused
	}
	if b := s.blockingTask(); b != nil && b.wait != nil && p.place != placeWaiting {
		p.keeps, p.on = true, b.wait.on
	}
	return p
}

// position counts the items before t that have not ended. It reports false if t is not
// queued.
func (s *state) position(t *Task, p *progress) bool {
	left := mostCounted
	found := false
	look := func(item any) bool {
		if item == t {
			found = true
			return false
		}
		if !hasEnded(item) {
			p.ahead++
		}
		left--
		p.more = left == 0
		return left > 0
	}
	if s.starting != nil && s.starting.first == t { // its thread or host is busy
		return true
	}
	for item := range s.eachQueued {
		if !look(item) {
			return true
		}
	}
	return found
}
