package inspect

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// WaitsDOT returns which call waits for which, in the language of Graphviz. The calls of
// circles are red.
func (s *Snapshot) WaitsDOT() string {
	var b strings.Builder
	b.WriteString("digraph waits {\n\trankdir=LR;\n\tnode [shape=box];\n")
	g, inCircle := s.waitGraph(), s.inCircles()
	for _, id := range g.shown() {
		attributes := ""
		if inCircle[id] {
			attributes = ", color=red"
		}
		fmt.Fprintf(&b, "\t%d [label=%s%s];\n", id, strconv.Quote(g.label(id)), attributes)
	}
	for _, id := range slices.Sorted(maps.Keys(g.needs)) {
		for _, need := range g.needs[id] {
			attributes := ""
			if inCircle[id] && inCircle[need] {
				attributes = " [color=red]"
			}
			fmt.Fprintf(&b, "\t%d -> %d%s;\n", id, need, attributes)
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// inCircles returns the calls that are in a circle.
func (s *Snapshot) inCircles() map[uint64]bool {
	in := make(map[uint64]bool)
	for _, circle := range s.Circles {
		for _, id := range circle {
			in[id] = true
		}
	}
	return in
}

// shown returns the calls that need others or are needed, in order.
func (g *waitGraph) shown() []uint64 {
	ids := make(map[uint64]bool)
	for id, needs := range g.needs {
		ids[id] = true
		for _, need := range needs {
			ids[need] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// label names a call and its caller.
func (g *waitGraph) label(id uint64) string {
	if call := g.calls[id]; call != nil {
		return call.Name + "\n" + call.Caller
	}
	return fmt.Sprintf("#%d", id)
}
