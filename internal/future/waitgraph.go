package future

import "slices"

// Node is something that a wait can need: a function, a pending, room in a
// queue, the end of a caller, a lock. The search for waits that can never end
// looks at nodes.
//
// A Node is comparable. Its methods are safe for concurrent use. They call no
// user code and do not wait.
type Node interface {
	// Needs adds what the node needs to go on.
	Needs(n *Needs)
	// What names the node in the text of an error. It is "" if the node has no
	// name of its own.
	What() string
}

// Needs is what a [Node] needs to go on: all of the nodes that are added or,
// with Any, one of them. A node that needs nothing goes on.
type Needs struct {
	// Nodes are those that were added.
	Nodes []Node
	// Limit is how many are worth a look; 0 is any number. Cut says that there are
	// more.
	Limit int
	Cut   bool
	// GoesOn reports whether a node is seen to need nothing, without much effort.
	// Such a node is not added. A nil GoesOn is true of none.
	GoesOn func(Node) bool
	// Every says that all that is waited for now is wanted, even if the wait may end
	// without it. It is for a search for those who wait for a node.
	Every bool
	// Unknown is called with each pending that is added and has no node: code that nobody
	// knows completes it. It must not do more than note the pending. It may be nil.
	Unknown func(*Core)
	// Elsewhere returns the node of a pending that another system completes, or nil. It is
	// called with what Unknown is, before that. It may be nil.
	Elsewhere func(*Core) Node

	// Any says that one of the nodes is enough. It is set before any is added.
	Any bool
	// Live says that the node goes on whatever it needs, or may do so.
	Live bool
	// Held says that the nodes are not waited for themselves. What they hold is: a lock,
	// or a promise that they have to keep.
	Held bool
	// Began is that of the [Wait] that a function is in. It is 0 for a node that
	// does not wait.
	Began uint64

	added int
}

// Add adds a node. A nil node is one that goes on. Add reports false if no more
// are worth adding.
func (n *Needs) Add(node Node) bool {
	n.added++
	switch {
	case n.Limit > 0 && n.added > n.Limit:
		n.Cut = true
		return false
	case node == nil && n.Every:
		return true
	case node == nil, n.GoesOn != nil && n.GoesOn(node):
		n.Live = n.Live || n.Any
		return !n.Live
	}
	n.Nodes = append(n.Nodes, node)
	return true
}

// AddPending adds the node of a pending.
func (n *Needs) AddPending(c *Core) bool {
	node := c.node(n.Every)
	if node == nil && n.Elsewhere != nil && c.isOpen() {
		node = n.Elsewhere(c)
	}
	if node == nil && n.Unknown != nil {
		n.Unknown(c)
	}
	return n.Add(node)
}

// AddWait adds what a wait is for.
func (n *Needs) AddWait(w Wait) {
	switch {
	case w.For != nil:
		n.Add(w.For)
	case w.On != nil:
		n.AddPending(w.On)
	}
}

// Reset empties n, which keeps its memory, its limit, its GoesOn, Every, Unknown and Elsewhere.
func (n *Needs) Reset() {
	clear(n.Nodes)
	*n = Needs{
		Nodes: n.Nodes[:0], Limit: n.Limit, GoesOn: n.GoesOn, Every: n.Every, Unknown: n.Unknown, Elsewhere: n.Elsewhere,
	}
}

// NodeOf returns the node of a pending. It is nil if the pending is done or has
// a time limit, or if unknown code may complete it.
func NodeOf(c *Core) Node { return c.node(false) }

// node is [NodeOf]. With timed, pendings that have a time limit have nodes as well.
func (c *Core) node(timed bool) Node {
	if c.is(flagDone) || !timed && !c.isOpen() {
		return nil
	}
	if c.runner != nil {
		n, _ := c.runner.(Node)
		return n
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.details == nil || c.details.Needs == nil && c.details.Completer == nil {
		return nil
	}
	return (*pendingNode)(c)
}

// IsOpen reports whether a pending is not done and has no time limit that would end it.
func IsOpen(c *Core) bool { return c.isOpen() }

func (c *Core) isOpen() bool {
	switch flags := c.flags.Load(); {
	case flags&(flagDone|flagTimed) != 0:
		return false
	case flags&(flagDelayed|flagQueueTimed) != 0:
		return flags&flagStarted != 0
	default:
		return true
	}
}

// pendingNode is the node of a pending without a function.
type pendingNode Core

// Needs implements [Node].
func (p *pendingNode) Needs(n *Needs) {
	c := (*Core)(p)
	c.mu.Lock()
	var inner Node
	var completer *Core
	if c.details != nil {
		inner, completer = c.details.Needs, c.details.Completer
	}
	c.mu.Unlock()
	switch {
	case c.node(n.Every) == nil:
		n.Live = true
	case inner != nil:
		inner.Needs(n)
	case completer != nil:
		n.Held = true
		n.AddPending(completer)
	default:
		n.Live = true
	}
}

// What implements [Node].
func (p *pendingNode) What() string {
	c := (*Core)(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.details == nil || c.details.Needs == nil {
		return ""
	}
	return c.details.Needs.What()
}

// sourceNode is what a pending made by [Follow] needs.
type sourceNode Core

// Needs implements [Node].
func (s *sourceNode) Needs(n *Needs) { n.AddPending((*Core)(s)) }

// What implements [Node].
func (*sourceNode) What() string { return "" }

// CompleterOf returns the pending whose function completes h, or nil.
func CompleterOf(c *Core) *Core {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.details == nil {
		return nil
	}
	return c.details.Completer
}

// SetCompleter sets what [CompleterOf] returns. It is for pendings that one function after the
// other may complete.
func SetCompleter(c, completer *Core) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ensureDetails().Completer = completer
}

// Recheck has those looked at whose functions wait for a pending that has a node by now.
func Recheck(c *Core) {
	node := NodeOf(c)
	if node == nil {
		return
	}
	var turns []Turn
	c.mu.Lock()
	for w := c.waiters.first; w != nil; w = w.next {
		if w.turn != nil {
			turns = append(turns, w.turn)
		}
		if w.next == c.waiters.first {
			break
		}
	}
	c.mu.Unlock()
	for _, t := range turns {
		t.Recheck(node)
	}
}

// Lock is what functions hold, and others wait for.
type Lock interface {
	// WaitingOutside says how many goroutines wait for the lock, if t holds it. Functions
	// with a turn do not count. It is "" if there are none.
	WaitingOutside(t *Task) string
}

// Contends notes that others than functions wait for l, which the function of t holds.
func (t *Task) Contends(l Lock) {
	c := t.Core()
	c.mu.Lock()
	defer c.mu.Unlock()
	if x := c.ensureDetails(); !c.is(flagDone) && !slices.Contains(x.contended, l) {
		x.contended = append(x.contended, l)
	}
}

// WaitingOutside says how many goroutines wait for the locks that the function of t holds, and
// for which. It is safe to call from any goroutine.
func (t *Task) WaitingOutside() (waiting []string) {
	c := t.Core()
	c.mu.Lock()
	var locks []Lock
	if c.details != nil {
		locks = slices.Clone(c.details.contended)
	}
	c.mu.Unlock()
	for _, l := range locks {
		if of := l.WaitingOutside(t); of != "" {
			waiting = append(waiting, of)
		}
	}
	return waiting
}
