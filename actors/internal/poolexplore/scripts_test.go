//go:build explored

package poolexplore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/internal/explore"
	"github.com/seed-7fcaac1b/protocaller/internal/explore/mutate"
	"github.com/seed-7fcaac1b/protocaller/internal/explore/sim"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

func TestScripts(t *testing.T) {
	explore.Run(t, explored(scripts), explore.Effort{States: 4000, Schedules: 150})
}

func TestPairs(t *testing.T) {
	explore.RunAll(t, explored(pairs()), explore.Effort{States: 200, Schedules: 10})
}

func TestTriples(t *testing.T) {
	explore.RunAll(t, explored(triples()), explore.Effort{Schedules: 4})
}

func TestReplayed(t *testing.T) { explore.RunReplay(t, explored(allScripts())) }

func allScripts() []script {
	return append(append(append([]script{}, scripts...), pairs()...), triples()...)
}

// in makes a script in a pool.
func in(s setting, name string, build func(w *exWorld)) script {
	return script{name, func(w *exWorld) { build(s.world(w.World)) }}
}

var (
	one      = setting{workers: 1, idle: 1}
	oneBusy  = setting{workers: 1}
	two      = setting{workers: 2, idle: 1}
	restarts = setting{workers: 1, idle: 1, policy: supervision.ActionRestart}
	stops    = setting{workers: 1, idle: 1, policy: supervision.ActionStop}
	decides  = setting{workers: 1, idle: 1, policy: supervision.ActionEscalate}
	expires  = setting{workers: 2, idle: 2, timeout: 1}
	refuses  = setting{workers: 1, idle: 1, queued: 1}
)

func (w *exWorld) makes(fn func(c *exCall) error) { w.Go("calls", func() { w.call(fn) }) }

var scripts = []script{
	in(one, "a call", func(w *exWorld) { w.makes(returns) }),
	in(one, "a call after a call", func(w *exWorld) {
		w.Go("calls", func() {
			w.call(returns)
			w.call(returns)
		})
	}),
	in(one, "two calls for one worker", func(w *exWorld) {
		w.makes(returns)
		w.makes(returns)
	}),
	in(two, "three calls for two workers", func(w *exWorld) {
		w.makes(returns)
		w.makes(returns)
		w.makes(returns)
	}),
	in(oneBusy, "two calls, and no worker may be idle", func(w *exWorld) {
		w.makes(returns)
		w.makes(returns)
	}),
	in(refuses, "three calls, and one may wait", func(w *exWorld) {
		for range 3 {
			w.Go("calls", func() {
				if c := w.call(returns); c.IsDone() && errors.Is(c.Err(), ErrOverloaded) && len(w.calls) < 3 {
					w.Failf("a call is refused, and none can have waited")
				}
			})
		}
	}),
	in(one, "a call waits, and is cancelled", func(w *exWorld) {
		w.makes(returns)
		w.Go("calls and cancels", func() { w.cancels(returns) })
	}),
	in(one, "a running call is cancelled", func(w *exWorld) {
		w.Go("calls and cancels", func() { w.cancels(w.waits(func() bool { return false })) })
		w.makes(returns)
	}),
	in(one, "the pool closes, and a call", func(w *exWorld) {
		w.makes(returns)
		w.Go("stops", func() { w.boss.stop(nil) })
	}),
	in(one, "the pool closes, and two calls", func(w *exWorld) {
		w.makes(returns)
		w.makes(returns)
		w.Go("stops", func() { w.boss.stop(nil) })
	}),
	in(one, "a worker is stopped, and two calls", func(w *exWorld) {
		w.makes(returns)
		w.makes(returns)
		w.stopsWorker()
	}),
	in(two, "a worker is stopped, and two calls for two workers", func(w *exWorld) {
		w.makes(returns)
		w.makes(returns)
		w.stopsWorker()
	}),
	in(one, "a worker is stopped while its function waits, and another call", func(w *exWorld) {
		w.makes(w.waits(func() bool { return w.flags[0] }))
		w.makes(returns)
		w.stopsWorker()
		w.sets(0)
	}),
	in(one, "a function lends its worker, and another call", func(w *exWorld) {
		w.makes(w.lends(func() bool { return w.flags[0] }))
		w.makes(returns)
		w.sets(0)
	}),
	in(one, "a function lends its worker to one that waits, and another call", func(w *exWorld) {
		w.makes(w.lends(func() bool { return w.flags[0] }))
		w.makes(w.waits(func() bool { return w.flags[0] }))
		w.makes(returns)
		w.sets(0)
	}),
	in(two, "two functions lend their workers, and another call", func(w *exWorld) {
		w.makes(w.lends(func() bool { return w.flags[0] }))
		w.makes(w.lends(func() bool { return w.flags[0] }))
		w.makes(returns)
		w.sets(0)
	}),
	in(one, "a worker is stopped whose function is away, and another call", func(w *exWorld) {
		w.makes(w.lends(func() bool { return w.flags[0] }))
		w.makes(returns)
		w.stopsWorker()
		w.sets(0)
	}),
	in(one, "a worker is stopped whose function does not listen, and another call", func(w *exWorld) {
		w.makes(w.holdsOut(func() bool { return w.flags[0] }))
		w.makes(returns)
		w.stopsWorker()
		w.sets(0)
	}),
	in(restarts, "a function panics, the worker restarts, and another call", func(w *exWorld) {
		w.makes(panics)
		w.makes(returns)
	}),
	in(stops, "a function panics, the worker stops, and another call", func(w *exWorld) {
		w.makes(panics)
		w.makes(returns)
	}),
	in(decides, "a function panics, the owner decides, and another call", func(w *exWorld) {
		w.makes(panics)
		w.makes(returns)
	}),
	in(one, "a function panics, which changes nothing, and another call", func(w *exWorld) {
		w.makes(panics)
		w.makes(returns)
	}),
	in(restarts, "somebody else's function panics on a worker with a job", func(w *exWorld) {
		w.makes(returns)
		w.makes(returns)
		w.panicsOnWorker()
	}),
	in(setting{workers: 2, idle: 2, policy: supervision.ActionRestart}, "somebody else's function panics on one of two workers", func(w *exWorld) {
		w.makes(returns)
		w.makes(returns)
		w.panicsOnWorker()
	}),
	in(decides, "somebody else's function panics on a worker whose function waits", func(w *exWorld) {
		w.makes(w.waits(func() bool { return w.flags[0] }))
		w.makes(returns)
		w.panicsOnWorker()
		w.sets(0)
	}),
	in(restarts, "somebody else's function restarts a worker whose function does not listen", func(w *exWorld) {
		w.makes(w.waits(func() bool { return w.flags[0] }))
		w.makes(returns)
		w.panicsOnWorker()
		w.stopsWorker()
		w.sets(0)
	}),
	in(restarts, "a worker is stopped while it restarts, and another call", func(w *exWorld) {
		w.makes(panics)
		w.makes(returns)
		w.Go("stops a worker", func() {
			w.await(func() bool {
				return len(w.boss.children) > 0 && w.boss.children[0].now() != StateRunning || w.isQuiet()
			}, "wait for a restart")
			w.boss.children[0].stop(nil)
		})
	}),
	in(one, "a spawn fails, and another call", func(w *exWorld) {
		w.failingSpawn = 1
		w.makes(returns)
		w.makes(returns)
	}),
	in(one, "a spawn fails, and the pool closes", func(w *exWorld) {
		w.failingSpawn = 1
		w.makes(returns)
		w.makes(returns)
		w.Go("stops", func() { w.boss.stop(nil) })
	}),
	in(expires, "workers are idle for too long, and another call", func(w *exWorld) {
		w.makes(returns)
		w.makes(returns)
	}),
	in(expires, "workers are idle for too long, and the pool closes", func(w *exWorld) {
		w.makes(returns)
		w.Go("stops", func() { w.boss.stop(nil) })
	}),
	in(one, "a delayed call comes, and another one", func(w *exWorld) {
		w.comes(returns)
		w.makes(returns)
	}),
	in(one, "a delayed call comes, and the pool closes", func(w *exWorld) {
		w.comes(returns)
		w.Go("stops", func() { w.boss.stop(nil) })
	}),
	in(one, "a call while the owner drains", func(w *exWorld) {
		w.Go("drains", func() {
			sim.Step("drain")
			w.Note()
			w.boss.draining = true
		})
		w.Go("calls", func() {
			sim.Step("call")
			w.call(returns)
		})
	}),
	in(one, "a callback makes a call", func(w *exWorld) {
		w.Go("calls", func() {
			c := w.call(returns)
			c.OnDone(func(pending.Handle) { w.call(returns) })
		})
		w.makes(returns)
	}),
	in(one, "a function makes a call", func(w *exWorld) {
		w.makes(func(*exCall) error {
			w.call(returns)
			return nil
		})
	}),
	in(one, "a function stops its worker, and another call", func(w *exWorld) {
		w.makes(func(c *exCall) error {
			c.task.sched.c.stop(nil)
			return nil
		})
		w.makes(returns)
	}),
	in(one, "somebody waits until no call waits for a worker", func(w *exWorld) {
		w.makes(returns)
		w.makes(returns)
		w.waitsIdle()
	}),
	in(one, "somebody waits until no call waits, and one is cancelled", func(w *exWorld) {
		w.makes(returns)
		w.Go("calls and cancels", func() { w.cancels(returns) })
		w.waitsIdle()
	}),
	in(stops, "somebody waits until no call waits, and a worker stops", func(w *exWorld) {
		w.makes(panics)
		w.makes(returns)
		w.waitsIdle()
	}),
	in(two, "a search looks at what the calls need", func(w *exWorld) {
		w.makes(w.waits(func() bool { return w.flags[0] }))
		w.makes(returns)
		w.makes(returns)
		w.looks()
		w.sets(0)
	}),
	in(decides, "a search looks at what the calls need while the owner decides", func(w *exWorld) {
		w.makes(panics)
		w.makes(returns)
		w.looks()
	}),
}

// The scripts that need more words.
func init() {
	scripts = append(scripts,
		in(refuses, "two calls, and one may wait", func(w *exWorld) {
			for range 2 {
				w.Go("calls", func() {
					if c := w.call(returns); c.IsDone() && errors.Is(c.Err(), ErrOverloaded) {
						w.Failf("a call is refused, and there is room")
					}
				})
			}
		}),
		in(setting{workers: 2, idle: 2, policy: supervision.ActionRestart}, "a worker with a job restarts for long, and there is another one", func(w *exWorld) {
			w.backoffEnds = w.isQuiet
			w.makes(returns)
			w.makes(returns)
			w.panicsOnWorker()
		}),
		in(one, "a function hangs on a worker that is stopped, and another call", func(w *exWorld) {
			w.makes(w.hangs)
			w.makes(returns)
			w.Go("stops the worker", func() { w.runningWorker(0).stop(nil) })
		}),
		in(restarts, "a function hangs on a worker that restarts, and another call", func(w *exWorld) {
			w.makes(func(c *exCall) error {
				w.Current().Service = true
				c.task.sched.park(c.task, func() bool { return false })
				return w.hangs(c)
			})
			w.makes(returns)
			w.Go("panics on the worker", func() { w.runningWorker(0).panics() })
		}),
		in(setting{workers: 2, idle: 2}, "one of two idle workers is stopped", func(w *exWorld) {
			w.makes(returns)
			w.makes(returns)
			w.Go("stops a worker", func() {
				w.await(func() bool { return w.pool().idle.Len() == 2 || w.isQuiet() }, "wait for idle workers")
				w.boss.children[0].stop(nil)
			})
		}),
		in(setting{workers: 2, idle: 2, policy: supervision.ActionRestart}, "a worker restarts for long before it has its job", func(w *exWorld) {
			w.backoffEnds = w.isQuiet
			w.makes(returns)
			w.panicsOnWorker()
		}),
		in(one, "a function is back while its worker has another job, which ends first", func(w *exWorld) {
			w.Go("calls", func() {
				w.call(func(c *exCall) error {
					_ = w.lends(func() bool { return len(w.calls) == 2 && w.calls[1].running })(c)
					c.task.sched.park(c.task, w.calls[1].IsDone)
					return nil
				})
				w.call(w.waits(func() bool { return len(w.boss.children[0].worker.back) > 0 }))
			})
		}),
		in(one, "a worker is about to stop, what blocks that ends with the next call", func(w *exWorld) {
			w.isPatient = true
			w.Go("calls", func() {
				w.call(returns)
				w.await(func() bool { return w.pool().idle.Len() == 1 }, "wait for an idle worker")
				c := w.boss.children[0]
				hold := false
				c.calls(func() error {
					w.await(func() bool { return hold }, "hold out")
					return nil
				})
				t := newCall(context.Background(), nil, &c.sched, func(context.Context) (int, error) { return 1, nil })
				_ = c.sched.Submit(&t.task, 0)
				t.OnDone(func(pending.Handle) {
					w.await(func() bool { return len(w.calls) == 2 && w.isQuiet() }, "block the stop")
					hold = true
				})
				w.Go("stops the worker", func() { c.stop(nil) })
				w.await(func() bool { return c.now() == StateStopping }, "wait for the stop")
				w.call(returns)
			})
		}),
		in(restarts, "an idle worker restarts, and two calls come one after the other", func(w *exWorld) {
			w.backoffEnds = func() bool { return len(w.calls) >= 2 }
			w.Go("calls", func() {
				w.call(returns)
				w.await(func() bool { return w.pool().idle.Len() == 1 }, "wait for an idle worker")
				c := w.boss.children[0]
				c.panics()
				w.await(func() bool { return c.now() == StateStarting }, "wait for the restart")
				w.call(returns)
				w.call(returns)
			})
		}),
		in(one, "a worker stops while somebody else's function holds out there, and a call", func(w *exWorld) {
			w.isPatient = true
			w.makes(returns)
			w.Go("holds out", func() {
				c := w.worker()
				if c == nil {
					return
				}
				c.calls(func() error {
					c.stop(nil)
					w.await(w.isQuiet, "hold out")
					return nil
				})
			})
			w.makes(returns)
		}),
		in(one, "a job ends on a worker that stops, where somebody else's function waits, and a call", func(w *exWorld) {
			w.isPatient = true
			w.makes(func(c *exCall) error {
				t := newCall(context.Background(), nil, c.task.sched, func(context.Context) (int, error) { return 1, nil })
				t.task.of = t
				c.task.sched.mu.Lock()
				c.task.sched.parked = append(c.task.sched.parked, &t.task)
				c.task.sched.mu.Unlock()
				s := c.task.sched
				w.Go("function that waits", func() {
					w.await(w.isQuiet, "wait")
					s.abandon([]*schedTask{&t.task})
				})
				c.task.sched.c.stop(nil)
				return nil
			})
			w.makes(returns)
		}),
		in(one, "somebody else's function ends on a worker with a job, and the pool has closed", func(w *exWorld) {
			w.isPatient = true
			w.makes(returns)
			w.Go("holds out", func() {
				if c := w.worker(); c != nil {
					c.calls(func() error {
						w.await(func() bool { return w.pool().closed }, "hold out")
						return nil
					})
				}
			})
			w.Go("stops", func() { w.boss.stop(nil) })
		}),
		in(restarts, "somebody waits until no call waits, and the idle worker restarts", func(w *exWorld) {
			w.backoffEnds = func() bool { return len(w.calls) == 2 }
			w.Go("calls", func() {
				w.call(returns)
				w.await(func() bool { return w.pool().idle.Len() == 1 }, "wait for an idle worker")
				c := w.boss.children[0]
				c.panics()
				w.await(func() bool { return c.now() == StateStarting }, "wait for the restart")
				w.call(returns)
			})
			w.Go("waits until a call waits", func() {
				w.await(func() bool { return w.pool().queue.Len() > 0 || len(w.calls) == 2 && w.isQuiet() }, "wait for a call")
				w.waitsIdle()
			})
		}),
	)
}

// stopsWorker stops a worker.
func (w *exWorld) stopsWorker() {
	w.Go("stops a worker", func() {
		if c := w.worker(); c != nil {
			c.stop(nil)
		}
	})
}

// panicsOnWorker is a call on a worker that the pool does not know, and that panics.
func (w *exWorld) panicsOnWorker() {
	w.Go("panics on a worker", func() { w.onWorker(func() error { panic(errPanic) }) })
}

// sets sets a flag of the script.
func (w *exWorld) sets(flag int) {
	w.Go("sets a flag", func() {
		sim.Step("set the flag")
		w.Note()
		w.flags[flag] = true
	})
}

// runningWorker returns the worker on which the function of a call runs. It waits for that.
func (w *exWorld) runningWorker(call int) *Caller {
	w.await(func() bool { return len(w.calls) > call && w.calls[call].running }, "wait until the function runs")
	return w.calls[call].task.sched.c
}

// comes is the time of a delayed call.
func (w *exWorld) comes(fn func(c *exCall) error) {
	w.Go("time of a call", func() {
		sim.Step("the time comes")
		w.Note()
		c := &exCall{name: fmt.Sprintf("call %d", len(w.calls)+1)}
		w.calls = append(w.calls, c)
		t := newCall(context.Background(), nil, &w.pool().unassigned, func(context.Context) (int, error) {
			w.Note()
			c.runs++
			return 1, fn(c)
		})
		t.task.Tag = tagPooled
		c.Pending, c.task = &t.Pending, &t.task
		if err := w.pool().submit(t); err != nil {
			t.Fail(err)
		}
	})
}

// waitsIdle waits until no call waits for a worker. It looks again whenever it is notified.
func (w *exWorld) waitsIdle() {
	w.Go("waits until the pool is idle", func() {
		for {
			before := w.boss.sched.idle
			if !w.pool().hasQueue() {
				for _, of := range w.pool().workers { // in the same step
					if of.isSpawning {
						w.Failf("a call waits for a worker that is being spawned, and is not counted")
					}
				}
				return
			}
			w.await(func() bool { return w.boss.sched.idle > before }, "wait until something ends")
		}
	})
}

// looks is a search for deadlocks that looks at the pool.
func (w *exWorld) looks() {
	w.Go("searches", func() {
		for range 2 {
			sim.Step("search")
			n := &future.Needs{}
			(*poolNode)(w.pool()).Needs(n)
			if !n.Any || !n.Live && len(n.Nodes) == 0 && w.pool().queue.Len() > 0 && w.policy != supervision.ActionEscalate {
				w.Failf("a call that waits for a worker needs nothing")
			}
		}
	})
}

// operation is one of those of which each pair and each triple makes a script.
type operation struct {
	name string
	do   func(w *exWorld)
}

var operations = []operation{
	{"a call", func(w *exWorld) { w.makes(returns) }},
	{"a call that panics", func(w *exWorld) { w.makes(panics) }},
	{"a call that waits", func(w *exWorld) {
		w.makes(w.waits(func() bool { return w.flags[0] }))
		w.sets(0)
	}},
	{"a call that does not listen", func(w *exWorld) {
		w.makes(w.holdsOut(func() bool { return w.flags[1] }))
		w.sets(1)
	}},
	{"a call that is cancelled", func(w *exWorld) {
		w.Go("calls and cancels", func() { w.cancels(returns) })
	}},
	{"a delayed call", func(w *exWorld) { w.comes(returns) }},
	{"a worker that is stopped", func(w *exWorld) { w.stopsWorker() }},
	{"a worker on which somebody else panics", func(w *exWorld) { w.panicsOnWorker() }},
	{"a spawn that fails", func(w *exWorld) { w.failingSpawn = 1 }},
	{"the end of the owner", func(w *exWorld) { w.Go("stops", func() { w.boss.stop(nil) }) }},
}

// together makes a script of a call, and of operations.
func together(s setting, ops ...operation) script {
	var names []string
	for _, op := range ops {
		names = append(names, op.name)
	}
	return in(s, fmt.Sprintf("%s, and a call (%v)", strings.Join(names, ", "), s), func(w *exWorld) {
		w.makes(returns)
		for _, op := range ops {
			op.do(w)
		}
	})
}

func pairs() (of []script) {
	for _, s := range settings {
		for i, a := range operations {
			for _, b := range operations[i:] {
				of = append(of, together(s, a, b))
			}
		}
	}
	return of
}

func triples() (of []script) {
	for _, s := range settings {
		for i, a := range operations {
			for j, b := range operations[i:] {
				for _, c := range operations[i+j:] {
					of = append(of, together(s, a, b, c))
				}
			}
		}
	}
	return of
}

func TestMutant(t *testing.T) { mutate.Explore(t, explored(scripts), explored(allScripts())) }
