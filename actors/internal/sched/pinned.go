package sched

import (
	"errors"
	"iter"
	"runtime"
	"runtime/debug"
)

// begin starts the goroutine of a thread.
func (p *pinned) begin() {
	go func() {
		// Never unlocked: the thread's state is unknown, so it must exit with this
		// goroutine.
		runtime.LockOSThread()
		p.serve()
	}()
}

// newHosted returns an executor on a host's loop.
func newHosted(s *Scheduler, h Host) *pinned {
	p := &pinned{sched: s, host: h, loop: s.owner.Deadlocks().loopOf(h)}
	callback := p.hostCallback
	p.wake = func() { // Post may block
		go func() {
			s.step(s, stepPosts)
			p.postTo(h, callback)
		}()
	}
	return p
}

var errExited = errors.New("runtime.Goexit was called")

// postTo posts fn to a host, on a goroutine that the host may end. A host that does so, or
// panics, has lost fn, and maybe its loop.
func (p *pinned) postTo(h Host, fn func()) {
	returned := false
	defer func() {
		if returned {
			return
		}
		err := errExited
		if r := recover(); r != nil {
			err = p.sched.owner.PanicError(r, debug.Stack())
		}
		p.sched.owner.ExecutorLost(err)
	}()
	h.Post(fn)
	returned = true
}

func (p *pinned) start(*Scheduler) { p.post(job{}) }

// serve does jobs until p is closed and no task is left on it. It goes on when a task
// ends the goroutine with runtime.Goexit: while deferred calls run it is the same
// goroutine, and thread. Each such task takes some hundred bytes of stack until the end.
func (p *pinned) serve() {
	returned := false
	defer func() {
		if returned {
			return
		}
		defer p.serve() // even if callbacks that the owner calls end the goroutine again
		if p.lent {
			p.sched.owner.ExecutorLost(nil)
		}
	}()
	for {
		for p.runJob() {
		}
		if p.ended() {
			break
		}
		<-p.wakeup
	}
	p.closeIdle()
	returned = true
}

// hostCallback is called by a host.
func (p *pinned) hostCallback() {
	again := true // also when a task ends the host's goroutine
	defer func() {
		if again {
			p.wake()
		}
	}()
	again = p.runJob()
}

// runJob does the next job, if there is one, and reports whether there are more.
func (p *pinned) runJob() (more bool) {
	if c, ok := p.nextJob(); ok {
		p.current = c
		c.next()
		p.current = nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.woken = p.jobs.Len() > 0
	return p.woken
}

// nextJob returns the coroutine that does the next job. A loop that was taken back is no
// job.
func (p *pinned) nextJob() (*coroutine, bool) {
	p.mu.Lock()
	if p.jobs.Len() == 0 {
		p.mu.Unlock()
		return nil, false
	}
	j := p.jobs.Shift()
	p.mu.Unlock()
	if j.resume != nil {
		return j.resume, true
	}
	item, ok := p.sched.beginLoop(p)
	if !ok {
		return nil, false
	}
	c := p.coroutine()
	c.item = item
	return c, true
}

// close lets the goroutine go when no task is left on it.
func (p *pinned) close() {
	p.mu.Lock()
	p.closed = true
	wake := !p.woken && p.host == nil
	p.woken = p.woken || wake
	p.mu.Unlock()
	if wake {
		p.wake()
	}
}

func (p *pinned) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed && p.suspended == 0 && p.jobs.Len() == 0
}

// coroutine returns one that is free.
func (p *pinned) coroutine() *coroutine {
	if last := len(p.idle) - 1; last >= 0 {
		c := p.idle[last]
		p.idle = p.idle[:last]
		return c
	}
	c := &coroutine{pinned: p}
	c.next, c.stop = iter.Pull(func(yield func(struct{}) bool) {
		c.yield = yield
		for {
			item := c.item
			c.item = nil
			p.sched.run(p, nil, item)
			// A host gives no later point at which to end an idle coroutine.
			if p.host != nil || len(p.idle) == maxIdleCoroutines {
				return
			}
			p.idle = append(p.idle, c)
			if !yield(struct{}{}) {
				return
			}
		}
	})
	return c
}

// closeIdle ends the coroutines that are free.
func (p *pinned) closeIdle() {
	for _, c := range p.idle {
		c.stop()
	}
	p.idle = nil
}

// StartThread makes an OS thread of its own the main executor.
func (s *Scheduler) StartThread() {
	p := newThread(s)
	s.state.main.store(p)
	p.begin()
}

// StartHosted makes a host's loop the main executor.
func (s *Scheduler) StartHosted(h Host) { s.state.main.store(newHosted(s, h)) }

// RunThread starts the scheduler and makes the goroutine that calls, with its thread, the
// main executor. It returns when stopped is closed and no task is left on the goroutine.
func (s *Scheduler) RunThread(stopped <-chan struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p := newThread(s)
	p.lent = true
	s.state.main.store(p)
	s.Open()
	p.serve()
	<-stopped // the goroutine is left earlier if tasks are abandoned
}

// LeaveHost goes on without the host, whose loop has ended.
func (s *Scheduler) LeaveHost() {
	p, ok := s.state.main.load().(*pinned)
	if !ok {
		return
	}
	s.mu.Lock()
	start := s.state.loseExecutor(p)
	s.mu.Unlock()
	s.start(start)
}

// CloseExecutors lets the threads of the scheduler end. What comes later is handled on
// other goroutines. It is called when no user code is left that could run.
func (s *Scheduler) CloseExecutors() {
	s.mu.Lock()
	changed, start := s.state.closeExecutors()
	s.mu.Unlock()
	changed.apply()
	s.start(start)
}
