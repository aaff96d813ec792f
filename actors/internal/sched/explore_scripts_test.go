package sched

import (
	"fmt"
	"strings"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// promise is a pending without a function, which is completed by hand.
func (m *model) promise(name string) *exTask {
	t := m.task(name, nil)
	t.submitted, t.isPromise = true, true
	return t
}

// waitsFor is a function that waits for a task.
func waitsFor(on *exTask) func(p *proc, t *exTask) {
	return func(p *proc, t *exTask) {
		_ = p.wait(t, on)
		p.use(t)
	}
}

// waitsWhatever is a function that waits for a task, and does not listen to its context.
func waitsWhatever(on *exTask) func(p *proc, t *exTask) {
	return func(p *proc, t *exTask) {
		t.shields = true
		_ = p.wait(t, on)
		p.use(t)
	}
}

func waitsSyncFor(on *exTask) func(p *proc, t *exTask) {
	return func(p *proc, t *exTask) {
		_ = p.waitSync(t, on)
		p.use(t)
	}
}

func yields(p *proc, t *exTask) {
	_ = p.yieldTurn(t)
	p.use(t)
}

func exits(p *proc, _ *exTask) { p.goexit() }

func panics(p *proc, t *exTask) {
	t.task.panicked = true
}

// calls is a process that schedules tasks.
func (w *world) calls(tasks ...*exTask) {
	w.spawn("calls", func(p *proc) {
		for _, t := range tasks {
			p.call(t)
		}
	})
}

// callAhead schedules a task before the others, as a Queue does.
func (p *proc) callAhead(t *exTask) {
	t.submitted = true
	p.submitAhead(t.m, &t.task)
	if t.m.closedIntake {
		p.reject(t)
	}
}

// callUrgent schedules an urgent call.
func (p *proc) callUrgent(t *exTask) {
	t.submitted = true
	if p.submitUrgent(t.m, &t.task, 0) != nil {
		p.reject(t)
	}
}

func (w *world) urgent(tasks ...*exTask) {
	w.spawn("urgent", func(p *proc) {
		for _, t := range tasks {
			p.callUrgent(t)
		}
	})
}

// hookTask makes a hook.
func (m *model) hookTask(name string, fn func(p *proc, t *exTask)) *exTask {
	t := m.task(name, fn)
	t.isHook = true
	return t
}

func (w *world) hook(t *exTask) {
	w.spawn("hook", func(p *proc) {
		t.submitted = true
		if p.submitHook(t) != nil {
			p.reject(t)
		}
	})
}

func (w *world) stops(m *model) { w.spawn("stop", func(p *proc) { p.beginStop(m) }) }

func (w *world) abandons(m *model) { w.spawn("grace", func(p *proc) { p.abandonLate(m) }) }

func (w *world) restarts(m *model) {
	w.spawn("restart", func(p *proc) { p.submitControl(m, w.restart(m), DecisionUnchanged) })
}

func (w *world) cancels(t *exTask) { w.spawn("cancel", func(p *proc) { p.cancel(t) }) }

func (w *world) completes(t *exTask) { w.spawn("timer", func(p *proc) { p.complete(t) }) }

func (w *world) controls(m *model, do func(p *proc)) {
	c := w.control("note", do)
	w.spawn("control", func(p *proc) { p.submitControl(m, c, DecisionUnchanged) })
}

func (w *world) posts(m *model, do func(p *proc)) {
	c := w.message("message", do)
	w.spawn("post", func(p *proc) { _ = p.submit(m, c, 0) })
}

// pauses is a failure that is decided on: the scheduler pauses, and goes on.
func (w *world) pauses(m *model) {
	stop := w.control("suspend", func(p *proc) {
		if !m.stopping {
			p.pause(m, true)
		}
	})
	resume := w.control("resume", func(p *proc) { p.pause(m, false) })
	w.spawn("pause", func(p *proc) {
		p.submitControl(m, stop, DecisionAwaited)
		p.submitControl(m, resume, DecisionMade)
	})
}

// drains stops a scheduler when it is idle.
func (w *world) drains(m *model) {
	idle := m.IdleNotify()
	w.spawn("drain", func(p *proc) {
		for {
			p.step("is it idle", m)
			if m.state.idle() {
				break
			}
			p.await(func() bool { return len(idle) > 0 || m.stopping }, "wait for it to be idle", m)
			if m.stopping {
				return
			}
			<-idle
		}
		p.beginStop(m)
	})
}

// source makes a source of tasks.
func (w *world) source(tasks ...*exTask) *Source {
	left := tasks
	s := &Source{
		Next: func() (t *Task, more bool) {
			for len(left) > 0 {
				t := left[0]
				left = left[1:]
				if !t.done {
					return &t.task, false
				}
			}
			return nil, false
		},
		Ended: func() bool { return len(left) == 0 },
	}
	for _, t := range tasks {
		t.submitted = true
	}
	w.sources = append(w.sources, s)
	return s
}

func (w *world) submits(m *model, s *Source, times int) {
	w.spawn("source", func(p *proc) {
		for i := range times {
			p.step("a time of the source", i)
			if p.submit(m, s, 0) != nil {
				p.rejectAll([]any{s})
			}
		}
	})
}

// onThread gives a scheduler a thread.
func (w *world) onThread(m *model) {
	th := newThread(m.Scheduler)
	m.state.main.store(th)
	m.state.options.thread = true
	of := w.thread(th)
	w.spawn("thread of "+m.name, func(p *proc) { p.serve(of) })
}

// onLentThread gives a scheduler a thread that somebody lends.
func (w *world) onLentThread(m *model) {
	m.state.notStarted, m.state.options.thread, m.claimed = true, true, true
	w.spawn("lends a thread to "+m.name, func(p *proc) { p.runThread(m) })
}

// onHost gives a scheduler the loop of a host.
func (w *world) onHost(m *model) {
	on := newHosted(m.Scheduler, exHostLoop{})
	m.state.main.store(on)
	m.host = &exHost{th: w.thread(on)}
	w.spawn("host of "+m.name, func(p *proc) { p.serveHost(m.host) })
}

type exHostLoop struct{}

func (exHostLoop) Post(func())  {}
func (exHostLoop) Name() string { return "host" }

// endsHost is Caller.loseHost: the host ends, the scheduler goes on without it.
func (w *world) endsHost(m *model) {
	w.spawn("host ends", func(p *proc) {
		p.step("the host ends")
		m.host.ended = true
		p.beginStop(m)
		p.leaveHost(m)
		p.abandonLate(m)
	})
}

var scripts = []script{
	{"two tasks are queued, one after the other", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", nil), m.task("b", nil))
	}},
	{"two goroutines queue two tasks each", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", nil), m.task("b", nil))
		w.calls(m.task("c", nil), m.task("d", nil))
	}},
	{"a task waits for the next one", func(w *world) {
		m := w.scheduler("s", Options{})
		b := m.task("b", nil)
		w.calls(m.task("a", waitsFor(b)), b, m.task("c", nil))
	}},
	{"two tasks wait for the same one", func(w *world) {
		m := w.scheduler("s", Options{})
		b := m.task("b", nil)
		w.calls(m.task("a", waitsFor(b)), m.task("c", waitsFor(b)), b)
	}},
	{"two tasks wait, and a timer and a call end that", func(w *world) {
		m := w.scheduler("s", Options{})
		x, y := m.promise("x"), m.promise("y")
		w.calls(m.task("a", waitsFor(x)), m.task("b", waitsFor(y)))
		w.completes(x)
		w.completes(y)
	}},
	{"three tasks are resumed while the queue is long", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", waitsFor(x)), m.task("c", nil), m.task("d", nil))
		w.completes(x)
	}},
	{"a resume comes before the park", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		a := m.task("a", func(p *proc, t *exTask) {
			_ = p.wait(t, x)
			_ = p.wait(t, x)
		})
		w.calls(a)
		w.completes(x)
		w.spawn("resume", func(p *proc) { p.resume(a) })
	}},
	{"a task waits twice, and is resumed without cause", func(w *world) {
		m := w.scheduler("s", Options{})
		x, y := m.promise("x"), m.promise("y")
		a := m.task("a", func(p *proc, t *exTask) {
			_ = p.wait(t, x)
			_ = p.wait(t, y)
		})
		w.calls(a)
		w.spawn("timer", func(p *proc) {
			p.complete(x)
			p.resume(a)
			p.complete(y)
		})
	}},
	{"stop while a task waits and another is queued", func(w *world) {
		m := w.scheduler("s", Options{})
		b := m.task("b", nil)
		w.calls(m.task("a", waitsFor(b)), b)
		w.stops(m)
	}},
	{"stop while three tasks are queued", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", nil), m.task("b", nil), m.task("c", nil), m.task("d", nil))
		w.stops(m)
	}},
	{"stop between the run queue and the start of a task", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", nil))
		w.stops(m)
	}},
	{"two stops, and a call", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", nil))
		w.stops(m)
		w.stops(m)
	}},
	{"abandon while a task waits and another is queued", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", nil))
		w.abandons(m)
		w.completes(x)
	}},
	{"abandon while tasks are runnable", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", waitsFor(x)))
		w.completes(x)
		w.abandons(m)
	}},
	{"an abandoned task waits again", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", func(p *proc, t *exTask) {
			_ = p.wait(t, x)
			_ = p.wait(t, x)
			_ = p.yieldTurn(t)
		}), m.task("b", nil))
		w.abandons(m)
		w.completes(x)
	}},
	{"stop, and abandon what has not returned", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", nil))
		w.completes(x)
		w.spawn("stop", func(p *proc) {
			p.beginStop(m)
			p.abandonLate(m)
		})
	}},
	{"stop, and abandon a function that does not listen", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsWhatever(x)), m.task("b", nil))
		w.spawn("stop", func(p *proc) {
			p.beginStop(m)
			p.abandonLate(m)
			p.complete(x)
		})
	}},
	{"restart, and abandon a function that does not listen", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsWhatever(x)), m.task("b", nil))
		w.restarts(m)
		w.abandons(m)
		w.completes(x)
	}},
	{"stop, and abandon on a thread a function that does not listen", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		x := m.promise("x")
		w.calls(m.task("a", waitsWhatever(x)))
		w.spawn("stop", func(p *proc) {
			p.beginStop(m)
			p.abandonLate(m)
			p.complete(x)
		})
	}},
	{"abandon twice", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)))
		w.abandons(m)
		w.abandons(m)
		w.completes(x)
	}},
	{"restart while a task waits and another is queued", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", nil))
		w.restarts(m)
		w.completes(x)
	}},
	{"a panic restarts while a task waits", func(w *world) {
		m := w.scheduler("s", Options{})
		m.restarts = true
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", panics), m.task("c", nil))
		w.completes(x)
	}},
	{"stop in the backoff of a restart", func(w *world) {
		m := w.scheduler("s", Options{})
		m.restarts = true
		w.calls(m.task("a", panics), m.task("b", nil))
		w.stops(m)
	}},
	{"stop while a restart waits for a task", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)))
		w.restarts(m)
		w.stops(m)
		w.completes(x)
	}},
	{"abandon while a restart waits for a task", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)))
		w.restarts(m)
		w.abandons(m)
		w.completes(x)
	}},
	{"a final message is deferred, and then others", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)))
		w.completes(x)
		last, other := w.control("last", nil), w.control("other", nil)
		w.controls(m, func(p *proc) {
			p.deferMessage(m, other, false)
			p.deferMessage(m, last, true)
			p.deferMessage(m, other, false)
		})
	}},
	{"two restarts", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", yields), m.task("b", nil))
		w.restarts(m)
		w.restarts(m)
	}},
	{"restart with two panics", func(w *world) {
		m := w.scheduler("s", Options{})
		m.restarts = true
		w.calls(m.task("a", panics), m.task("b", panics))
		w.posts(m, nil)
	}},
	{"a task yields to the queue", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", yields), m.task("b", nil))
		w.posts(m, nil)
	}},
	{"two tasks yield to each other", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", yields), m.task("b", yields))
	}},
	{"stop while two tasks yield", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", yields), m.task("b", yields))
		w.stops(m)
	}},
	{"abandon while a task yields", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", yields), m.task("b", nil))
		w.abandons(m)
	}},
	{"a yield while nothing wants the turn", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", yields))
		w.pauses(m)
	}},
	{"a yield beside a task that waits", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", yields))
		w.completes(x)
	}},
	{"cancel of a queued task", func(w *world) {
		m := w.scheduler("s", Options{})
		b := m.task("b", nil)
		w.calls(m.task("a", nil), b, m.task("c", nil))
		w.cancels(b)
	}},
	{"cancel of a task that waits", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		a := m.task("a", waitsFor(x))
		w.calls(a, m.task("b", nil))
		w.spawn("cancel", func(p *proc) {
			p.cancel(a)
			p.complete(x)
		})
	}},
	{"cancel while a stop rejects", func(w *world) {
		m := w.scheduler("s", Options{})
		a, b := m.task("a", nil), m.task("b", nil)
		w.calls(a, b)
		w.cancels(b)
		w.stops(m)
	}},
	{"seventy queued tasks are cancelled", func(w *world) {
		m := w.scheduler("s", Options{})
		m.state.notStarted = true
		tasks := make([]*exTask, 0, 80)
		for i := range 70 {
			tasks = append(tasks, m.task(fmt.Sprint("c", i), nil))
		}
		a, b := m.task("a", nil), m.task("b", nil)
		w.spawn("main", func(p *proc) {
			p.call(a)
			for _, t := range tasks {
				p.call(t)
			}
			p.call(b)
			for _, t := range tasks {
				p.cancel(t)
			}
			p.ungate(m)
		})
	}},
	{"tasks of a batch are cancelled, and the rest is pruned", func(w *world) {
		m := w.scheduler("s", Options{})
		m.state.notStarted = true
		tasks := make([]*exTask, 0, 130)
		for i := range 130 {
			tasks = append(tasks, m.task(fmt.Sprint("c", i), nil))
		}
		w.spawn("main", func(p *proc) {
			for _, t := range tasks {
				p.call(t)
			}
			a := m.task("a", func(p *proc, t *exTask) {
				for _, t := range tasks[2:] {
					p.cancel(t)
					p.length(m)
				}
			})
			_ = a
			tasks[1].fn = a.fn
			a.submitted, a.ended = true, 1
			p.ungate(m)
		})
	}},
	{"a limit counts what waits", func(w *world) {
		m := w.scheduler("s", Options{})
		a, b, c := m.task("a", nil), m.task("b", nil), m.task("c", nil)
		call := func(p *proc, t *exTask) {
			t.submitted = true
			if p.submit(m, &t.task, 2) != nil {
				p.reject(t)
			}
		}
		w.spawn("one", func(p *proc) {
			call(p, a)
			call(p, b)
			p.length(m)
		})
		w.spawn("two", func(p *proc) {
			call(p, c)
			p.cancel(c)
			p.length(m)
		})
	}},
	{"an item goes ahead of the queue", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", nil), m.task("b", nil))
		x := m.task("x", nil)
		w.spawn("ahead", func(p *proc) { p.callAhead(x) })
	}},
	{"an item goes ahead while tasks are runnable", func(w *world) {
		m := w.scheduler("s", Options{})
		x, y := m.promise("x"), m.task("y", nil)
		w.calls(m.task("a", waitsFor(x)), m.task("b", waitsFor(x)))
		w.completes(x)
		w.spawn("ahead", func(p *proc) { p.callAhead(y) })
	}},
	{"stop while an item goes ahead", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.task("x", nil)
		w.calls(m.task("a", nil), m.task("b", nil))
		w.spawn("ahead", func(p *proc) { p.callAhead(x) })
		w.stops(m)
	}},
	{"a source decides late which task runs", func(w *world) {
		m := w.scheduler("s", Options{})
		a, b := m.task("a", nil), m.task("b", nil)
		w.submits(m, w.source(a, b), 3)
		w.cancels(b)
	}},
	{"a queue's items and calls of one process keep their order", func(w *world) {
		m := w.scheduler("s", Options{})
		q := w.queue(m)
		for _, name := range []string{"a", "b"} {
			first, second := m.task("first item of "+name, nil), m.task("second item of "+name, nil)
			call := m.task("call of "+name, startsAfter(first, second))
			w.spawn("process "+name, func(p *proc) {
				p.put(q, first)
				p.put(q, second)
				p.call(call)
				p.put(q, m.task("item after the call of "+name, startsAfter(call)))
			})
		}
	}},
	{"a control message and a runnable task come between the items of an entry", func(w *world) {
		m := w.scheduler("s", Options{})
		q, promised := w.queue(m), m.promise("promised")
		w.calls(m.task("waits", func(p *proc, t *exTask) { _ = p.wait(t, promised) }))
		w.puts(q, m.task("a", nil), m.task("b", nil), m.task("c", nil))
		w.completes(promised)
		w.spawn("control", func(p *proc) { p.submitControl(m, w.control("control", nil), DecisionUnchanged) })
	}},
	{"stop while an entry has more items, and others are put", func(w *world) {
		m := w.scheduler("s", Options{})
		q := w.queue(m)
		w.puts(q, m.task("a", nil), m.task("b", nil), m.task("c", nil))
		w.puts(q, m.task("d", nil))
		w.stops(m)
	}},
	{"an item of an entry waits, and another one ends its goroutine", func(w *world) {
		m := w.scheduler("s", Options{})
		q, promised := w.queue(m), m.promise("promised")
		w.puts(q, m.task("waits", func(p *proc, t *exTask) { _ = p.wait(t, promised) }), m.task("exits", exits), m.task("c", nil))
		w.completes(promised)
	}},
	{"an entry's items run on a host", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onHost(m)
		w.puts(w.queue(m), m.task("a", nil), m.task("b", nil), m.task("c", nil))
		w.calls(m.task("d", nil))
	}},
	{"a source goes ahead of a queue", func(w *world) {
		m := w.scheduler("s", Options{})
		missed := w.source(m.task("missed", nil))
		w.spawn("ahead", func(p *proc) {
			p.submitAhead(m, missed)
			if m.closedIntake {
				p.rejectAll([]any{missed})
			}
		})
		w.puts(w.queue(m), m.task("a", nil), m.task("b", nil))
	}},
	{"stop while a source is queued", func(w *world) {
		m := w.scheduler("s", Options{})
		w.submits(m, w.source(m.task("a", nil), m.task("b", nil)), 2)
		w.stops(m)
	}},
	{"control messages overtake the queue", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", nil), m.task("b", nil))
		w.controls(m, nil)
		w.controls(m, nil)
	}},
	{"a control message while a task waits", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)))
		w.controls(m, nil)
		w.completes(x)
	}},
	{"pause while tasks wait and are queued", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", nil))
		w.pauses(m)
		w.completes(x)
	}},
	{"stop while paused", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", nil), m.task("b", nil))
		w.pauses(m)
		w.stops(m)
	}},
	{"a function ends its goroutine", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", exits), m.task("b", nil))
	}},
	{"a function ends its goroutine after it has waited", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", func(p *proc, t *exTask) {
			_ = p.wait(t, x)
			p.goexit()
		}), m.task("b", nil))
		w.completes(x)
	}},
	{"stop while a function ends its goroutine", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", exits), m.task("b", nil))
		w.stops(m)
	}},
	{"abandon while a function ends its goroutine", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", exits), m.task("b", nil))
		w.abandons(m)
	}},
	{"a handler ends its goroutine", func(w *world) {
		m := w.scheduler("s", Options{})
		w.posts(m, (*proc).goexit)
		w.controls(m, (*proc).goexit)
		w.calls(m.task("a", nil))
	}},
	{"a wait that keeps the turn", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsSyncFor(x)), m.task("b", nil))
		w.completes(x)
	}},
	{"abandon of a wait that keeps the turn", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsSyncFor(x)), m.task("b", nil))
		w.abandons(m)
		w.completes(x)
	}},
	{"stop of a wait that keeps the turn", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsSyncFor(x)), m.task("b", nil))
		w.stops(m)
		w.completes(x)
	}},
	{"waits without re-entrance", func(w *world) {
		m := w.scheduler("s", Options{NonReentrant: true})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", yields))
		w.completes(x)
		w.stops(m)
	}},
	{"a limit of suspended tasks", func(w *world) {
		m := w.scheduler("s", Options{MaxSuspended: 1})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", waitsFor(x)))
		w.completes(x)
	}},
	{"holds keep the restart waiting", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", nil))
		w.restarts(m)
		w.spawn("child", func(p *proc) {
			p.hold(m, 1)
			p.submitControl(m, w.control("register", func(p *proc) { p.hold(m, -1) }), DecisionUnchanged)
		})
	}},
	{"holds keep the stop waiting", func(w *world) {
		m := w.scheduler("s", Options{})
		w.stops(m)
		w.calls(m.task("a", nil))
		w.spawn("child", func(p *proc) {
			p.hold(m, 1)
			p.submitControl(m, w.control("register", func(p *proc) { p.hold(m, -1) }), DecisionUnchanged)
		})
	}},
	{"a parent ends after its child", func(w *world) {
		m, c := w.scheduler("parent", Options{}), w.scheduler("child", Options{})
		m.children, c.parent = []*model{c}, m
		w.calls(c.task("a", nil))
		w.stops(m)
	}},
	{"a child that stops by itself beside its parent", func(w *world) {
		m, c := w.scheduler("parent", Options{}), w.scheduler("child", Options{})
		m.children, c.parent = []*model{c}, m
		w.stops(c)
		w.stops(m)
	}},
	{"a task waits for one of another scheduler", func(w *world) {
		m, n := w.scheduler("s", Options{}), w.scheduler("other", Options{})
		b := n.task("b", nil)
		w.calls(m.task("a", waitsFor(b)), m.task("c", nil))
		w.calls(b)
	}},
	{"calls before the start", func(w *world) {
		m := w.unstarted("s", Options{})
		w.calls(m.task("a", nil))
		w.controls(m, nil)
		w.spawn("open", func(p *proc) { p.open(m) })
	}},
	{"two goroutines open", func(w *world) {
		m := w.unstarted("s", Options{})
		w.calls(m.task("a", nil))
		w.spawn("open", func(p *proc) { p.open(m) })
		w.spawn("open", func(p *proc) { p.open(m) })
	}},
	{"stop before the start", func(w *world) {
		m := w.unstarted("s", Options{})
		w.calls(m.task("a", nil))
		w.stops(m)
		w.spawn("open", func(p *proc) { p.open(m) })
	}},
	{"a handler ends the goroutine that opens", func(w *world) {
		m := w.unstarted("s", Options{})
		w.calls(m.task("a", nil))
		w.controls(m, (*proc).goexit)
		w.spawn("open", func(p *proc) { p.open(m) })
	}},
	{"ungate with all that is queued", func(w *world) {
		m := w.unstarted("s", Options{})
		w.calls(m.task("a", nil), m.task("b", nil))
		w.controls(m, nil)
		w.spawn("ungate", func(p *proc) { p.ungate(m) })
	}},
	{"drain", func(w *world) {
		m := w.scheduler("s", Options{})
		b := m.task("b", nil)
		w.calls(m.task("a", waitsFor(b)), b)
		w.drains(m)
	}},
	{"drain while a task that waits is abandoned", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)))
		w.drains(m)
		w.abandons(m)
		w.completes(x)
	}},
	{"drain while a call runs in place", func(w *world) {
		m := w.scheduler("s", Options{})
		a := m.task("a", nil)
		w.spawn("call", func(p *proc) { p.callInPlace(a) })
		w.drains(m)
	}},
	{"a dispatcher that runs the loop on the goroutine that submits", func(w *world) {
		m := w.scheduler("s", Options{})
		m.sync = true
		w.posts(m, nil)
		w.calls(m.task("a", nil), m.task("b", nil))
	}},
	{"stop with a dispatcher that runs the loop on the goroutine that submits", func(w *world) {
		m := w.scheduler("s", Options{})
		m.sync = true
		w.calls(m.task("a", nil))
		w.posts(m, nil)
		w.stops(m)
	}},

	{"the watchdog looks while a batch is handled", func(w *world) {
		m := w.unstarted("s", Options{})
		a, b, c := m.task("a", nil), m.task("b", nil), m.task("c", nil)
		w.spawn("calls", func(p *proc) {
			for _, t := range []*exTask{a, b, c} {
				p.call(t)
			}
			p.ungate(m)
		})
		w.spawn("watchdog", func(p *proc) {
			for i := range 2 {
				p.step("Look", m, i)
				m.state.slowPath.Store(true)
			}
		})
		w.stops(m)
	}},
	{"urgent calls come before the others", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", nil), m.task("b", nil))
		w.urgent(m.task("u", nil), m.task("v", nil))
	}},
	{"urgent calls do not starve the others", func(w *world) {
		m := w.unstarted("s", Options{})
		tasks := make([]*exTask, 0, 2*mostUrgent+3)
		for i := range 2*mostUrgent + 3 {
			tasks = append(tasks, m.task(fmt.Sprint("u", i), nil))
		}
		a, b := m.task("a", nil), m.task("b", nil)
		w.spawn("calls", func(p *proc) {
			p.call(a)
			for _, t := range tasks {
				p.callUrgent(t)
			}
			p.callAhead(b)
			p.ungate(m)
		})
	}},
	{"stop while urgent calls are queued", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", nil))
		w.urgent(m.task("u", nil), m.task("v", nil))
		w.stops(m)
	}},
	{"an urgent call is cancelled, and the limit counts", func(w *world) {
		m := w.scheduler("s", Options{})
		u, v := m.task("u", nil), m.task("v", nil)
		w.spawn("calls", func(p *proc) {
			p.callUrgent(u)
			p.cancel(u)
			p.length(m)
			p.callUrgent(v)
			p.length(m)
		})
		w.calls(m.task("a", nil))
	}},
	{"an urgent call while tasks are runnable", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", nil))
		w.completes(x)
		w.urgent(m.task("u", nil))
	}},
	{"a hook comes before what is queued", func(w *world) {
		m := w.scheduler("s", Options{})
		w.calls(m.task("a", nil))
		w.hook(m.hookTask("hook", nil))
		w.urgent(m.task("u", nil))
	}},
	{"a hook waits, and what is queued waits for it", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", nil))
		w.hook(m.hookTask("hook", waitsFor(x)))
		w.completes(x)
	}},
	{"a hook, and a call in place", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		a := m.task("a", nil)
		w.hook(m.hookTask("hook", waitsFor(x)))
		w.completes(x)
		w.spawn("call", func(p *proc) { p.callInPlace(a) })
	}},
	{"stop while a hook is queued", func(w *world) {
		m := w.scheduler("s", Options{})
		w.hook(m.hookTask("hook", nil))
		w.calls(m.task("a", nil))
		w.stops(m)
	}},
	{"a hook while the scheduler is paused", func(w *world) {
		m := w.scheduler("s", Options{})
		w.pauses(m)
		w.hook(m.hookTask("hook", yields))
		w.calls(m.task("a", nil))
	}},
	{"abandon while a hook waits", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.hook(m.hookTask("hook", waitsFor(x)))
		w.calls(m.task("a", nil))
		w.abandons(m)
		w.completes(x)
	}},
	{"restart while a hook waits", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.hook(m.hookTask("hook", waitsFor(x)))
		w.calls(m.task("a", nil))
		w.restarts(m)
		w.completes(x)
	}},
	{"a cancelled hook opens the gate", func(w *world) {
		m := w.scheduler("s", Options{})
		h := m.hookTask("hook", nil)
		w.hook(h)
		w.calls(m.task("a", nil))
		w.cancels(h)
	}},
	{"drain while a hook waits", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		w.hook(m.hookTask("hook", waitsFor(x)))
		w.drains(m)
		w.completes(x)
	}},
	{"a final hook runs after the stop", func(w *world) {
		m := w.scheduler("s", Options{})
		m.finalHook = m.hookTask("last", nil)
		w.calls(m.task("a", nil))
		w.stops(m)
	}},
	{"a final hook that waits, and others wait as well", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		m.finalHook = m.hookTask("last", waitsFor(x))
		w.calls(m.task("a", waitsWhatever(x)))
		w.stops(m)
		w.completes(x)
	}},
	{"a final hook on a thread is recalled", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		m.finalHook = m.hookTask("last", nil)
		w.calls(m.task("a", nil))
		w.stops(m)
		w.spawn("recall", func(p *proc) {
			if t := p.recallFinal(m); t != nil {
				p.reject(t)
			}
		})
	}},
	{"a final hook is recalled from a thread that has not begun", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		m.finalHook = m.hookTask("last", nil)
		w.stops(m)
		w.spawn("recall", func(p *proc) {
			p.await(func() bool {
				return m.finished || m.state.starting != nil && m.state.starting.first == any(&m.finalHook.task)
			}, "the loop is to begin with the hook")
			if t := p.recallFinal(m); t != nil {
				p.reject(t)
			}
		})
	}},
	{"nothing is recalled from a thread that has not begun", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		w.calls(m.task("a", nil))
		w.controls(m, nil)
		w.spawn("recall", func(p *proc) {
			if p.recallFinal(m) != nil {
				w.failf("there is no final hook")
			}
		})
	}},
	{"urgent calls are pruned", func(w *world) {
		m := w.unstarted("s", Options{})
		u, v, x := m.task("u", nil), m.task("v", nil), m.task("x", nil)
		w.spawn("calls", func(p *proc) {
			for _, t := range []*exTask{u, v, x} {
				p.callUrgent(t)
			}
			p.cancel(v)
			p.length(m)
			p.ungate(m)
		})
	}},
	{"a final hook is recalled", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		m.finalHook = m.hookTask("last", nil)
		w.calls(m.task("a", waitsWhatever(x)))
		w.stops(m)
		w.spawn("recall", func(p *proc) {
			if t := p.recallFinal(m); t != nil {
				p.reject(t)
			}
			p.complete(x)
		})
	}},

	// In place.
	{"two calls in place", func(w *world) {
		m := w.scheduler("s", Options{})
		a, b := m.task("a", nil), m.task("b", nil)
		w.spawn("call", func(p *proc) { p.callInPlace(a) })
		w.spawn("call", func(p *proc) { p.callInPlace(b) })
	}},
	{"a call in place waits", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		a := m.task("a", waitsFor(x))
		w.spawn("call", func(p *proc) { p.callInPlace(a) })
		w.calls(m.task("b", nil))
		w.completes(x)
	}},
	{"a call in place yields", func(w *world) {
		m := w.scheduler("s", Options{})
		a := m.task("a", yields)
		w.spawn("call", func(p *proc) { p.callInPlace(a) })
		w.calls(m.task("b", nil))
		w.controls(m, nil)
	}},
	{"stop while a call runs in place", func(w *world) {
		m := w.scheduler("s", Options{})
		a := m.task("a", nil)
		w.spawn("call", func(p *proc) { p.callInPlace(a) })
		w.calls(m.task("b", nil))
		w.stops(m)
	}},
	{"restart while a call runs in place", func(w *world) {
		m := w.scheduler("s", Options{})
		a := m.task("a", yields)
		w.spawn("call", func(p *proc) { p.callInPlace(a) })
		w.calls(m.task("b", nil))
		w.restarts(m)
	}},
	{"abandon while a call runs in place", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		a := m.task("a", waitsFor(x))
		w.spawn("call", func(p *proc) { p.callInPlace(a) })
		w.calls(m.task("b", nil))
		w.abandons(m)
		w.completes(x)
	}},
	{"a call in place ends its goroutine", func(w *world) {
		m := w.scheduler("s", Options{})
		a := m.task("a", exits)
		w.spawn("call", func(p *proc) { p.callInPlace(a) })
		w.calls(m.task("b", nil))
		w.stops(m)
	}},
	{"a call in place panics, and restarts", func(w *world) {
		m := w.scheduler("s", Options{})
		m.restarts = true
		a := m.task("a", panics)
		w.spawn("call", func(p *proc) { p.callInPlace(a) })
		w.calls(m.task("b", nil))
	}},
	{"a call in place while the scheduler is paused", func(w *world) {
		m := w.scheduler("s", Options{})
		a := m.task("a", nil)
		w.spawn("call", func(p *proc) { p.callInPlace(a) })
		w.pauses(m)
	}},
	{"a call in place while a task waits", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		a := m.task("a", nil)
		w.calls(m.task("b", waitsFor(x)))
		w.spawn("call", func(p *proc) { p.callInPlace(a) })
		w.completes(x)
	}},
	{"a function calls its own scheduler", func(w *world) {
		m := w.scheduler("s", Options{})
		b := m.task("b", nil)
		w.calls(m.task("a", func(p *proc, t *exTask) { _ = p.callFrom(t, b) }), m.task("c", nil))
	}},
	{"a function calls its own scheduler, and the call waits", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		b := m.task("b", waitsFor(x))
		w.calls(m.task("a", func(p *proc, t *exTask) {
			_ = p.callFrom(t, b)
			_ = p.wait(t, x)
		}))
		w.posts(m, nil)
		w.completes(x)
	}},
	{"stop while a function calls its own scheduler", func(w *world) {
		m := w.scheduler("s", Options{})
		b := m.task("b", nil)
		w.calls(m.task("a", func(p *proc, t *exTask) { _ = p.callFrom(t, b) }))
		w.stops(m)
	}},
	{"abandon while a function calls its own scheduler", func(w *world) {
		m := w.scheduler("s", Options{})
		b := m.task("b", yields)
		w.calls(m.task("a", func(p *proc, t *exTask) {
			_ = p.callFrom(t, b)
			_ = p.yieldTurn(t)
		}))
		w.posts(m, nil)
		w.abandons(m)
	}},
	{"restart while a function calls its own scheduler", func(w *world) {
		m := w.scheduler("s", Options{})
		b := m.task("b", nil)
		w.calls(m.task("a", func(p *proc, t *exTask) { _ = p.callFrom(t, b) }))
		w.restarts(m)
	}},
	{"a function calls another scheduler", func(w *world) {
		m, n := w.scheduler("s", Options{}), w.scheduler("other", Options{})
		b := n.task("b", nil)
		w.calls(m.task("a", func(p *proc, t *exTask) { _ = p.callFrom(t, b) }), m.task("c", nil))
	}},
	{"a function calls another scheduler that is busy", func(w *world) {
		m, n := w.scheduler("s", Options{}), w.scheduler("other", Options{})
		b := n.task("b", nil)
		w.calls(m.task("a", func(p *proc, t *exTask) { _ = p.callFrom(t, b) }))
		w.calls(n.task("c", nil))
	}},
	{"a function is cancelled while it calls another scheduler", func(w *world) {
		m, n := w.scheduler("s", Options{}), w.scheduler("other", Options{})
		x := m.promise("x")
		b := n.task("b", waitsFor(x))
		a := m.task("a", func(p *proc, t *exTask) { _ = p.callFrom(t, b) })
		w.calls(a)
		w.spawn("cancel", func(p *proc) {
			p.cancel(a)
			p.complete(x)
		})
	}},
	{"stop of the lender while a function calls another scheduler", func(w *world) {
		m, n := w.scheduler("s", Options{}), w.scheduler("other", Options{})
		b := n.task("b", nil)
		w.calls(m.task("a", func(p *proc, t *exTask) { _ = p.callFrom(t, b) }))
		w.stops(m)
	}},
	{"abandon of the lender while a function calls another scheduler", func(w *world) {
		m, n := w.scheduler("s", Options{}), w.scheduler("other", Options{})
		b := n.task("b", nil)
		w.calls(m.task("a", func(p *proc, t *exTask) { _ = p.callFrom(t, b) }), m.task("c", nil))
		w.abandons(m)
	}},
	{"abandon of both while a function calls another scheduler", func(w *world) {
		m, n := w.scheduler("s", Options{}), w.scheduler("other", Options{})
		b := n.task("b", nil)
		w.calls(m.task("a", func(p *proc, t *exTask) { _ = p.callFrom(t, b) }))
		w.spawn("grace", func(p *proc) {
			p.abandonLate(n)
			p.abandonLate(m)
		})
	}},
	{"a function without re-entrance calls another scheduler", func(w *world) {
		m, n := w.scheduler("s", Options{NonReentrant: true}), w.scheduler("other", Options{})
		b := n.task("b", nil)
		w.calls(m.task("a", func(p *proc, t *exTask) { _ = p.callFrom(t, b) }), m.task("c", nil))
		w.abandons(m)
	}},
	{"a function that is called in place ends the goroutine", func(w *world) {
		m, n := w.scheduler("s", Options{}), w.scheduler("other", Options{})
		b := n.task("b", exits)
		w.calls(m.task("a", func(p *proc, t *exTask) { _ = p.callFrom(t, b) }), m.task("c", nil))
		w.calls(n.task("d", nil))
	}},
	{"a limit of suspended tasks, and a call in place", func(w *world) {
		m := w.scheduler("s", Options{MaxSuspended: 1})
		x, b := m.promise("x"), m.task("b", nil)
		w.calls(m.task("c", waitsFor(x)), m.task("a", func(p *proc, t *exTask) { _ = p.callFrom(t, b) }))
		w.completes(x)
	}},

	{"a call in place after the loan of a goroutine", func(w *world) {
		m := w.unstarted("s", Options{})
		x := m.promise("x")
		a := m.task("a", waitsFor(x))
		w.calls(m.task("b", nil))
		w.spawn("run", func(p *proc) {
			p.runHere(m)
			p.callInPlace(a)
		})
		w.spawn("end", func(p *proc) {
			p.step("end the loan")
			m.lentEnd = true
			p.complete(x)
		})
	}},
	{"a call in place pauses and goes on", func(w *world) {
		m := w.scheduler("s", Options{})
		a := m.task("a", func(p *proc, _ *exTask) {
			p.pause(m, true)
			p.pause(m, false)
		})
		w.spawn("call", func(p *proc) { p.callInPlace(a) })
		w.calls(m.task("b", nil))
	}},
	{"what a function has left behind waits", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		a := m.task("a", waitsFor(x))
		w.calls(a, m.task("b", nil))
		w.completes(x)
		w.spawn("left behind", func(p *proc) {
			for i := range 2 { // i says which state it is
				p.await(func() bool { return m.Current() != &a.task }, "wait without the turn of", a, i)
				_, err := m.state.beginWait(&a.task, &waitState{}, future.Wait{}, false)
				_, err2 := m.state.beginYield(&a.task, &waitState{})
				err3 := m.state.beginLend(&a.task, &waitState{}, future.Wait{})
				if err != errNotCurrent || err2 != errNotCurrent || err3 != errNotCurrent { //nolint:errorlint // Never wrapped.
					w.failf("a wait without the turn returns %v, %v, %v", err, err2, err3)
				}
			}
		})
	}},
	{"what a function has left behind waits while that waits, too", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		a := m.task("a", waitsSyncFor(x))
		w.calls(a)
		w.spawn("left behind", func(p *proc) {
			p.await(func() bool { return a.task.state == blocking }, "wait without the turn of", a)
			_, err := m.state.beginWait(&a.task, &waitState{}, future.Wait{}, true)
			_, err2 := m.state.beginYield(&a.task, &waitState{})
			err3 := m.state.beginLend(&a.task, &waitState{}, future.Wait{})
			if err != errNotCurrent || err2 != errNotCurrent || err3 != errNotCurrent { //nolint:errorlint // Never wrapped.
				w.failf("a second wait returns %v, %v, %v", err, err2, err3)
			}
			p.complete(x)
		})
	}},

	{"another goroutine waits with the turn of a function that waits", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		a := m.task("a", waitsFor(x))
		w.calls(a)
		w.completes(x)
		w.spawn("another", func(p *proc) {
			p.await(func() bool { return a.task.state == parked || a.left && m.Current() != &a.task }, "wait with the turn of", a)
			_, err := m.state.beginWait(&a.task, &waitState{}, future.Wait{}, false)
			if err != errNotCurrent { //nolint:errorlint // Never wrapped.
				w.failf("a second wait returns %v", err)
			}
		})
	}},

	// Executors.
	{"a thread runs two tasks", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		w.calls(m.task("a", nil), m.task("b", nil))
	}},
	{"a task waits on a thread", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		b := m.task("b", nil)
		w.calls(m.task("a", waitsFor(b)), b)
	}},
	{"a task yields on a thread", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		w.calls(m.task("a", yields), m.task("b", nil))
	}},
	{"stop of a thread", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		w.calls(m.task("a", nil), m.task("b", nil))
		w.stops(m)
	}},
	{"stop of a thread while a task waits", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)))
		w.stops(m)
		w.completes(x)
	}},
	{"restart of a thread", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		w.calls(m.task("a", nil), m.task("b", nil))
		w.restarts(m)
	}},
	{"abandon on a thread", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", nil))
		w.abandons(m)
		w.completes(x)
	}},
	{"abandon on a thread that has returned from another task", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		w.calls(m.task("a", nil), m.task("b", nil))
		w.abandons(m)
	}},
	{"stop of a thread, and abandon what has not returned", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)))
		w.spawn("stop", func(p *proc) {
			p.beginStop(m)
			p.abandonLate(m)
			p.complete(x)
		})
	}},
	{"stop of a thread with handlers of user code", func(w *world) {
		m := w.scheduler("s", Options{Anchored: true})
		w.onThread(m)
		w.calls(m.task("a", nil))
		w.controls(m, nil)
		w.stops(m)
	}},
	{"restart of a thread with handlers of user code", func(w *world) {
		m := w.scheduler("s", Options{Anchored: true})
		w.onThread(m)
		w.calls(m.task("a", yields))
		w.posts(m, nil)
		w.restarts(m)
	}},
	{"control messages of a thread run elsewhere", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		w.calls(m.task("a", nil))
		w.posts(m, nil)
		w.controls(m, nil)
	}},
	{"a function ends the goroutine of a thread", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		w.calls(m.task("a", exits), m.task("b", nil))
	}},
	{"an alternate task gets a thread", func(w *world) {
		m := w.scheduler("s", Options{})
		b := m.task("b", nil)
		b.task.Alternate = true
		w.calls(m.task("a", nil), b, m.task("c", nil))
		w.stops(m)
	}},
	{"an alternate task waits on its thread", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		b := m.task("b", waitsFor(x))
		b.task.Alternate = true
		w.calls(b, m.task("c", nil))
		w.completes(x)
	}},
	{"abandon of an alternate task, and another one follows", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		b, c := m.task("b", waitsFor(x)), m.task("c", nil)
		b.task.Alternate, c.task.Alternate = true, true
		w.spawn("main", func(p *proc) {
			p.call(b)
			p.abandonLate(m)
			p.call(c)
			p.complete(x)
		})
	}},
	{"abandon on a main and an alternate thread", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onHost(m)
		x := m.promise("x")
		a, b := m.task("a", waitsFor(x)), m.task("b", waitsFor(x))
		b.task.Alternate = true
		w.calls(a, b)
		w.spawn("stop", func(p *proc) {
			p.beginStop(m)
			p.abandonLate(m)
			p.complete(x)
		})
	}},
	{"abandon of an alternate task", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		b, c := m.task("b", waitsFor(x)), m.task("c", nil)
		b.task.Alternate, c.task.Alternate = true, true
		w.calls(b, c)
		w.abandons(m)
		w.completes(x)
	}},
	{"an alternate task of a thread runs on a goroutine", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		b := m.task("b", nil)
		b.task.Alternate = true
		w.calls(m.task("a", nil), b)
		w.stops(m)
	}},
	{"a host runs two tasks", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onHost(m)
		w.calls(m.task("a", nil), m.task("b", nil))
	}},
	{"a host has other things to do", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onHost(m)
		tasks := make([]*exTask, 0, hostBatch+2)
		for i := range hostBatch + 2 {
			tasks = append(tasks, m.task(fmt.Sprint("t", i), nil))
		}
		m.state.notStarted = true
		w.spawn("calls", func(p *proc) {
			for _, t := range tasks {
				p.call(t)
			}
			p.ungate(m)
			p.beginStop(m)
		})
	}},
	{"a host has other things to do after a stop", func(w *world) {
		m := w.unstarted("s", Options{Anchored: true})
		w.onHost(m)
		tasks := make([]*exTask, 0, hostBatch+2)
		for i := range hostBatch + 2 {
			tasks = append(tasks, m.task(fmt.Sprint("t", i), nil))
		}
		tasks[hostBatch-2].fn = func(p *proc, _ *exTask) { p.beginStop(m) }
		w.spawn("calls", func(p *proc) {
			for _, t := range tasks {
				p.call(t)
			}
			p.ungate(m)
		})
	}},
	{"abandon on a thread while a batch is handled", func(w *world) {
		m := w.unstarted("s", Options{})
		w.onThread(m)
		x := m.promise("x")
		a := m.task("a", waitsFor(x))
		b, c, d := m.task("b", nil), m.task("c", nil), m.task("d", nil)
		b.fn = func(p *proc, _ *exTask) {
			p.abandonLate(m)
			p.complete(x)
		}
		w.spawn("calls", func(p *proc) {
			for _, t := range []*exTask{a, b, c, d} {
				p.call(t)
			}
			p.ungate(m)
		})
	}},
	{"abandon of a parked task on a thread while a batch is handled", func(w *world) {
		m := w.unstarted("s", Options{})
		w.onThread(m)
		x := m.promise("x")
		a := m.task("a", waitsFor(x))
		b, c, d := m.task("b", nil), m.task("c", nil), m.task("d", nil)
		b.fn = func(p *proc, _ *exTask) { p.abandon(m, []*exTask{a}) }
		w.spawn("calls", func(p *proc) {
			for _, t := range []*exTask{a, b, c, d} {
				p.call(t)
			}
			p.ungate(m)
			p.complete(x)
		})
	}},
	{"abandon replaces a thread that is about to run the loop", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		x := m.promise("x")
		a, b := m.task("a", waitsFor(x)), m.task("b", nil)
		w.spawn("main", func(p *proc) {
			p.call(a)
			p.await(func() bool { return a.task.state == parked && m.role == nobody }, "wait for it to wait")
			p.call(b)
			p.complete(x)
		})
		w.spawn("grace", func(p *proc) {
			p.await(func() bool { return m.role == starting && a.task.state == parked || a.left }, "the loop is about to begin")
			p.abandon(m, []*exTask{a})
		})
	}},
	{"abandon replaces an alternate thread that is about to run the loop", func(w *world) {
		m := w.scheduler("s", Options{})
		x := m.promise("x")
		a, b := m.task("a", waitsFor(x)), m.task("b", nil)
		a.task.Alternate, b.task.Alternate = true, true
		w.spawn("main", func(p *proc) {
			p.call(a)
			p.await(func() bool { return a.task.state == parked && m.role == nobody }, "wait for it to wait")
			p.call(b)
			p.complete(x)
		})
		w.spawn("grace", func(p *proc) {
			p.await(func() bool { return m.state.starting != nil && a.task.state == parked || a.left }, "the loop is about to begin")
			p.abandon(m, []*exTask{a})
		})
	}},
	{"abandon twice on a thread", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		x := m.promise("x")
		a := m.task("a", waitsFor(x))
		w.spawn("main", func(p *proc) {
			p.call(a)
			p.await(func() bool { return a.task.state == parked }, "wait for it to wait")
			p.abandon(m, []*exTask{a})
			p.abandon(m, []*exTask{a})
			p.complete(x)
		})
	}},
	{"stop, and abandon on a thread with handlers of user code", func(w *world) {
		m := w.scheduler("s", Options{Anchored: true})
		w.onThread(m)
		x := m.promise("x")
		w.calls(m.task("a", waitsWhatever(x)))
		w.spawn("stop", func(p *proc) {
			p.beginStop(m)
			p.abandonLate(m)
			p.complete(x)
		})
	}},
	{"two schedulers on one host, and a wait that keeps the turn", func(w *world) {
		m, n := w.scheduler("s", Options{}), w.scheduler("other", Options{})
		w.onHost(m)
		w.onHost(n)
		x := m.promise("x")
		w.calls(m.task("a", waitsSyncFor(x)))
		w.calls(n.task("b", nil))
		w.completes(x)
	}},
	{"a task is abandoned when the loop is about to begin on its thread, after a stop", func(w *world) {
		m := w.scheduler("s", Options{Anchored: true})
		w.onThread(m)
		x := m.promise("x")
		a := m.task("a", waitsWhatever(x))
		w.spawn("stop", func(p *proc) {
			p.call(a)
			p.await(func() bool { return a.task.state == parked && m.role == nobody }, "wait for it to wait")
			p.beginStop(m)
			p.complete(x)
		})
		w.spawn("grace", func(p *proc) {
			p.await(func() bool { return m.closedIntake && m.state.starting != nil || m.finished }, "the loop is about to begin")
			p.abandon(m, []*exTask{a})
		})
	}},
	{"a wait on a thread that keeps the turn is resumed twice", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		x := m.promise("x")
		a := m.task("a", waitsSyncFor(x))
		w.calls(a)
		w.spawn("timer", func(p *proc) {
			p.complete(x)
			p.resume(a)
			p.resume(a)
		})
	}},
	{"a host ends while a task waits and another is queued", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onHost(m)
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", nil))
		w.endsHost(m)
		w.completes(x)
	}},
	{"a host ends before the first task", func(w *world) {
		m := w.scheduler("s", Options{Anchored: true})
		w.onHost(m)
		w.calls(m.task("a", nil))
		w.endsHost(m)
	}},
	{"stop of a host", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onHost(m)
		w.calls(m.task("a", yields), m.task("b", nil))
		w.stops(m)
	}},
	{"abandon on a host", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onHost(m)
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", nil))
		w.abandons(m)
		w.completes(x)
	}},
	{"a goroutine is lent for the loop", func(w *world) {
		m := w.unstarted("s", Options{})
		b := m.task("b", nil)
		w.calls(m.task("a", waitsFor(b)), b)
		w.spawn("run", func(p *proc) { p.runHere(m) })
	}},
	{"the loan of a goroutine ends", func(w *world) {
		m := w.unstarted("s", Options{})
		w.calls(m.task("a", nil), m.task("b", nil))
		w.spawn("run", func(p *proc) { p.runHere(m) })
		w.spawn("end", func(p *proc) {
			p.step("end the loan")
			m.lentEnd = true
		})
	}},
	{"a lent goroutine waits twice", func(w *world) {
		m := w.unstarted("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", waitsFor(x)))
		w.spawn("run", func(p *proc) { p.runHere(m) })
		w.completes(x)
	}},
	{"abandon on a lent goroutine", func(w *world) {
		m := w.unstarted("s", Options{})
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", nil))
		w.spawn("run", func(p *proc) { p.runHere(m) })
		w.abandons(m)
		w.completes(x)
	}},
	{"a lent thread runs two tasks", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onLentThread(m)
		w.calls(m.task("a", yields), m.task("b", nil))
	}},
	{"a function ends a lent thread, and another one waits there", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onLentThread(m)
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", exits))
		w.completes(x)
	}},
	{"a function ends its thread, and another one waits there", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onThread(m)
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", exits))
		w.completes(x)
	}},
	{"a function ends the goroutine of a host, and another one waits there", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onHost(m)
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", exits))
		w.completes(x)
	}},
	{"a function ends the goroutine of a host, which ends", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onHost(m)
		w.calls(m.task("a", exits), m.task("b", nil))
		w.endsHost(m)
	}},
	{"stop and abandon on a lent thread", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onLentThread(m)
		x := m.promise("x")
		w.calls(m.task("a", waitsFor(x)), m.task("b", nil))
		w.stops(m)
		w.abandons(m)
		w.completes(x)
	}},
	{"restart and abandon on a lent thread", func(w *world) {
		m := w.scheduler("s", Options{})
		w.onLentThread(m)
		x := m.promise("x")
		w.calls(m.task("a", waitsWhatever(x)), m.task("b", nil))
		w.restarts(m)
		w.abandons(m)
		w.completes(x)
	}},
	{"stop on a lent goroutine", func(w *world) {
		m := w.unstarted("s", Options{})
		w.calls(m.task("a", yields), m.task("b", nil))
		w.spawn("run", func(p *proc) { p.runHere(m) })
		w.stops(m)
	}},
}

// circles are scripts with circles of waits. Each of them is explored twice: with a look for
// circles on the turn, and with what is left to the search.
var circles = []script{
	{"two tasks wait for each other", func(w *world) {
		m := w.scheduler("s", Options{})
		a := m.task("a", nil)
		b := m.task("b", waitsFor(a))
		a.fn = waitsFor(b)
		w.calls(a, b)
	}},
	{"two tasks of two schedulers wait for each other", func(w *world) {
		m, n := w.scheduler("s", Options{}), w.scheduler("other", Options{})
		a := m.task("a", nil)
		b := n.task("b", waitsFor(a))
		a.fn = waitsFor(b)
		w.calls(a)
		w.calls(b)
	}},
	{"a wait that keeps the turn waits for what needs it", func(w *world) {
		m := w.scheduler("s", Options{})
		b := m.task("b", nil)
		w.calls(m.task("a", waitsSyncFor(b)), b)
	}},
	{"a wait that keeps the turn, round two schedulers", func(w *world) {
		m, n := w.scheduler("s", Options{}), w.scheduler("other", Options{})
		c := m.task("c", nil)
		b := n.task("b", waitsFor(c))
		w.calls(m.task("a", waitsSyncFor(b)), c)
		w.calls(b)
	}},
	{"a task waits for itself", func(w *world) {
		m := w.scheduler("s", Options{})
		a := m.task("a", nil)
		a.fn = waitsFor(a)
		w.calls(a, m.task("b", nil))
	}},
	{"stop of a circle", func(w *world) {
		m := w.scheduler("s", Options{})
		a := m.task("a", nil)
		b := m.task("b", waitsFor(a))
		a.fn = waitsFor(b)
		w.calls(a, b)
		w.stops(m)
	}},
	{"three tasks of three schedulers wait for each other", func(w *world) {
		m, n, o := w.scheduler("s", Options{}), w.scheduler("other", Options{}), w.scheduler("third", Options{})
		a := m.task("a", nil)
		c := o.task("c", waitsFor(a))
		b := n.task("b", waitsFor(c))
		a.fn = waitsFor(b)
		w.calls(a)
		w.calls(b)
		w.calls(c)
	}},
	{"two tasks wait for each other, one of which is cancelled", func(w *world) {
		m := w.scheduler("s", Options{})
		a := m.task("a", nil)
		b := m.task("b", waitsFor(a))
		a.fn = waitsFor(b)
		w.calls(a, b)
		w.spawn("cancels", func(p *proc) { p.cancel(a) })
	}},
	{"a task waits for a promise, and another one for the task", func(w *world) {
		m, n := w.scheduler("s", Options{}), w.scheduler("other", Options{})
		x := m.promise("x")
		a := m.task("a", waitsFor(x))
		w.calls(a)
		w.calls(n.task("b", waitsFor(a)))
		w.completes(x)
	}},
	{"two tasks wait for each other, and the waits are looked at again", func(w *world) {
		m, n := w.scheduler("s", Options{}), w.scheduler("other", Options{})
		a := m.task("a", nil)
		b := n.task("b", waitsFor(a))
		a.fn = waitsFor(b)
		w.calls(a)
		w.calls(b)
		w.spawn("rechecks", func(p *proc) { p.recheck(m) })
	}},
	{"a circle, and the restart of one of its schedulers", func(w *world) {
		m, n := w.scheduler("s", Options{}), w.scheduler("other", Options{})
		a := m.task("a", nil)
		b := n.task("b", waitsFor(a))
		a.fn = waitsFor(b)
		w.calls(a)
		w.calls(b)
		w.restarts(m)
	}},
}

func init() {
	for _, s := range circles {
		scripts = append(scripts, script{s.name, func(w *world) {
			w.graph = true
			s.build(w)
			w.spawn("search", (*proc).search)
		}}, script{s.name + ", for the search", func(w *world) {
			w.graph, w.searches = true, true
			s.build(w)
			w.spawn("search", (*proc).search)
		}})
	}
}

// operation is one thing that happens to a scheduler, by a goroutine of its own.
type operation struct {
	name string
	do   func(w *world, m *model)
}

var operations = []operation{
	{"a call", func(w *world, m *model) { w.calls(m.task("call", nil)) }},
	{"an item ahead", func(w *world, m *model) {
		t := m.task("ahead", nil)
		w.spawn("ahead", func(p *proc) { p.callAhead(t) })
	}},
	{"an urgent call", func(w *world, m *model) { w.urgent(m.task("urgent", nil)) }},
	{"a hook", func(w *world, m *model) {
		if !w.hooked {
			w.hooked = true
			w.hook(m.hookTask("hook", yields))
		}
	}},
	{"a wait", func(w *world, m *model) {
		x := m.promise("x")
		w.calls(m.task("waits", waitsFor(x)))
		w.completes(x)
	}},
	{"a wait that keeps the turn", func(w *world, m *model) {
		x := m.promise("x")
		w.calls(m.task("waits", waitsSyncFor(x)))
		w.completes(x)
	}},
	{"a yield", func(w *world, m *model) { w.calls(m.task("yields", yields)) }},
	{"a cancel", func(w *world, m *model) {
		t := m.task("cancelled", yields)
		w.spawn("cancel", func(p *proc) {
			p.call(t)
			p.cancel(t)
		})
	}},
	{"a control message", func(w *world, m *model) { w.controls(m, nil) }},
	{"a message", func(w *world, m *model) { w.posts(m, nil) }},
	{"a pause", func(w *world, m *model) { w.pauses(m) }},
	{"a hold", func(w *world, m *model) {
		w.spawn("child", func(p *proc) {
			p.hold(m, 1)
			p.submitControl(m, w.control("register", func(p *proc) { p.hold(m, -1) }), DecisionUnchanged)
		})
	}},
	{"a Goexit", func(w *world, m *model) { w.calls(m.task("exits", exits)) }},
	{"a panic", func(w *world, m *model) {
		m.restarts = true
		w.calls(m.task("panics", panics))
	}},
	{"a call in place", func(w *world, m *model) {
		t := m.task("in place", nil)
		w.spawn("call", func(p *proc) { p.callInPlace(t) })
	}},
	{"a call in place by a function", func(w *world, m *model) {
		t := m.task("in place", nil)
		w.calls(m.task("lends", func(p *proc, of *exTask) { _ = p.callFrom(of, t) }))
	}},
	{"a source", func(w *world, m *model) { w.submits(m, w.source(m.task("of a source", nil)), 2) }},
	{"items of a queue", func(w *world, m *model) {
		w.puts(w.queue(m), m.task("an item", nil), m.task("the next item", nil))
	}},
	{"a drain", func(w *world, m *model) { w.drains(m) }},
	{"a stop", func(w *world, m *model) { w.stops(m) }},
	{"a restart", func(w *world, m *model) { w.restarts(m) }},
	{"an abandon", func(w *world, m *model) { w.abandons(m) }},
}

// ends is how many of the operations, the last ones, make a triple with any two.
const ends = 3

// backends are where the scheduler of a pair or a triple runs.
var backends = []struct {
	name string
	set  func(w *world, m *model)
}{
	{"goroutines", func(*world, *model) {}},
	{"a thread", func(w *world, m *model) { w.onThread(m) }},
	{"a host", func(w *world, m *model) { w.onHost(m) }},
	{"a lent thread", func(w *world, m *model) { w.onLentThread(m) }},
}

// together is a script of operations that happen at the same time.
func together(backend int, of ...operation) script {
	names := make([]string, len(of))
	for i, o := range of {
		names[i] = o.name
	}
	on := backends[backend]
	return script{strings.Join(names, " and ") + ", on " + on.name, func(w *world) {
		m := w.scheduler("s", Options{})
		on.set(w, m)
		for _, o := range of {
			o.do(w, m)
		}
	}}
}

// pairs are all pairs of operations.
func pairs(backend int) (of []script) {
	for i, a := range operations {
		for _, b := range operations[i:] {
			of = append(of, together(backend, a, b))
		}
	}
	return of
}

// triples are all pairs of operations with a stop, a restart or an abandon.
func triples(backend int) (of []script) {
	for i, a := range operations {
		for j, b := range operations[i:] {
			for _, c := range operations[max(i+j, len(operations)-ends):] {
				of = append(of, together(backend, a, b, c))
			}
		}
	}
	return of
}
