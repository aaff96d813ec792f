package actorstest

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
)

// chooser says which goroutine goes on, or -1 to let time pass. It is used by one goroutine.
type chooser interface {
	choose(enabled []*gate, mayPass bool) int
}

// newChooser returns the chooser of a seed: half of them choose at random, half by priorities.
func newChooser(seed uint64) chooser {
	r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // Chance is enough.
	if r.IntN(2) == 0 {
		return &randomly{r}
	}
	return &priorities{Rand: r, of: make(map[string]float64), change: 1 / float64(int(4)<<r.IntN(6))}
}

// oftenPass is one in how many choices lets time pass.
const oftenPass = 8

// randomly chooses at random.
type randomly struct{ *rand.Rand }

func (r *randomly) choose(enabled []*gate, mayPass bool) int {
	if mayPass && r.IntN(oftenPass) == 0 {
		return -1
	}
	return r.IntN(len(enabled))
}

// priorities has what has the highest priority go on, and gives it the lowest one at a few
// steps. That is known as PCT: it finds what needs few changes in a long schedule.
type priorities struct {
	*rand.Rand
	of     map[string]float64
	change float64 // how probable that is at a step
	lowest float64
}

func (p *priorities) choose(enabled []*gate, mayPass bool) int {
	best := 0
	for i, g := range enabled {
		if p.priority(g.name) > p.priority(enabled[best].name) {
			best = i
		}
	}
	chosen := enabled[best].name
	if mayPass && p.priority(passTime) > p.priority(chosen) {
		p.of[passTime] = p.Float64() // for the next time
		return -1
	}
	if p.Float64() < p.change {
		p.lowest--
		p.of[chosen] = p.lowest
	}
	return best
}

func (p *priorities) priority(name string) float64 {
	if _, ok := p.of[name]; !ok {
		p.of[name] = p.Float64()
	}
	return p.of[name]
}

// inTurn is the order without any choice: what goes on goes on, and then what waits longest.
type inTurn struct{ last string }

func (t *inTurn) choose(enabled []*gate, _ bool) int {
	i := slices.IndexFunc(enabled, func(g *gate) bool { return g.name == t.last })
	if i < 0 {
		i = 0
		for n, g := range enabled {
			if g.number < enabled[i].number {
				i = n
			}
		}
	}
	t.last = enabled[i].name
	return i
}

// replay follows an order as far as it can be followed, and goes on in turn.
type replay struct {
	order []string
	inTurn
}

func (r *replay) choose(enabled []*gate, mayPass bool) int {
	for len(r.order) > 0 {
		key := r.order[0]
		r.order = r.order[1:]
		if key == passTime {
			if mayPass {
				return -1
			}
			continue
		}
		if i := slices.IndexFunc(enabled, func(g *gate) bool { return g.key() == key }); i >= 0 {
			r.last = enabled[i].name
			return i
		}
	}
	return r.inTurn.choose(enabled, mayPass)
}

// printOf returns a number for what could be chosen.
func printOf(enabled []*gate, mayPass bool) uint64 {
	h := fnv.New64a()
	for _, g := range enabled {
		_, _ = h.Write([]byte(g.name))
		_, _ = h.Write([]byte(g.what))
	}
	if mayPass {
		_, _ = h.Write([]byte(passTime))
	}
	return h.Sum64()
}
