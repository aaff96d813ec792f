package actors

import (
	"fmt"
	"iter"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// stage is a single goroutine that functions of a mailbox run on: that of an OS
// thread, or of a loop that somebody else owns. Each function runs on a
// coroutine, so that one which gives its turn away leaves the goroutine to the
// others, and comes back to it.
//
// What the goroutine is to do comes as jobs. As only who has the turn runs, there
// is one job at a time, except for functions that were abandoned.
type stage struct {
	box    *mailbox
	poke   func()        // has the goroutine look for jobs, soon; it never blocks
	bell   chan struct{} // by which poke does that for a thread
	hosted bool
	lent   bool // by Run, which its end is to end

	// Of the goroutine.
	current   *coroutine
	idle      []*coroutine // that hold no function
	suspended int          // that hold one that waits

	mu    sync.Mutex
	jobs  ring[job]
	poked bool
	over  bool // no more jobs will come
}

// job is to let a function go on that is on a coroutine, or else to be the runner
// of the mailbox, with an item at hand if that is not nil.
type job struct {
	resume *coroutine
	item   any
}

// coroutine holds a function that may be left and come back to.
type coroutine struct {
	stage *stage
	item  any // to begin with
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
}

// maxIdleCoroutines is how many a stage keeps for its next functions: more than
// are in use at a time as a rule, and not as many as there ever were.
const maxIdleCoroutines = 64

// hostBatch is how many items are dealt with in one function posted to a host,
// which has other things to do.
const hostBatch = 16

// newThread returns a stage whose goroutine is to call loop.
func newThread(m *mailbox) *stage {
	s := &stage{box: m, bell: make(chan struct{}, 1)}
	s.poke = func() {
		select {
		case s.bell <- struct{}{}:
		default:
		}
	}
	return s
}

// startThread returns a stage on an OS thread of its own, which ends with it.
func startThread(m *mailbox) *stage {
	s := newThread(m)
	go func() {
		runtime.LockOSThread() // for good: nobody else is to get a thread in whatever state
		s.loop()
	}()
	return s
}

// newHosted returns a stage on somebody else's loop.
func newHosted(m *mailbox, h props.Host) *stage {
	s := &stage{box: m, hosted: true}
	visit := s.visit
	s.poke = func() { go m.postTo(h, visit) } // Post may block
	return s
}

// postTo posts fn to a host, on a goroutine that the host may end. A host that does
// so, or panics, has lost fn, and maybe its loop: the caller stops.
func (m *mailbox) postTo(h props.Host, fn func()) {
	returned := false
	defer func() {
		if returned {
			return
		}
		err := errExited
		if r := recover(); r != nil {
			err = &pending.PanicError{Value: r, Stack: debug.Stack()}
		}
		go m.loseHost(fmt.Errorf("actors: post to the host %s: %w", m.caller.config.HostName(), err))
	}()
	h.Post(fn)
	returned = true
}

// loop does jobs until the stage is over and nothing is left on it. It goes on
// when a function ends the goroutine with runtime.Goexit: as long as there are
// deferred calls to run it is the same goroutine, and thread. That takes some
// hundred bytes of stack for each such function, until the end.
func (s *stage) loop() {
	returned := false
	defer func() {
		if returned {
			return
		}
		if s.lent {
			s.box.caller.stop(nil)
		}
		s.loop()
	}()
	for {
		for s.step() {
		}
		if s.ended() {
			break
		}
		<-s.bell
	}
	s.dismiss()
	returned = true
}

// visit is called by a host.
func (s *stage) visit() {
	again := true // also when a function ends the host's goroutine
	defer func() {
		if again {
			s.poke()
		}
	}()
	again = s.step()
}

// step does the next job, if there is one, and reports whether there are more.
func (s *stage) step() (more bool) {
	if j, ok := s.take(); ok {
		s.current = j.resume
		if s.current == nil {
			s.current = s.coroutine()
			s.current.item = j.item
		}
		s.current.next()
		s.current = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.poked = s.jobs.n > 0
	return s.poked
}

func (s *stage) take() (j job, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs.n == 0 {
		return job{}, false
	}
	return s.jobs.shift(), true
}

func (s *stage) post(j job) {
	s.mu.Lock()
	s.jobs.push(j)
	poke := !s.poked
	s.poked = true
	s.mu.Unlock()
	if poke {
		s.poke()
	}
}

// withdraw takes back the job to be the runner, if it was posted and has not
// begun.
func (s *stage) withdraw() (item any, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range s.jobs.n { // once round
		if j := s.jobs.shift(); j.resume != nil {
			s.jobs.push(j)
		} else {
			item, ok = j.item, true
		}
	}
	return item, ok
}

// finish lets the goroutine go when nothing is left on it.
func (s *stage) finish() {
	s.mu.Lock()
	s.over = true
	poke := !s.poked && !s.hosted
	s.poked = s.poked || poke
	s.mu.Unlock()
	if poke {
		s.poke()
	}
}

func (s *stage) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over && s.suspended == 0 && s.jobs.n == 0
}

// coroutine returns one that is free.
func (s *stage) coroutine() *coroutine {
	if last := len(s.idle) - 1; last >= 0 {
		c := s.idle[last]
		s.idle = s.idle[:last]
		return c
	}
	c := &coroutine{stage: s}
	c.next, c.stop = iter.Pull(func(yield func(struct{}) bool) {
		c.yield = yield
		for {
			item := c.item
			c.item = nil
			s.box.run(nil, s, item)
			if s.hosted || len(s.idle) == maxIdleCoroutines { // nobody knows when to end that of a host later
				return
			}
			s.idle = append(s.idle, c)
			if !yield(struct{}{}) {
				return
			}
		}
	})
	return c
}

// dismiss ends the coroutines that are free.
func (s *stage) dismiss() {
	for _, c := range s.idle {
		c.stop()
	}
	s.idle = nil
}

// suspend leaves the goroutine to others until the job to resume is done.
func (c *coroutine) suspend() {
	c.stage.suspended++
	c.yield(struct{}{})
	c.stage.suspended--
}

// settle makes the stage that the caller's options ask for, if they do.
func (m *mailbox) settle() {
	switch c := m.caller; {
	case c.config.Host != nil:
		m.main.Store(newHosted(m, c.config.Host))
		if host, ok := c.config.Host.(props.EndingHost); ok {
			go m.watchHost(host)
		}
	case c.config.Backend == props.Thread:
		m.main.Store(startThread(m))
	}
}

// lendThread makes the goroutine that calls, with its thread, the caller's stage
// until the caller has stopped.
func (m *mailbox) lendThread() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := newThread(m)
	s.lent = true
	m.main.Store(s)
	m.open()
	s.loop()
	<-m.caller.Stopped() // the stage is left earlier if functions are abandoned
}

// watchHost stops the caller when its host has ended.
func (m *mailbox) watchHost(host props.EndingHost) {
	name := m.caller.config.HostName()
	var done <-chan struct{}
	if err := attempt(func() { done = host.Done() }); err != nil {
		m.loseHost(fmt.Errorf("actors: ask whether the host %s has ended: %w", name, err))
		return
	}
	if done == nil {
		return // it never does
	}
	select {
	case <-m.caller.Stopped():
	case <-done:
		m.loseHost(fmt.Errorf("actors: the host %s has ended", name))
	}
}

// loseHost stops the caller for a reason and does without its host from now on.
func (m *mailbox) loseHost(why error) {
	// The stop calls user code, which may end the goroutine.
	defer func() {
		m.mu.Lock()
		if s := m.main.Swap(nil); s != nil {
			if item, ok := s.withdraw(); ok {
				go m.run(nil, nil, item)
			}
		}
		m.mu.Unlock()
		m.caller.forsake(m.active(), "its host has ended", slog.String("host", m.caller.config.HostName()))
	}()
	m.caller.stop(why)
}

// finishStages lets the caller's threads go.
func (m *mailbox) finishStages() {
	for _, s := range []*stage{m.main.Load(), m.guest.Load()} {
		if s != nil {
			s.finish()
		}
	}
}

// stageOf returns where a function is to run, nil for any goroutine.
func (m *mailbox) stageOf(f *frame) *stage {
	switch {
	case !f.guest:
		return m.main.Load()
	case m.caller.config.Backend == props.Thread:
		return nil
	default:
		return m.guest.Load()
	}
}

// invite starts the thread of the functions that have asked for one, when the
// first of them is to run.
func (m *mailbox) invite() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.caller.config.Backend != props.Thread && m.guest.Load() == nil && !m.closed.Load() {
		m.guest.Store(startThread(m))
	}
}

// move hands the role of the runner on to where an item is to be dealt with,
// and reports false, as deal does then. After a stop nothing of a user's begins
// to run, so it is refused where it is.
func (m *mailbox) move(item any) bool {
	m.mu.Lock()
	to, refuse := m.main.Load(), m.closed.Load()
	switch item := item.(type) {
	case *frame:
		to = m.stageOf(item)
	case systemMessage, released:
		refuse = false
	}
	if refuse {
		m.mu.Unlock()
		m.caller.refuse([]any{item}, m.caller.stopError())
		return true
	}
	if to != nil {
		to.post(job{item: item}) // while mu is held, so that a stop finds it
	}
	m.mu.Unlock()
	if to == nil {
		m.dispatcher.Schedule(func() { m.run(nil, nil, item) })
	}
	return false
}

// interlude lets a host's loop do other things before it goes on being the
// runner. It reports false if it is not to be left: it is none of a host, or
// may not be come back to.
func (m *mailbox) interlude(s *stage) bool {
	if s == nil || !s.hosted {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed.Load() || m.main.Load() != s {
		return false
	}
	s.post(job{})
	return true
}

// reclaim makes a goroutine the runner if a stage was to be that and has not
// begun, and returns the item that it was to begin with. Nobody has to wait for
// a stage when no function is left to run there. The caller holds mu.
func (m *mailbox) reclaim() (item any) {
	if m.caller.adopted { // whose end is the stage's to see
		return nil
	}
	for _, s := range []*stage{m.main.Load(), m.guest.Load()} {
		if s == nil {
			continue
		}
		if item, ok := s.withdraw(); ok {
			go m.loop()
			return item
		}
	}
	return nil
}

// leaveStage does without a stage that functions were abandoned on: they may hold
// it, and go on as they like. A caller that restarts begins anew with another
// thread, but waits for a goroutine of somebody else's. The caller holds mu.
func (m *mailbox) leaveStage(s *stage) {
	switch {
	case s == nil:
		return
	case m.guest.CompareAndSwap(s, nil):
	case m.caller.State() >= StateStopping:
		m.main.Store(nil)
	case s.hosted, s.lent:
		return
	default:
		m.main.Store(startThread(m))
	}
	s.finish()
}

func (c *coroutine) wake() { c.stage.post(job{resume: c}) }
