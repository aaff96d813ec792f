package explore

import (
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
)

// longest is how many steps an order may have. More are a loop without an end.
const longest = 4000

// World is what a script builds: processes, and what they share.
type World struct {
	// Locates says that the hash of the model uses [Proc.Where].
	Locates bool
	// Show writes an argument of a step, for the list of steps. A nil Show is fmt.Sprint.
	Show func(arg any) string

	procs   []*Proc
	current *Proc // whose step is under way; nil for none
	model   Model
	ids     int

	hashing bool       // processes note where they are
	located []location // what they have noted
	aborted bool
	failure string
	steps   []string // what was done, if tracing
	tracing bool
}

// Model says what must be so in a world, with [World.Failf].
type Model interface {
	// Check is called after each step.
	Check()
	// CheckEnd is called when no process can make a step.
	CheckEnd()
	// Hash returns a number for the state of the world: equal worlds have equal numbers.
	Hash() uint64
}

// Proc is a goroutine.
type Proc struct {
	World   *World
	ID      int
	Name    string
	Service bool   // it may wait forever at the end
	Where   uint64 // where its code is, if the world locates
	Args    []any  // of the next step

	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool

	label   string     // of the next step
	options func() int // in how many ways it can be made now; nil for one
	chosen  int
	exiting bool
}

// location is where the code of a process is.
type location struct {
	proc  int
	where uint64
}

type (
	aborted struct{}
	goexit  struct{}
)

// NewID returns a number that is not that of a process.
func (w *World) NewID() int {
	w.ids++
	return w.ids
}

// Failf says that something is wrong. The first failure counts. What processes do when the
// world is over does not.
func (w *World) Failf(format string, args ...any) {
	if w.failure == "" && !w.aborted {
		w.failure = fmt.Sprintf(format, args...)
	}
}

// Procs returns the processes that have not ended.
func (w *World) Procs() []*Proc { return w.procs }

// Current returns the process whose step is under way, or nil.
func (w *World) Current() *Proc { return w.current }

// IsAborted reports whether the world is over: what processes do now does not count.
func (w *World) IsAborted() bool { return w.aborted }

// IsTracing reports whether the steps are written down.
func (w *World) IsTracing() bool { return w.tracing }

// Spawn starts a process, which runs to its first step. With born, that is called before.
func (w *World) Spawn(name string, born, fn func(p *Proc)) {
	w.ids++
	p := &Proc{World: w, ID: w.ids, Name: name}
	if born != nil {
		born(p)
	}
	p.next, p.stop = iter.Pull(func(yield func(struct{}) bool) {
		p.yield = yield
		defer func() {
			switch r := recover().(type) {
			case nil, aborted, goexit:
			default:
				buf := make([]byte, 4096)
				w.Failf("panic: %v\n%s", r, buf[:runtime.Stack(buf, false)])
			}
		}()
		fn(p)
	})
	w.procs = append(w.procs, p)
	w.resume(p)
}

// resume runs a process up to its next step.
func (w *World) resume(p *Proc) {
	before := w.current
	w.current = p
	_, ok := p.next()
	w.current = before
	if !ok {
		w.procs = slices.DeleteFunc(w.procs, func(q *Proc) bool { return p == q })
	}
}

// Step ends the step before, and names the next one.
func (p *Proc) Step(label string, args ...any) { p.Choose(nil, label, args...) }

// Await is Step for a step that can be made when ready reports true.
func (p *Proc) Await(ready func() bool, label string, args ...any) {
	if ready == nil {
		p.Choose(nil, label, args...)
		return
	}
	p.Choose(func() int {
		if ready() {
			return 1
		}
		return 0
	}, label, args...)
}

// Choose is Step for a step that can be made in as many ways as options returns. It returns
// which one it is.
func (p *Proc) Choose(options func() int, label string, args ...any) int {
	w := p.World
	if w.aborted {
		p.exiting = true
		panic(aborted{})
	}
	p.label, p.Args, p.options = label, args, options
	if w.hashing && w.Locates {
		var pcs [40]uintptr
		h := uint64(14695981039346656037)
		for _, pc := range pcs[:runtime.Callers(2, pcs[:])] {
			h = (h ^ uint64(pc)) * 1099511628211
		}
		p.Where = h
		w.located = append(w.located, location{p.ID, h})
	}
	if !p.yield(struct{}{}) {
		p.exiting = true
		panic(aborted{})
	}
	return p.chosen
}

// Goexit ends the process as runtime.Goexit ends a goroutine.
func (p *Proc) Goexit() {
	p.exiting = true
	panic(goexit{})
}

// IsExiting reports whether the process ends by [Proc.Goexit]: recover returns nil then.
func (p *Proc) IsExiting() bool { return p.exiting }

func (p *Proc) String() string { return fmt.Sprintf("%s#%d", p.Name, p.ID) }

// Describe says what the next step of the process is.
func (p *Proc) Describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v: %s", p, p.label)
	show := p.World.Show
	if show == nil {
		show = func(arg any) string { return fmt.Sprint(arg) }
	}
	for _, arg := range p.Args {
		fmt.Fprintf(&b, " %s", show(arg))
	}
	return b.String()
}

// choice is a step that can be made: a process and, if it has a choice, which.
type choice struct {
	*Proc
	option int
}

// mostOptions is how many ways there may be to make a step.
const mostOptions = 8

// code is the number of a choice in an order.
func (c choice) code() int { return c.ID*mostOptions + c.option }

// enabled returns the steps that can be made.
func (w *World) enabled() []choice {
	var ready []choice
	for _, p := range w.procs {
		n := 1
		if p.options != nil {
			n = p.options()
		}
		for i := range n {
			ready = append(ready, choice{p, i})
		}
	}
	return ready
}

// do makes a step, and looks whether all is well.
func (w *World) do(c choice, check bool) {
	if w.tracing {
		text := c.Describe()
		if c.options != nil && c.options() > 1 {
			text += fmt.Sprintf(" (way %d)", c.option+1)
		}
		w.steps = append(w.steps, text)
	}
	c.chosen = c.option
	w.resume(c.Proc)
	if check {
		w.model.Check()
	}
}

// end ends the processes that are left.
func (w *World) end() {
	w.aborted = true
	for len(w.procs) > 0 {
		p := w.procs[len(w.procs)-1]
		w.procs = w.procs[:len(w.procs)-1]
		w.current = p
		p.stop()
	}
	w.current = nil
}
