package explore

import (
	"math/rand/v2"
	"slices"
)

// chooser says which of the steps that can be made comes next. It returns -1 to end.
type chooser interface {
	choose(w *World, enabled []choice) int
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

func (d *depthFirst) choose(w *World, enabled []choice) int {
	if d.at < len(d.path) {
		d.at++
		w.hashing = d.at == len(d.path)
		return d.path[d.at-1].i
	}
	d.locate(w)
	h := w.model.Hash()
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
func (d *depthFirst) locate(w *World) {
	if !w.Locates {
		return
	}
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
		p.Where = where[p.ID]
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

// randomly chooses at random.
type randomly struct{ *rand.Rand }

func (r randomly) choose(_ *World, enabled []choice) int { return r.IntN(len(enabled)) }

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

func (c *priorities) choose(_ *World, enabled []choice) int {
	best := -1
	for i, p := range enabled {
		if _, ok := c.of[p.code()]; !ok {
			c.of[p.code()] = c.IntN(1 << 20)
		}
		if best < 0 || c.of[p.code()] > c.of[enabled[best].code()] {
			best = i
		}
	}
	if slices.Contains(c.changes, c.n) {
		c.of[enabled[best].code()] = -c.n
	}
	c.n++
	return best
}

// replay follows an order as far as it can be followed. Then the processes go on in turn.
type replay struct {
	order []int
	last  int
}

func (r *replay) choose(_ *World, enabled []choice) int {
	for len(r.order) > 0 {
		code := r.order[0]
		r.order = r.order[1:]
		if i := slices.IndexFunc(enabled, func(c choice) bool { return c.code() == code }); i >= 0 {
			r.last = code
			return i
		}
	}
	if i := slices.IndexFunc(enabled, func(c choice) bool { return c.code() == r.last }); i >= 0 {
		return i
	}
	r.last = enabled[0].code()
	return 0
}
