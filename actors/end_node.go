package actors

import "github.com/seed-7fcaac1b/protocaller/internal/future"

// treeNode is what the end of a caller needs: that the functions of the caller return that
// have started, and so for its children. Those that are queued add nothing to that: a stop
// cancels them, and for a drain they need the turns of the others.
type treeNode Caller

// Needs implements [future.Node].
func (t *treeNode) Needs(n *future.Needs) {
	c := (*Caller)(t)
	if !c.sched.AddActive(n) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, child := range c.children {
		if !n.Add((*treeNode)(child)) {
			return
		}
	}
}

// What implements [future.Node].
func (t *treeNode) What() string { return "the end of " + (*Caller)(t).path() }
