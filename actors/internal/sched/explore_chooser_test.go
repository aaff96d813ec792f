package sched

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// longest is how many steps an order may have. More are a loop without an end.
const longest = 4000

// script builds a world.
type script struct {
	name  string
	build func(w *world)
}

// finding is an order of steps that goes wrong.
type finding struct {
	script  script
	failure string
	order   []int // the process of each step
	steps   []string
}

// exploration is what was seen of a script.
type exploration struct {
	states   int
	orders   float64 // complete ones
	complete bool    // all states were seen
	runs     int
	found    *finding
}

// chooser says which of the processes that can make a step comes next. It returns -1 to end.
type chooser interface {
	choose(w *world, enabled []*proc) int
}

// play runs a script with a chooser. Steps before from are not looked at.
func play(s script, c chooser, from int, set func(w *world)) (w *world, order []int) {
	w = &world{}
	if set != nil {
		set(w)
	}
	defer w.end()
	defer func() {
		if r := recover(); r != nil {
			w.failf("panic: %v", r)
		}
	}()
	s.build(w)
	for n := 0; w.failure == ""; n++ {
		enabled := w.enabled()
		if len(enabled) == 0 {
			w.checkEnd()
			return w, order
		}
		if n == longest {
			w.failf("%d steps, and no end", n)
			break
		}
		i := c.choose(w, enabled)
		if i < 0 {
			return w, order
		}
		order = append(order, enabled[i].id)
		w.do(enabled[i], n >= from)
	}
	return w, order
}

// depthFirst chooses all orders, one after the other. States that were seen are not looked
// at again.
type depthFirst struct {
	seen   map[uint64]float64 // how many orders lead on from a state; -1 while they are counted
	path   []branch
	at     int
	orders float64
	most   int
	full   bool // there were more states than that

	first    []location // where processes are before the first step
	restored bool       // what is known was given to this run
}

type branch struct {
	hash    uint64
	n, i    int // choices, and the one that is made
	orders  float64
	located []location // where its step has left processes: it takes long to find that out again
}

func (d *depthFirst) choose(w *world, enabled []*proc) int {
	if d.at < len(d.path) {
		d.at++
		w.hashing = d.at == len(d.path)
		return d.path[d.at-1].i
	}
	d.locate(w)
	h := w.hash()
	if orders, ok := d.seen[h]; ok {
		d.orders = max(orders, 0)
		return -1
	}
	if len(d.seen) == d.most {
		d.full = true
		return -1
	}
	d.seen[h] = -1
	d.path = append(d.path, branch{hash: h, n: len(enabled)})
	d.at++
	return 0
}

// locate notes where the last step has left processes. The steps before it are known.
func (d *depthFirst) locate(w *world) {
	last := &d.first
	if n := len(d.path); n > 0 {
		last = &d.path[n-1].located
	}
	*last, w.located = w.located, nil
	if d.restored {
		return
	}
	d.restored = true
	where := make(map[int]uint64)
	for _, l := range d.first {
		where[l.proc] = l.where
	}
	for i := range d.path {
		for _, l := range d.path[i].located {
			where[l.proc] = l.where
		}
	}
	for _, p := range w.procs {
		p.where = where[p.id]
	}
}

// back goes to the next order. It reports false if there is none.
func (d *depthFirst) back() bool {
	for len(d.path) > 0 {
		b := &d.path[len(d.path)-1]
		b.orders += d.orders
		if b.i++; b.i < b.n {
			break
		}
		d.orders = b.orders
		d.seen[b.hash] = b.orders
		d.path = d.path[:len(d.path)-1]
	}
	d.at, d.restored = 0, false
	return len(d.path) > 0
}

// exploreAll looks at all orders of a script, until it has seen so many states.
func exploreAll(s script, most int) exploration {
	d := &depthFirst{seen: make(map[uint64]float64), most: most}
	e := exploration{}
	for {
		e.runs++
		d.orders = 1
		w, order := play(s, d, max(0, len(d.path)-1), func(w *world) { w.hashing = len(d.path) == 0 })
		if w.failure != "" {
			e.found = &finding{script: s, failure: w.failure, order: order}
			break
		}
		if d.full {
			break
		}
		if !d.back() {
			e.complete = true
			if d.orders == 0 {
				e.found = &finding{script: s, failure: "there are steps for ever in every order"}
			}
			break
		}
	}
	e.states, e.orders = len(d.seen), d.orders
	return e
}

// randomly chooses at random.
type randomly struct{ *rand.Rand }

func (r randomly) choose(_ *world, enabled []*proc) int { return r.IntN(len(enabled)) }

// priorities is PCT: the process of the highest priority goes on, and at a few steps the
// one that runs gets the lowest.
type priorities struct {
	*rand.Rand
	of      map[int]int
	changes []int
	n       int
}

func newPriorities(r *rand.Rand, depth, steps int) *priorities {
	p := &priorities{Rand: r, of: make(map[int]int)}
	for range depth {
		p.changes = append(p.changes, r.IntN(steps))
	}
	return p
}

func (c *priorities) choose(_ *world, enabled []*proc) int {
	best := -1
	for i, p := range enabled {
		if _, ok := c.of[p.id]; !ok {
			c.of[p.id] = c.IntN(1 << 20)
		}
		if best < 0 || c.of[p.id] > c.of[enabled[best].id] {
			best = i
		}
	}
	if slices.Contains(c.changes, c.n) {
		c.of[enabled[best].id] = -c.n
	}
	c.n++
	return best
}

// exploreSome looks at so many orders, half of them at random and half by priorities.
func exploreSome(s script, schedules int, seed uint64) exploration {
	e := exploration{}
	steps := 40
	for n := range schedules {
		r := rand.New(rand.NewPCG(seed, uint64(n))) //nolint:gosec // No secret.
		var c chooser = randomly{r}
		if n%2 == 1 {
			c = newPriorities(r, 1+n/2%4, steps)
		}
		w, order := play(s, c, 0, nil)
		e.runs++
		steps = max(steps, len(order))
		if w.failure != "" {
			e.found = &finding{script: s, failure: w.failure, order: order}
			return e
		}
	}
	return e
}

// replay follows an order as far as it can be followed. Then the processes go on in turn.
type replay struct {
	order []int
	last  int
}

func (r *replay) choose(_ *world, enabled []*proc) int {
	for len(r.order) > 0 {
		id := r.order[0]
		r.order = r.order[1:]
		if i := slices.IndexFunc(enabled, func(p *proc) bool { return p.id == id }); i >= 0 {
			r.last = id
			return i
		}
	}
	if i := slices.IndexFunc(enabled, func(p *proc) bool { return p.id == r.last }); i >= 0 {
		return i
	}
	r.last = enabled[0].id
	return 0
}

// shorten leaves out what a finding does not need, and writes its steps down.
func (f *finding) shorten() {
	try := func(order []int) bool {
		w, made := play(f.script, &replay{order: slices.Clone(order)}, 0, nil)
		if w.failure == "" {
			return false
		}
		f.order, f.failure = made, w.failure
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
				was, failure := f.order, f.failure
				if try(slices.Delete(slices.Clone(f.order), at, at+size)) {
					if len(f.order) < len(was) || len(f.order) == len(was) && switches(f.order) < switches(was) {
						again = true
					} else {
						f.order, f.failure = was, failure
					}
				}
			}
		}
	}
	w, _ := play(f.script, &replay{order: slices.Clone(f.order)}, 0, func(w *world) { w.tracing = true })
	f.steps = w.steps
}

func (f *finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q: %s\n", f.script.name, f.failure)
	for i, step := range f.steps {
		fmt.Fprintf(&b, "%4d. %s\n", i+1, step)
	}
	order := make([]string, len(f.order))
	for i, id := range f.order {
		order[i] = strconv.Itoa(id)
	}
	fmt.Fprintf(&b, "again: go test -run TestReplay -explore.script=%q -explore.order=%s ./actors/internal/sched\n",
		f.script.name, strings.Join(order, ","))
	return b.String()
}
