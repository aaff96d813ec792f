package explore

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// Script builds a world, and returns its model.
type Script struct {
	Name  string
	Build func(w *World) Model
}

// Finding is an order of steps that goes wrong.
type Finding struct {
	Failure string
	Steps   []string

	script Script
	order  []int // the choice of each step
}

// Exploration is what was seen of a script.
type Exploration struct {
	States   int
	Orders   float64 // complete ones
	Complete bool    // all states were seen
	Found    *Finding
}

// play runs a script with a chooser. Steps before from are not looked at.
func play(s Script, c chooser, from int, set func(w *World)) (w *World, order []int) {
	w = &World{}
	if set != nil {
		set(w)
	}
	defer w.end()
	defer func() {
		if r := recover(); r != nil {
			w.Failf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	w.model = s.Build(w)
	for n := 0; w.failure == ""; n++ {
		enabled := w.enabled()
		if len(enabled) == 0 {
			w.model.CheckEnd()
			return w, order
		}
		if n == longest {
			w.Failf("%d steps, and no end", n)
			break
		}
		i := c.choose(w, enabled)
		if i < 0 {
			return w, order
		}
		order = append(order, enabled[i].code())
		w.do(enabled[i], n >= from)
	}
	return w, order
}

// All looks at all orders of a script, until it has seen so many states.
func All(s Script, most int) Exploration {
	d := &depthFirst{seen: make(map[uint64]float64), most: most}
	e := Exploration{}
	for {
		d.orders = 1
		w, order := play(s, d, max(0, len(d.path)-1), func(w *World) { w.hashing = len(d.path) == 0 })
		if w.failure != "" {
			e.Found = &Finding{script: s, Failure: w.failure, order: order}
			break
		}
		if d.full {
			break
		}
		if !d.back() {
			e.Complete = true
			if d.orders == 0 {
				e.Found = &Finding{script: s, Failure: "there are steps for ever in every order"}
			}
			break
		}
	}
	e.States, e.Orders = len(d.seen), d.orders
	return e
}

// Some looks at so many orders, half of them at random and half by priorities.
func Some(s Script, schedules int, seed uint64) Exploration {
	e := Exploration{}
	steps := 40
	for n := range schedules {
		r := rand.New(rand.NewPCG(seed, uint64(n))) //nolint:gosec // No secret.
		var c chooser = randomly{r}
		if n%2 == 1 {
			c = newPriorities(r, 1+n/2%4, steps)
		}
		w, order := play(s, c, 0, nil)
		steps = max(steps, len(order))
		if w.failure != "" {
			e.Found = &Finding{script: s, Failure: w.failure, order: order}
			return e
		}
	}
	return e
}

// Effort is how much of a script is looked at: so many states, and in so many orders what is
// beyond that.
type Effort struct{ States, Schedules int }

// Explore looks at a script, and shortens what it finds.
func (f Effort) Explore(s Script, seed uint64) Exploration {
	e := All(s, f.States)
	if e.Found == nil && !e.Complete {
		e.Found = Some(s, f.Schedules, seed).Found
	}
	if e.Found != nil {
		e.Found.Shorten()
	}
	return e
}

// Replay follows an order, as [Finding.String] prints it. It returns what goes wrong, or nil.
func Replay(s Script, order string) (steps []string, found *Finding, err error) {
	r := &replay{}
	for code := range strings.SplitSeq(order, ",") {
		n, err := strconv.Atoi(code)
		if err != nil {
			return nil, nil, err
		}
		r.order = append(r.order, n)
	}
	w, made := play(s, r, 0, func(w *World) { w.tracing = true })
	if w.failure != "" {
		found = &Finding{script: s, Failure: w.failure, order: made, Steps: w.steps}
	}
	return w.steps, found, nil
}

// Replays reports whether a random order makes the same steps when it is replayed.
func Replays(s Script, seed uint64) (first, again []string) {
	trace := func(w *World) { w.tracing = true }
	a, order := play(s, randomly{rand.New(rand.NewPCG(seed, 1))}, 0, trace) //nolint:gosec // Chance is enough.
	b, _ := play(s, &replay{order: order}, 0, trace)
	return a.steps, b.steps
}

// Shorten leaves out what a finding does not need, and writes its steps down.
func (f *Finding) Shorten() {
	try := func(order []int) bool {
		w, made := play(f.script, &replay{order: slices.Clone(order)}, 0, nil)
		if w.failure == "" {
			return false
		}
		f.order, f.Failure = made, w.failure
		return true
	}
	if len(f.order) == 0 || !try(f.order) {
		return
	}
	switches := func(order []int) (n int) {
		for i := 1; i < len(order); i++ {
			if order[i] != order[i-1] {
				n++
			}
		}
		return n
	}
	for again, tries := true, 0; again && tries < 2000; {
		again = false
		for size := len(f.order) / 2; size > 0; size /= 2 {
			for at := 0; at+size <= len(f.order) && tries < 2000; at++ {
				tries++
				was, failure := f.order, f.Failure
				if try(slices.Delete(slices.Clone(f.order), at, at+size)) {
					if len(f.order) < len(was) || len(f.order) == len(was) && switches(f.order) < switches(was) {
						again = true
					} else {
						f.order, f.Failure = was, failure
					}
				}
			}
		}
	}
	w, _ := play(f.script, &replay{order: slices.Clone(f.order)}, 0, func(w *World) { w.tracing = true })
	f.Steps = w.steps
}

// String writes the steps down, and how to replay them.
func (f *Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q: %s\n", f.script.Name, f.Failure)
	for i, step := range f.Steps {
		fmt.Fprintf(&b, "%4d. %s\n", i+1, step)
	}
	order := make([]string, len(f.order))
	for i, code := range f.order {
		order[i] = strconv.Itoa(code)
	}
	fmt.Fprintf(&b, "again: go test -v -run TestReplay -explore.script=%q -explore.order=%s\n", f.script.Name, strings.Join(order, ","))
	return b.String()
}
