package actorstest

import (
	"fmt"
	"maps"
	"strconv"
)

// Exhaustive has [Explore] try all orders, one after the other, instead of some. It is for
// small tests: of four callers with a call each, or so. [Schedules] is how many orders are
// tried at most then; the default is 100,000. The log says how many there are, or how far it
// came.
//
// Two orders may differ only in steps that do not concern each other. One of them is tried
// then. Steps of different callers concern each other if one calls, wakes, stops or cancels
// the other. They also do if both use a lock, or a pending that is no call. A variable that
// functions of several callers share is not seen. Nor is a question without a wait, as IsDone.
// Time passes when nothing else can go on, and the cleanups have one order.
func Exhaustive() ExploreOption {
	return exploreOption(func(e *exploration) { e.exhaustive = true })
}

const defaultOrders = 100_000

// all tries all orders, until one fails.
func (e *exploration) all() *finding {
	if !e.counted {
		e.schedules = defaultOrders
	}
	e.limits.early = 0
	d := &depthFirst{}
	for n := range e.schedules {
		s := e.play(plan{chooser: d, seed: e.faults.seed})
		if !d.pruned {
			e.orders++
			e.note(s)
		}
		switch {
		case s.failed:
			return e.examine(s, e.faults.seed, uint64(n)) //nolint:gosec // It is not negative.
		case s.skipped:
			e.skipped = s.text
			return nil
		case !d.back():
			e.complete = true
			return nil
		}
	}
	e.progress = d.progress()
	return nil
}

// footprint is what a step uses that others may use. A nil one is all.
type footprint map[string]struct{}

func (f footprint) concerns(g footprint) bool {
	if f == nil || g == nil {
		return true
	}
	for what := range f {
		if _, ok := g[what]; ok {
			return true
		}
	}
	return false
}

// depthFirst chooses all orders, one after the other. Two orders count as one if they
// differ only in steps that do not concern each other. This is known as sleep sets: a step
// that was tried sleeps until a step comes that concerns it.
type depthFirst struct {
	control *controller
	path    []branch
	at      int
	pruned  bool // what can go on sleeps: this order was tried before
	inTurn
}

// branch is a point of the path.
type branch struct {
	keys   []string
	chosen int
	done   map[string]footprint // the choices that were tried
	sleep  map[string]footprint
}

func (b *branch) next() (i int, ok bool) {
	for i, key := range b.keys {
		_, tried := b.done[key]
		_, sleeps := b.sleep[key]
		if !tried && !sleeps {
			return i, true
		}
	}
	return 0, false
}

func (d *depthFirst) choose(enabled []*gate, mayPass bool) int {
	if d.pruned || d.control.isCleaning() {
		return d.inTurn.choose(enabled, mayPass)
	}
	if d.at < len(d.path) {
		d.at++
		return min(d.path[d.at-1].chosen, len(enabled)-1)
	}
	b := branch{keys: keysOf(enabled), done: make(map[string]footprint), sleep: d.sleeping()}
	i, ok := b.next()
	if !ok {
		d.pruned = true
		return d.inTurn.choose(enabled, mayPass)
	}
	b.chosen = i
	d.path = append(d.path, b)
	d.at++
	return i
}

// sleeping returns what sleeps after the last step.
func (d *depthFirst) sleeping() map[string]footprint {
	if len(d.path) == 0 {
		return nil
	}
	last, used := &d.path[len(d.path)-1], d.control.footprint()
	sleep := make(map[string]footprint)
	for _, known := range []map[string]footprint{last.sleep, last.done} {
		maps.Copy(sleep, known)
	}
	maps.DeleteFunc(sleep, func(_ string, f footprint) bool { return f.concerns(used) })
	last.done[last.keys[last.chosen]] = used
	return sleep
}

// back goes to the next order. It reports false if there is none.
func (d *depthFirst) back() bool {
	if !d.pruned && len(d.path) > 0 {
		d.sleeping() // notes the last step
	}
	d.at, d.pruned, d.inTurn = 0, false, inTurn{}
	for len(d.path) > 0 {
		last := &d.path[len(d.path)-1]
		if _, ok := last.done[last.keys[last.chosen]]; !ok {
			last.done[last.keys[last.chosen]] = nil
		}
		if i, ok := last.next(); ok {
			last.chosen = i
			return true
		}
		d.path = d.path[:len(d.path)-1]
	}
	return false
}

// progress says which part of the orders was tried, were all parts of the same size.
func (d *depthFirst) progress() float64 {
	part, sum := 1.0, 0.0
	for _, b := range d.path {
		part /= float64(len(b.keys))
		sum += part * float64(len(b.done)+len(b.sleep))
	}
	return sum
}

// keysOf returns a key for each gate, of which no two are equal.
func keysOf(enabled []*gate) []string {
	keys := make([]string, len(enabled))
	same := make(map[string]int)
	for i, g := range enabled {
		keys[i] = g.key()
		if same[keys[i]]++; same[keys[i]] > 1 {
			keys[i] += " (" + strconv.Itoa(same[g.key()]) + ")"
		}
	}
	return keys
}

// orderSummary says how many orders there were.
func (e *exploration) orderSummary() string {
	if e.complete {
		return fmt.Sprintf("actorstest: all orders, %d, with %d choices", e.orders, e.choices)
	}
	return fmt.Sprintf("actorstest: %d orders, and more: about %.2g %% of all", e.orders, 100*e.progress)
}
