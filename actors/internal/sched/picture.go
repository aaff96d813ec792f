package sched

import "github.com/seed-7fcaac1b/protocaller/internal/future"

// Picture is what a scheduler does at one time.
type Picture struct {
	Queued  int          // items of the run queue
	Taken   uint64       // items that were taken from there, since the beginning
	Oldest  *Task        // of the run queue; nil for none, or for an item that is no task
	Current *TaskPicture // that has the turn; nil for none
	Busy    bool         // the loop runs
	Paused  bool         // by a failure that is being decided on
	Waiting []TaskPicture
	Waits   int // how many tasks wait, in Waiting or not
}

// TaskPicture is what a task that has started does.
type TaskPicture struct {
	Task     *Task
	On       future.Wait // what it waits for, unless Began is 0
	Runnable bool        // its wait is over
	Keeps    bool        // it waits and keeps the turn
}

// Picture returns what the scheduler does, with up to limit of the tasks that wait.
func (s *Scheduler) Picture(limit int) Picture {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.picture(limit)
}

func (s *state) picture(limit int) Picture {
	p := Picture{
		Queued: s.waiting(), Busy: s.looping, Waits: s.parked.n + s.runnable.n, Taken: s.taken(), Paused: s.paused,
	}
	if t := s.current.Load(); t != nil {
		current := t.picture()
		p.Current = &current
	}
	for _, t := range s.parked.appendTo(s.runnable.appendTo(nil, limit), limit) {
		p.Waiting = append(p.Waiting, t.picture())
	}
	for item := range s.eachQueued {
		if !hasEnded(item) {
			p.Oldest, _ = item.(*Task)
			break
		}
	}
	return p
}

// picture returns what a task does. The scheduler's mu must be held.
func (t *Task) picture() TaskPicture {
	p := TaskPicture{Task: t, Runnable: t.state == runnable}
	if t.isWaiting() {
		p.On, p.Keeps = t.wait.on, t.state == blocking || t.state == lent
	}
	return p
}
