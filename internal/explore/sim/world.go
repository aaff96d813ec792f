package sim

import (
	"runtime"
	"slices"
	"strings"

	"github.com/seed-7fcaac1b/protocaller/internal/explore"
)

// World is a world whose processes run real code. Its state is known by what each process
// has seen: processes that have seen the same are at the same place, with the same variables.
// So a state is the same as another one if what was seen is, and the values of all objects.
type World struct {
	*explore.World
	// Always is called after each step, and AtEnd when no process can make one. Both may look
	// at what they like, but must not change it. Nil is nothing.
	Always, AtEnd func()

	number   int
	setup    uint64 // objects made by the script
	sum      uint64 // of the values of all objects
	channels map[uintptr]*channel
	cleanups []*cleanup
	timers   []*Timer
	watches  int // functions that wait for the end of a context
	watched  int // how many there have been
	contexts int // that were derived, and have not ended
	derived  int // how many were
	notes    object
}

var (
	now     *World // nil for none
	numbers int
)

// Script returns a script whose world build makes.
func Script(name string, build func(w *World)) explore.Script {
	return explore.Script{Name: name, Build: func(of *explore.World) explore.Model {
		numbers++
		w := &World{World: of, number: numbers, channels: make(map[uintptr]*channel)}
		now = w
		build(w)
		return w
	}}
}

// Go starts a process.
func (w *World) Go(name string, fn func()) {
	p := process()
	from := mix(uint64(len(name)), w.setup)
	for _, c := range []byte(name) {
		from = mix(from, uint64(c))
	}
	if p != nil {
		p.Where = mix(p.Where, from)
		from = mix(p.Where, 'c')
	} else {
		w.setup++
	}
	w.Spawn(name, func(p *explore.Proc) { p.Where = from }, func(p *explore.Proc) { fn() })
}

// Go stands for the go statement.
func Go(fn func()) {
	if now == nil {
		go fn()
		return
	}
	now.Go("goroutine", fn)
}

// Note records that the current process uses what belongs to the script. It is no step.
func (w *World) Note() { w.notes.use() }

// Watches returns how many functions wait for the end of a context, and how many there have
// been.
func (w *World) Watches() (now, ever int) { return w.watches, w.watched }

// Contexts returns how many contexts were derived and have not ended, and how many there have
// been.
func (w *World) Contexts() (now, ever int) { return w.contexts, w.derived }

// Timers returns how many timers run that a process has started.
func (w *World) Timers(of *explore.Proc) (n int) {
	for _, t := range w.timers {
		if t.of == of && !t.over {
			n++
		}
	}
	return n
}

// Check implements [explore.Model].
func (w *World) Check() {
	if w.Always != nil {
		w.Always()
	}
}

// CheckEnd implements [explore.Model].
func (w *World) CheckEnd() {
	for _, p := range w.Procs() {
		if !p.Service {
			w.Failf("stuck for ever: %s", p.Describe())
		}
	}
	if w.AtEnd != nil {
		w.AtEnd()
	}
}

// Hash implements [explore.Model].
func (w *World) Hash() uint64 {
	var seen []uint64
	for _, p := range w.Procs() {
		seen = append(seen, p.Where)
	}
	slices.Sort(seen) // processes have no names that matter
	h := w.sum
	for _, s := range seen {
		h = mix(h, s)
	}
	return h
}

// process returns the process that makes a step, or nil.
func process() *explore.Proc {
	if now == nil {
		return nil
	}
	return now.Current()
}

// Step is a step of the current process that uses nothing.
func Step(label string) { step(label) }

// step is a step of the current process.
func step(label string) {
	if p := process(); p != nil {
		p.Step(inside(label))
		see('s')
	}
}

// inside adds to a label in which function the step is, if that is written down.
func inside(label string) string {
	if !now.IsTracing() {
		return label
	}
	var pcs [20]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if !strings.Contains(f.Function, "internal/explore") {
			return label + " in " + f.Function[strings.LastIndexByte(f.Function, '/')+1:]
		}
		if !more {
			return label
		}
	}
}

// see notes what the current process has seen.
func see(v uint64) {
	if p := process(); p != nil {
		p.Where = mix(p.Where, v)
	}
}

func mix(h, v uint64) uint64 {
	h = h*0x9e3779b97f4a7c15 + v + 1
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// object is what processes share.
type object struct {
	world int // the number of the world in which it was used last
	id    uint64
	value uint64 // what distinguishes its state from others
}

// isNew reports whether the object is used for the first time in this world.
func (o *object) isNew() bool {
	if now == nil || o.world == now.number {
		return false
	}
	o.world, o.value = now.number, 0
	if p := now.Current(); p != nil {
		p.Where = mix(p.Where, 'n')
		o.id = p.Where
	} else {
		now.setup++
		o.id = mix(now.setup, 'n')
	}
	return true
}

// set notes the value of the object.
func (o *object) set(v uint64) {
	if now == nil {
		return
	}
	now.sum += mix(o.id, v) - mix(o.id, o.value)
	o.value = v
}

// use notes that the current process has seen and changed what the object stands for.
func (o *object) use() {
	o.isNew()
	see(o.value)
	if p := process(); p != nil {
		o.set(p.Where)
	}
}
