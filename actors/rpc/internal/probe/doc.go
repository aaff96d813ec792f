// Package probe finds circles of waits that lead through several nodes.
//
// A [Machine] is the part of one node. It is a plain state machine. Probes that have come, the
// functions of the node and the time go in; probes to be sent come out. It has no lock, no
// goroutine, no clock and no transport: who uses it has them. The wait graph of the node is
// behind [Root].
//
// A circle is found in three steps:
//
//   - Searching: a node sends a probe along a call to another node that a function of its needs.
//     Each node has it go on along the calls that the called function needs for certain. Each adds
//     a hop, which identifies all waits because of which that is so. A probe that comes back has
//     found a circle. All nodes of a circle may search. Of their probes the one of the smallest
//     call comes round; the others are dropped on the way.
//   - Nominating: after a pause the node that has found the circle tells the one whose wait began
//     last, along the circle. Each node checks its hop. Of one circle it is always the same one.
//   - Checking: that node sends a probe of its own round the circle. Each node checks that its
//     waits are still those of the hop. When the probe is back, there was a moment at which all
//     waits of the circle were under way. The node ends its wait.
//
// That finds circles in which each function needs a call for certain. A function that needs one of
// several calls asks instead: its node gathers what all of those need, and so on, from the nodes that
// serve them. If all that it needs leads back to it, and nothing of that goes on, it is a circle.
// The node whose wait began last is told, asks itself, and once more after a pause. It ends its wait
// if the circle is the same. Of all functions of a circle that could ask the smallest one is told all.
// To the others it tells nothing.
//
// A node ends no wait because another one says so, but only when a probe of its own has come
// back, or its own questions were answered. Only those know their nonces whom the calls have led them
// to. So a node that lies can only end waits for calls to that node, or that lead there. Of the
// calls that a function needs it can do so although another one would have ended the wait.
package probe

import "time"

const (
	// Patience is for how long a function has waited before its node searches.
	Patience = time.Second
	// Pause is the time between the search and the check. It is longer than a wait that is
	// about to end.
	Pause = 250 * time.Millisecond
	// Lifetime is for how long a probe is of any use.
	Lifetime = 5 * time.Second
	// MaxForks is how many ways a probe goes on at most.
	MaxForks = 8
	// again is when a search begins again over a call: the circle may be closed by then. Calls are
	// looked at every second.
	again = 900 * time.Millisecond
	// lostAfter is how soon a node notices that a call is over about which it has asked.
	lostAfter = 200 * time.Millisecond
	// maxSent is how many probes of its own a node has under way.
	maxSent = 1024
	// maxYoung is how many functions are looked at again when they have waited long enough.
	maxYoung = 256
	// maxSeen is how many probes of others it remembers for a Lifetime.
	maxSeen = 4096
	// maxGathers is in how many questions a node has a part, and how many searches of its own ask.
	maxGathers = 1024
	// maxAnswers is how many answers it puts together at a time, and maxHeld how many needs they
	// have in all.
	maxAnswers = 1024
	maxHeld    = 16384
)
