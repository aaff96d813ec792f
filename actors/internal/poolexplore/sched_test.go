//go:build explored

package poolexplore

import (
	"container/list"
	"slices"

	"github.com/seed-7fcaac1b/protocaller/internal/explore/sim"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// schedScheduler is a model of a scheduler: a run queue, a control lane, a pause, and tasks
// that give their turn away.
type schedScheduler struct {
	c *Caller

	mu            sim.Mutex
	queue         []any
	control       []func()
	deferred      func()
	deferredFinal bool
	closed        bool
	paused        bool
	notStarted    bool
	looping       bool
	current       *schedTask
	parked        []*schedTask
	idle          int // how often NotifyIdle was called
}

type schedOptions struct{ Explored, Recorded bool }

type schedSource struct {
	Next  func() (t *schedTask, more bool)
	Ended func() bool
}

func (s *schedScheduler) Init(m *mailbox, _ schedOptions) { s.c = (*Caller)(m) }

func (s *schedScheduler) Turn() future.Node { return nil }

// NotifyIdle notifies those who wait until nothing is left to do.
func (s *schedScheduler) NotifyIdle() {
	s.mu.Lock()
	s.idle++
	s.mu.Unlock()
}

// Submit adds an item to the run queue.
func (s *schedScheduler) Submit(item any, _ int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return pending.ErrStopped
	}
	s.queue = append(s.queue, item)
	s.ensureLoop()
	return nil
}

func (s *schedScheduler) submitControl(message func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.control = append(s.control, message)
	s.ensureLoop()
}

func (s *schedScheduler) deferMessage(message func(), final bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.deferredFinal {
		s.deferred, s.deferredFinal = message, final
	}
}

func (s *schedScheduler) pause(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = on
	s.ensureLoop()
}

func (s *schedScheduler) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notStarted = false
	s.ensureLoop()
}

func (s *schedScheduler) close() (rejected []any, active []*schedTask) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	rejected, s.queue = s.queue, nil
	return rejected, s.activeLocked()
}

func (s *schedScheduler) active() []*schedTask {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.activeLocked()
}

func (s *schedScheduler) activeLocked() []*schedTask {
	active := slices.Clone(s.parked)
	if s.current != nil {
		active = append(active, s.current)
	}
	return active
}

func (s *schedScheduler) abandon(tasks []*schedTask) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range tasks {
		switch i := slices.Index(s.parked, t); {
		case s.current == t:
			t.abandoned = true
			s.current, s.looping = nil, false
		case i >= 0:
			t.abandoned = true
			s.parked = slices.Delete(slices.Clone(s.parked), i, i+1)
		}
	}
	s.ensureLoop()
}

// take returns what is next, or nil. mu must be held.
func (s *schedScheduler) take(peek bool) (message func(), item any) {
	switch {
	case s.notStarted:
	case len(s.control) > 0:
		message = s.control[0]
		if !peek {
			s.control = s.control[1:]
		}
	case s.deferred != nil:
		if len(s.parked) > 0 {
			return nil, nil
		}
		message = s.deferred
		if !peek {
			s.deferred, s.deferredFinal = nil, false
		}
	case !s.paused && len(s.queue) > 0:
		item = s.queue[0]
		if !peek {
			s.queue = s.queue[1:]
		}
	}
	return message, item
}

// ensureLoop starts the loop if there is work and nobody runs it. mu must be held.
func (s *schedScheduler) ensureLoop() {
	message, item := s.take(true)
	if s.looping || message == nil && item == nil {
		return
	}
	s.looping = true
	s.c.w.Go("loop of "+s.c.name, s.loop)
}

func (s *schedScheduler) loop() {
	for {
		s.mu.Lock()
		message, item := s.take(false)
		if message == nil && item == nil {
			s.looping = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		if message != nil {
			message()
			continue
		}
		t, _ := item.(*schedTask)
		if source, ok := item.(*schedSource); ok {
			t, _ = source.Next()
		}
		if t != nil && !s.run(t) {
			return
		}
	}
}

// run runs a task, and reports whether the loop goes on.
func (s *schedScheduler) run(t *schedTask) bool {
	s.mu.Lock()
	s.current = t
	s.mu.Unlock()
	crash := t.of.Run()
	s.mu.Lock()
	abandoned := t.abandoned
	if !abandoned {
		s.current = nil
	}
	s.mu.Unlock()
	if abandoned {
		return false
	}
	if crash != nil {
		s.c.failed()
	}
	s.c.releaseWorker(t)
	return true
}

// park is what a function does that gives its turn away until something is so, or until it
// is interrupted.
func (s *schedScheduler) park(t *schedTask, until func() bool) {
	s.mu.Lock()
	if t.abandoned {
		s.mu.Unlock()
		return
	}
	s.current, s.looping = nil, false
	s.parked = append(s.parked, t)
	s.ensureLoop()
	s.mu.Unlock()
	for {
		s.c.w.await(func() bool { return t.abandoned || !s.looping && (until() || t.interrupted) }, "wait for its turn")
		s.mu.Lock()
		if t.abandoned {
			s.mu.Unlock()
			return
		}
		if !s.looping { // else another one has it again
			break
		}
		s.mu.Unlock()
	}
	i := slices.Index(s.parked, t)
	s.parked = slices.Delete(slices.Clone(s.parked), i, i+1)
	s.current, s.looping = t, true
	s.mu.Unlock()
}

// callList is a list of calls that counts what is added.
type callList struct {
	list.List
	added int
}

// PushBack adds a call at the end.
func (l *callList) PushBack(v any) *list.Element {
	l.added++
	return l.List.PushBack(v)
}

// PushFront adds a call at the beginning.
func (l *callList) PushFront(v any) *list.Element {
	l.added++
	return l.List.PushFront(v)
}
