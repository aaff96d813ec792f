package session

import (
	"fmt"
	"slices"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/internal/explore"
)

// The sizes of arguments, results and items: in one piece, in a chunk, in two or more.
const (
	sizeInline = 3
	sizeLarge  = wire.InlineSize + 1
	sizeHuge   = wire.ChunkSize + 1
)

// user makes and cancels calls, one after the other.
func (w *world) user(do func(p *explore.Proc)) {
	w.connect()
	w.busy = true
	w.Spawn("user", nil, func(p *explore.Proc) {
		do(p)
		w.busy = false
	})
}

// faults happen at any time, each once, or not at all.
var faults = map[string]func(s *session){
	"":       nil,
	"reset":  func(s *session) { s.broken = true },
	"crash":  func(s *session) { s.kill() },
	"leave":  func(s *session) { s.leave() },
	"retire": func(s *session) { s.client.Retire(); s.retired = true },
}

// fault has something happen to the session of that moment.
func (w *world) fault(name string) {
	do := faults[name]
	if do == nil {
		return
	}
	w.Spawn(name, nil, func(p *explore.Proc) {
		p.Step(name)
		if s := w.last(); !s.clientOver && !s.serverOver {
			do(s)
		}
	})
}

func (s *session) leave() {
	s.leaves = s.greeted
	s.server.Leave()
	said := len(s.server.queue.control)
	s.server.Leave()
	s.check(len(s.server.queue.control) == said, "a node says once that it leaves")
}

// pointed are scripts that lead to what happens rarely.
func pointed() []script {
	all := append(timed(), refusals()...)
	for name, size := range map[string]int{"small": sizeInline, "large": sizeLarge} {
		for items := range uint64(3) {
			all = append(all, script{fmt.Sprintf("a cancellation that crosses %s answers, %d", name, items), func(w *world) {
				a := w.newJob(size, int(items), items) //nolint:gosec // It is small.
				w.user(func(p *explore.Proc) {
					w.call(p, a)
					p.Await(func() bool { return a.runs > 0 && (!a.running || a.sent > 0) }, "wait")
					w.cancel(p, a)
				})
			}})
		}
	}
	for _, refuses := range []bool{false, true} {
		all = append(all, script{fmt.Sprintf("a node of the oldest version calls, refused %v", refuses), func(w *world) {
			w.older, w.refuses = true, refuses
			a, b := w.newJob(sizeLarge, 0, 0), w.newJob(sizeInline, 2, 1)
			w.user(func(p *explore.Proc) { w.call(p, a); w.call(p, b) })
		}})
	}
	for _, refuses := range []bool{false, true} {
		all = append(all, script{fmt.Sprintf("a node of the oldest version is called, refuses %v", refuses), func(w *world) {
			w.behind, w.refuses = true, refuses
			w.checkVersions()
			a, b := w.newJob(sizeLarge, 0, 0), w.newJob(sizeInline, 2, 1)
			w.user(func(p *explore.Proc) { w.call(p, a); w.call(p, b) })
		}})
	}
	for _, old := range []string{"", ", which is of the oldest version", ", of another one of the oldest version"} {
		for name, size := range map[string]int{"small": sizeInline, "large": sizeLarge} {
			all = append(all, script{fmt.Sprintf("probes about a %s call%s", name, old), func(w *world) {
				w.older, w.behind = old == ", which is of the oldest version", old == ", of another one of the oldest version"
				a := w.newJob(size, 1, 1)
				w.user(func(p *explore.Proc) { w.call(p, a) })
				w.probe(a)
			}})
		}
	}
	all = append(all, script{"a node that leaves later", func(w *world) {
		a, b := w.newJob(sizeInline, 0, 0), w.newJob(sizeInline, 0, 0)
		w.user(func(p *explore.Proc) { w.call(p, a); w.call(p, b) })
		w.Spawn("leave", nil, func(p *explore.Proc) {
			s := w.last()
			p.Await(func() bool { return s.greeted }, "leave")
			s.leave()
		})
	}})
	return append(all, pointedHostiles()...)
}

// pointedHostiles are those in which a node sends frames that belong together.
func pointedHostiles() []script {
	var five, items, less []byte
	for number := range uint64(wire.MaxTransfers + 1) {
		five = wire.AppendRequest(five, 10+number, &wire.Request{Function: ghost, Argument: wire.Payload{Data: make([]byte, sizeLarge)}}, true)
		items = wire.AppendItem(items, 1+number, &wire.Payload{Data: make([]byte, sizeLarge)}, true)
	}
	announced := wire.AppendRequest(nil, 10, &wire.Request{Function: ghost, Argument: wire.Payload{Data: make([]byte, sizeLarge)}}, true)
	less = append(less, announced...)
	less = append(wire.AppendChunk(less, 10, sizeLarge+1), make([]byte, sizeLarge+1)...)
	item := wire.AppendItem(nil, 1, &wire.Payload{Data: make([]byte, sizeLarge)}, true)
	item = append(wire.AppendChunk(item, 1, sizeLarge+1), make([]byte, sizeLarge+1)...)
	hello := wire.AppendHello(nil, wire.KindHello, hello("a"))
	there, back := func(s *session) *lane { return &s.there }, func(s *session) *lane { return &s.back }
	return []script{
		{"five large requests", func(w *world) { w.hostile(there, [][]byte{five}, false) }},
		{"more than was announced of an argument", func(w *world) { w.hostile(there, [][]byte{less}, false) }},
		{"more than was announced of an item", func(w *world) { w.hostile(back, [][]byte{item}, false) }},
		{"hellos to a node that does not answer", func(w *world) {
			w.deaf, w.faulty = true, true
			s := w.connect()
			s.hostile = true
			w.Spawn("hostile", nil, func(p *explore.Proc) {
				p.Step("send")
				s.there.batches = append(s.there.batches, hello, hello)
				p.Step("reset")
				s.broken = true
			})
		}},
		{"frames after a refusal", func(w *world) {
			w.refuses = true
			w.hostile(there, [][]byte{hello, announced, five}, true)
		}},
		{"five large items", func(w *world) {
			var jobs []*job
			for range wire.MaxTransfers + 1 {
				jobs = append(jobs, w.newJob(sizeInline, 1, 1))
			}
			w.user(func(p *explore.Proc) {
				for _, j := range jobs {
					w.call(p, j)
				}
			})
			s := w.last()
			s.hostile, w.faulty = true, true
			w.Spawn("hostile", nil, func(p *explore.Proc) {
				p.Await(func() bool { return jobs[wire.MaxTransfers].left && s.welcomed }, "send")
				s.back.batches = append(s.back.batches, items)
				p.Step("reset")
				s.broken = true
			})
		}},
		{"a payload that never comes", func(w *world) {
			w.hostile(there, [][]byte{announced}, false)
			s := w.last()
			w.ticks = 40
			var since time.Time
			w.keep = func() {
				if len(s.serverParts) == 0 || s.serverOver {
					return
				}
				if since.IsZero() {
					since = w.now
				}
				w.check(w.now.Sub(since) < 18*time.Second, "a payload that does not come ends the session")
			}
			w.Spawn("clock", nil, w.clock)
		}},
	}
}

// scripts are those in which both nodes keep to the protocol.
func scripts() (all []script) {
	for _, fault := range []string{"", "reset", "crash", "leave", "retire"} {
		for name, size := range map[string]int{"small": sizeInline, "large": sizeLarge, "huge": sizeHuge} {
			all = append(all,
				script{fmt.Sprintf("a %s call, %s", name, fault), func(w *world) {
					j := w.newJob(size, 0, 0)
					w.user(func(p *explore.Proc) { w.call(p, j) })
					w.fault(fault)
				}},
				script{fmt.Sprintf("a %s call that is cancelled, and another, %s", name, fault), func(w *world) {
					a, b := w.newJob(size, 0, 0), w.newJob(size, 0, 0)
					w.user(func(p *explore.Proc) {
						w.call(p, a)
						w.cancel(p, a)
						w.call(p, b)
					})
					w.fault(fault)
				}},
				script{fmt.Sprintf("a %s stream, %s", name, fault), func(w *world) {
					j := w.newJob(size, 3, 1)
					w.user(func(p *explore.Proc) { w.call(p, j) })
					w.fault(fault)
				}},
				script{fmt.Sprintf("a %s stream that is left, and a call, %s", name, fault), func(w *world) {
					a, b := w.newJob(size, 4, 2), w.newJob(sizeInline, 0, 0)
					w.user(func(p *explore.Proc) {
						w.call(p, a)
						w.call(p, b)
						w.cancel(p, a)
					})
					w.fault(fault)
				}},
				script{fmt.Sprintf("%s and small calls, %s", name, fault), func(w *world) {
					a, b, c := w.newJob(size, 0, 0), w.newJob(sizeInline, 0, 0), w.newJob(size, 2, 2)
					w.user(func(p *explore.Proc) { w.call(p, a); w.call(p, b); w.call(p, c) })
					w.fault(fault)
				}},
			)
		}
		all = append(all, script{"more large calls than pass at a time, " + fault, func(w *world) {
			var jobs []*job
			for range wire.MaxTransfers + 2 {
				jobs = append(jobs, w.newJob(sizeHuge, 0, 0))
			}
			w.user(func(p *explore.Proc) {
				for _, j := range jobs {
					w.call(p, j)
				}
				w.cancel(p, jobs[0])
				w.cancel(p, jobs[wire.MaxTransfers+1])
				w.cancel(p, jobs[1])
			})
			w.fault(fault)
		}})
	}
	return append(all, secondCut(), manySmall(), cancelsBehindBatches())
}

func refusals() []script {
	return []script{
		{"a session that is refused", func(w *world) {
			w.refuses = true
			a, b := w.newJob(sizeInline, 0, 0), w.newJob(sizeLarge, 0, 0)
			w.user(func(p *explore.Proc) { w.call(p, a); w.call(p, b) })
		}},
		{"small calls that are rejected", func(w *world) {
			w.rejects = true
			a, b := w.newJob(sizeInline, 0, 0), w.newJob(sizeInline, 2, 1)
			w.user(func(p *explore.Proc) { w.call(p, a); w.cancel(p, a); w.call(p, b) })
		}},
		{"large calls that are rejected", func(w *world) {
			w.rejects = true
			a, b := w.newJob(sizeHuge, 0, 0), w.newJob(sizeLarge, 0, 0)
			w.user(func(p *explore.Proc) { w.call(p, a); w.call(p, b); w.cancel(p, a) })
		}},
	}
}

// manySmall has more small calls than a batch.
func manySmall() script {
	const size = 4 * wire.ChunkSize
	return script{"small calls that fill batches, and cancellations", func(w *world) {
		var jobs []*job
		for range 5 {
			jobs = append(jobs, w.newJob(wire.InlineSize-10, 0, 0))
		}
		for range wire.MaxTransfers + 1 {
			jobs = append(jobs, w.newJob(size, 0, 0))
		}
		w.user(func(p *explore.Proc) {
			for _, j := range jobs[5:] {
				w.call(p, j)
			}
			p.Await(func() bool { return jobs[5+wire.MaxTransfers-1].left }, "wait")
			for _, j := range jobs[:5] {
				w.call(p, j)
			}
			for _, j := range jobs[5:] {
				w.cancel(p, j)
			}
		})
	}}
}

// cancelsBehindBatches has the cancellations of large calls wait behind small ones, while
// another large call can begin.
func cancelsBehindBatches() script {
	return script{"cancellations that wait behind batches of small calls", func(w *world) {
		var small, large []*job
		for range 5 {
			small = append(small, w.newJob(wire.InlineSize-10, 0, 0))
		}
		for range wire.MaxTransfers + 1 {
			large = append(large, w.newJob(4*wire.ChunkSize, 0, 0))
		}
		w.user(func(p *explore.Proc) {
			for _, j := range large {
				w.call(p, j)
			}
			p.Await(func() bool { return large[wire.MaxTransfers-1].left }, "cancel")
			for _, j := range small {
				w.callNow(j)
			}
			for _, j := range large[:wire.MaxTransfers] {
				w.cancelNow(j)
			}
		})
	}}
}

func secondCut() script {
	return script{"two resets, and a call after each", func(w *world) {
		a, b, c := w.newJob(sizeInline, 0, 0), w.newJob(sizeInline, 0, 0), w.newJob(sizeInline, 0, 0)
		w.user(func(p *explore.Proc) { w.call(p, a); w.call(p, b); w.call(p, c) })
		w.fault("reset")
		w.fault("reset")
	}}
}

// timed are scripts in which time goes by.
func timed() []script {
	with := func(name string, ticks int, build func(w *world)) script {
		return script{name, func(w *world) {
			w.ticks = ticks
			build(w)
			w.Spawn("clock", nil, w.clock)
		}}
	}
	cut := func(w *world) {
		w.Spawn("cut", nil, func(p *explore.Proc) {
			p.Step("cut")
			s := w.last()
			s.cut, s.since = true, w.now
		})
	}
	return []script{
		with("nothing happens for long", 40, func(w *world) { w.connect() }),
		with("a call and a stream take long", 30, func(w *world) {
			a, b := w.newJob(sizeInline, 0, 0), w.newJob(sizeLarge, 2, 1)
			w.user(func(p *explore.Proc) { w.call(p, a); w.call(p, b) })
		}),
		with("a link that is cut", 20, func(w *world) {
			w.faulty = true
			a := w.newJob(sizeInline, 2, 1)
			w.user(func(p *explore.Proc) { w.call(p, a) })
			cut(w)
		}),
		with("a link that is cut, and large calls", 20, func(w *world) {
			w.faulty = true
			a := w.newJob(sizeHuge, 0, 0)
			w.user(func(p *explore.Proc) { w.call(p, a) })
			cut(w)
		}),
		with("a node that does not answer the handshake", 14, func(w *world) {
			w.deaf, w.faulty = true, true
			a := w.newJob(sizeInline, 0, 0)
			w.user(func(p *explore.Proc) { w.call(p, a) })
			w.last().since = w.now
		}),
		with("a transport that takes nothing", 14, func(w *world) {
			w.stuck, w.faulty = true, true
			w.connect().since = w.now
		}),
		with("a node that takes nothing, but is heard", 20, func(w *world) {
			w.faulty = true
			s := w.connect()
			w.busy = true
			w.Spawn("stuck", nil, func(p *explore.Proc) {
				p.Await(func() bool { return s.welcomed }, "stuck")
				w.stuck, w.busy = true, false
				since := w.now
				w.keep = func() {
					s.server.Heard(w.now)
					s.client.Heard(w.now)
					w.check(w.now.Sub(since) < 18*time.Second || s.clientOver, "a transport that takes nothing ends the session")
				}
			})
		}),
		with("a node that does not read for long", 30, func(w *world) {
			s := w.connect()
			w.busy = true
			w.Spawn("pause", nil, func(p *explore.Proc) {
				p.Await(func() bool { return s.welcomed }, "pause")
				s.paused, w.busy = true, false
				w.keep = func() { s.server.Heard(w.now) }
				p.Await(func() bool { return w.ticks < 8 }, "go on")
				s.paused, w.keep = false, nil
			})
		}),
		with("nodes that do not run for a minute", 8, func(w *world) {
			a, b := w.newJob(sizeInline, 0, 0), w.newJob(sizeHuge, 1, 1)
			w.user(func(p *explore.Proc) { w.call(p, a); w.call(p, b) })
			w.Spawn("suspend", nil, func(p *explore.Proc) {
				p.Step("suspend")
				w.pass(time.Minute)
				p.Step("suspend")
				w.pass(time.Hour)
			})
		}),
	}
}

// hostiles are scripts in which a node sends what it likes, once the handshake is done, or
// before that.
func hostiles() (all []script) {
	answer := &wire.Response{Result: wire.Payload{Encoding: "bytes", Data: []byte("x")}}
	whole := func(n int) []byte { return append(wire.AppendChunk(nil, 1, n), make([]byte, n)...) }
	bigger := *hello("x")
	bigger.Version++
	smaller := *hello("x")
	smaller.Version = wire.Oldest - 1
	frames := map[string][]byte{
		"a hello":       wire.AppendHello(nil, wire.KindHello, hello("a")),
		"a welcome":     wire.AppendHello(nil, wire.KindWelcome, hello("b")),
		"a new welcome": wire.AppendHello(nil, wire.KindWelcome, &bigger),
		"old welcome":   wire.AppendHello(nil, wire.KindWelcome, &smaller),
		"a ping":        wire.AppendSignal(nil, wire.KindPing),
		"a goaway":      wire.AppendSignal(nil, wire.KindGoaway),
		"a chunk":       whole(10),
		"a large chunk": whole(sizeLarge),
		"a new chunk":   append(wire.AppendChunk(nil, 9, 10), make([]byte, 10)...),
		"a credit":      wire.AppendCredit(nil, 1, 1<<40),
		"a probe":       wire.AppendProbe(nil, 1, aProbe()),
		"a new probe":   wire.AppendProbe(nil, 9, aProbe()),
		"a cancel":      wire.AppendCancel(nil, 1, &wire.Error{Text: "job 0"}),
	}
	for number := range uint64(4) {
		frames[fmt.Sprint("a request ", number)] = wire.AppendRequest(nil, number, &wire.Request{Function: ghost, Argument: wire.Payload{Data: []byte("x")}}, false)
		frames[fmt.Sprint("a large request ", number)] = wire.AppendRequest(nil, number, &wire.Request{Function: ghost, Argument: wire.Payload{Data: make([]byte, 20)}}, true)
		frames[fmt.Sprint("an answer ", number)] = wire.AppendResponse(nil, number, answer, false)
		frames[fmt.Sprint("a large answer ", number)] = wire.AppendResponse(nil, number, &wire.Response{Result: wire.Payload{Data: make([]byte, 20)}}, true)
		frames[fmt.Sprint("an item ", number)] = wire.AppendItem(nil, number, &answer.Result, false)
		frames[fmt.Sprint("a large item ", number)] = wire.AppendItem(nil, number, &wire.Payload{Data: make([]byte, 5<<20)}, true)
	}
	for name, frame := range frames {
		for _, times := range []int{1, 2} {
			for way, to := range map[string]func(s *session) *lane{
				"to the serving node": func(s *session) *lane { return &s.there },
				"to the calling node": func(s *session) *lane { return &s.back },
			} {
				for _, cancelled := range []bool{false, true} {
					all = append(all, script{fmt.Sprintf("%s %s, %d times, %v", name, way, times, cancelled), func(w *world) {
						w.hostile(to, slices.Repeat([][]byte{frame}, times), cancelled)
					}})
				}
			}
		}
	}
	return all
}

// hostile has a node send frames, at any time; after a call that is cancelled, or after one
// that is open.
func (w *world) hostile(to func(s *session) *lane, frames [][]byte, cancelled bool) {
	a := w.newJob(sizeInline, 1, 1)
	w.user(func(p *explore.Proc) {
		w.call(p, a)
		if cancelled {
			w.cancel(p, a)
		}
	})
	s := w.last()
	s.hostile, w.faulty = true, true
	w.Spawn("hostile", nil, func(p *explore.Proc) {
		l := to(s)
		if !cancelled {
			p.Await(func() bool { return a.left && s.welcomed }, "send")
		}
		for _, frame := range frames {
			p.Step("send")
			l.batches = append(l.batches, frame)
		}
		p.Await(func() bool { return w.ticks == 0 }, "reset")
		s.broken = true
	})
}
