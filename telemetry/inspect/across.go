package inspect

import (
	"fmt"
	"maps"
	"slices"
)

// Step is one call of a circle of calls on different nodes.
type Step struct {
	Node   string `json:"node"` // its address
	Call   uint64 `json:"call"` // the id on that node; 0 if the node has not said
	Name   string `json:"name"`
	Caller string `json:"caller"`
}

// String names the call, its caller and its node.
func (s Step) String() string { return fmt.Sprintf("%s on %s of %s", s.Name, s.Caller, s.Node) }

// acrossGraph is which calls of all nodes need which. It numbers the calls itself, since two
// nodes may use one id.
type acrossGraph struct {
	*waitGraph
	views   []*view
	numbers map[place]uint64
	steps   map[uint64]Step // by number
	crosses map[uint64]bool // those that need a call of another node, or are needed by one
}

// place is a call of one of the views, or one that is known to a session alone.
type place struct {
	view int // -1 for the latter
	call uint64
	peer string // of the latter: the node and the number in the session, which begins anew with that
	from string
}

// view is what one node says.
type view struct {
	address string // that it was asked at
	own     *Node
	graph   *waitGraph
	made    map[uint64]*NodeCall   // its calls to other nodes, by what is waited for
	grants  map[uint64]*NodeCall   // calls of other nodes that wait to send more, by what they wait for
	served  map[sentAs][]*NodeCall // calls of other nodes
	opened  map[uint64][]*NodeCall // its calls to other nodes, by their numbers
}

// sentAs is what both nodes know of a call.
type sentAs struct {
	incarnation string // of the node that has made it
	number      uint64
}

func newView(address string, s *Snapshot) *view {
	v := &view{
		address: address, own: s.Node, graph: s.waitGraph(), made: make(map[uint64]*NodeCall), grants: make(map[uint64]*NodeCall),
		served: make(map[sentAs][]*NodeCall), opened: make(map[uint64][]*NodeCall),
	}
	for i := range s.Node.Calls {
		c := &s.Node.Calls[i]
		waited := uint64(0)
		if c.Stream != nil {
			waited = c.Stream.Promise
		}
		if c.Out {
			v.made[c.Call] = c
			v.made[waited] = c
			v.opened[c.Number] = append(v.opened[c.Number], c)
		} else {
			v.grants[waited] = c
			at := sentAs{c.Incarnation, c.Number}
			v.served[at] = append(v.served[at], c)
		}
	}
	delete(v.made, 0)
	delete(v.grants, 0)
	return v
}

// is reports whether the node is the one of an incarnation that has an address.
func (v *view) is(incarnation, address string) bool {
	return incarnation != "" && v.own.Incarnation == incarnation && (v.own.Address == address || v.address == address)
}

// acrossGraph returns the graph of the nodes that have answered.
func (s *Snapshot) acrossGraph() *acrossGraph {
	g := &acrossGraph{
		waitGraph: &waitGraph{calls: make(map[uint64]*Call), needs: make(map[uint64][]uint64)},
		numbers:   make(map[place]uint64), steps: make(map[uint64]Step), crosses: make(map[uint64]bool),
	}
	g.views = append(g.views, newView(s.Node.Address, s))
	for _, n := range s.Nodes {
		if n.Snapshot != nil {
			g.views = append(g.views, newView(n.Address, n.Snapshot))
		}
	}
	for i, v := range g.views {
		for _, id := range slices.Sorted(maps.Keys(v.graph.needs)) {
			for _, need := range v.graph.needs[id] {
				g.add(g.known(i, id), g.known(i, need))
			}
		}
		for _, id := range slices.Sorted(maps.Keys(v.graph.calls)) {
			w := v.graph.calls[id].WaitsFor
			if w == nil {
				continue
			}
			for _, promise := range w.Promises {
				g.follow(i, id, promise)
			}
		}
	}
	return g
}

// add notes that one call needs another.
func (g *acrossGraph) add(from, to uint64) {
	if !slices.Contains(g.needs[from], to) {
		g.needs[from] = append(g.needs[from], to)
	}
}

// cross notes that one call needs another one of another node.
func (g *acrossGraph) cross(from, to uint64) {
	g.add(from, to)
	g.crosses[from], g.crosses[to] = true, true
}

// number returns the number of a place.
func (g *acrossGraph) number(at place, step Step, call *Call) uint64 {
	n, known := g.numbers[at]
	if !known {
		n = uint64(len(g.numbers) + 1)
		g.numbers[at], g.steps[n] = n, step
	}
	if g.calls[n] == nil && call != nil {
		g.calls[n], g.steps[n] = call, step
	}
	return n
}

// known returns the number of a call of a node.
func (g *acrossGraph) known(i int, id uint64) uint64 {
	v := g.views[i]
	step := Step{Node: v.address, Call: id, Name: fmt.Sprintf("#%d", id)}
	call := v.graph.calls[id]
	if call != nil {
		step.Name, step.Caller = call.Name, call.Caller
	}
	return g.number(place{view: i, call: id}, step, call)
}

// follow adds what a call of a node needs of other nodes, which waits for a promise.
func (g *acrossGraph) follow(i int, id, promise uint64) {
	v := g.views[i]
	if c := v.made[promise]; c != nil {
		g.cross(g.known(i, id), g.served(v, c))
	} else if c := v.grants[promise]; c != nil {
		if k, consumer := g.consumer(i, c); consumer != 0 {
			g.cross(g.known(i, id), g.known(k, consumer))
		}
	}
}

// served returns the number of what runs for a call that a node has made. It is a place of
// its own if the other node has not said.
func (g *acrossGraph) served(v *view, made *NodeCall) uint64 {
	for j, other := range g.views {
		if !other.is(made.Incarnation, made.Peer) {
			continue
		}
		same := slices.DeleteFunc(slices.Clone(other.served[sentAs{v.own.Incarnation, made.Number}]), func(c *NodeCall) bool {
			return c.Call == 0 || c.Function != made.Function || !v.is(c.Incarnation, c.Peer)
		})
		if len(same) != 1 { // with two sessions it may be either call
			break
		}
		c := same[0]
		n := g.known(j, c.Call)
		if other.graph.calls[c.Call] == nil { // it is queued there
			g.steps[n] = Step{other.address, c.Call, c.Function, c.Target}
			if keeper := other.graph.keepers[c.Target]; keeper != 0 {
				g.add(n, g.known(j, keeper))
			}
		}
		return n
	}
	at := place{view: -1, call: made.Call, peer: made.Peer, from: v.address}
	return g.number(at, Step{Node: made.Peer, Name: made.Function, Caller: made.Target}, nil)
}

// consumer returns which call of which node takes the items of a stream that a node serves;
// 0 if that is not known.
func (g *acrossGraph) consumer(i int, served *NodeCall) (k int, call uint64) {
	for k, other := range g.views {
		if !other.is(served.Incarnation, served.Peer) {
			continue
		}
		same := slices.DeleteFunc(slices.Clone(other.opened[served.Number]), func(c *NodeCall) bool {
			return c.Function != served.Function || !g.views[i].is(c.Incarnation, c.Peer)
		})
		if len(same) == 1 {
			return k, same[0].Maker
		}
	}
	return 0, 0
}

// crossing returns the circles whose calls are on different nodes.
func (g *acrossGraph) crossing() (circles [][]Step) {
	for _, circle := range g.circles() {
		steps := make([]Step, len(circle))
		nodes := make(map[string]bool)
		for i, n := range circle {
			steps[i] = g.steps[n]
			nodes[steps[i].Node] = true
		}
		if len(nodes) > 1 {
			circles = append(circles, steps)
		}
	}
	return circles
}

// connected removes the calls that neither need a call of another node nor are needed by one,
// directly or not.
func (g *acrossGraph) connected() {
	keep := make(map[uint64]bool)
	waiters := g.waiters()
	reach := func(next map[uint64][]uint64) {
		seen := maps.Clone(g.crosses)
		for open := slices.Collect(maps.Keys(seen)); len(open) > 0; open = open[1:] {
			keep[open[0]] = true
			for _, n := range next[open[0]] {
				if !seen[n] {
					seen[n] = true
					open = append(open, n)
				}
			}
		}
	}
	reach(g.needs)
	reach(waiters)
	maps.DeleteFunc(g.needs, func(n uint64, _ []uint64) bool { return !keep[n] })
}
