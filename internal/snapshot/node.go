package snapshot

import (
	"context"
	"encoding/hex"
	"time"
)

// NodesID is the id of the process of an actor system that is a [Nodes].
const NodesID = "callers.rpc"

// Nodes knows what one actor system has to do with other nodes. It is safe for concurrent
// use.
type Nodes interface {
	// Node returns what the node has to do with others now, with up to limit of each kind
	// of thing. It holds the lock of one session at a time.
	Node(limit int) *Node
	// Others returns the addresses of the nodes that may be asked, in order: the members
	// of its cluster, and those that it has a session with to call them. It may wait no time.
	Others() []string
	// Ask asks another node what it does. It is no good for an address that is not one of
	// Others. Ask ends with ctx.
	Ask(ctx context.Context, address string, q Question) Answer
}

// Node is what an actor system has to do with other nodes.
type Node struct {
	Address     string
	Incarnation string // a random number, new with each start of the node
	Leaving     bool   // it leaves its cluster
	Members     []Member
	MembersN    int
	Identities  []Identity // that are alive here
	IdentitiesN int
	Sessions    []Session
	SessionsN   int
	Calls       []NodeCall // under way, made here or there
	CallsN      int
	Remembered  Remembered
	Counters    NodeCounters
}

// Member is a node of a cluster.
type Member struct {
	ID, Address string
	Kinds       []string
}

// Identity is one of a cluster that is alive.
type Identity struct {
	Name   string // its kind and itself: "cart/alice"
	Caller string `id:"caller"` // the id of its caller
}

// Session is one with another node, in which one of both calls functions of the other.
type Session struct {
	Out         bool   // this node calls
	Peer        string // the address of the other node; if that calls it is what it claims
	Incarnation string // of the other node; "" before the handshake
	State       string // greeting, open or leaving
	Calls       int    // that are not done
	Queued      int    // bytes that wait to be sent
}

// NodeCall is a call between this node and another one.
type NodeCall struct {
	Out         bool   // this node has made it
	Peer        string // as in Session
	Incarnation string
	Number      uint64 // of the call in its session
	Function    string
	Target      string `id:"caller"` // the caller that runs the function
	Call        uint64 // the pending of the one who has made it, or the function that runs; 0 if it does not run yet
	Maker       uint64 // of one that this node has made: the function that has; 0 for none
	State       string // queued to be sent, open, arriving, or running
	Key         bool   // it is made again until it has an answer
	Stream      *Stream
}

// Stream is how far the stream of a call is, on one of the nodes.
type Stream struct {
	Items   uint64 // that have come, or were sent
	Granted uint64 // how many may be sent in all
	Promise uint64 // the pending of who waits for an item, or for more to be granted; 0 if nobody waits
}

// Remembered is what is known of calls with a key that have ended.
type Remembered struct {
	Keys, Bytes int
	Most        int // of the bytes
	For         time.Duration
}

// NodeCounters are those of the calls between nodes.
type NodeCounters struct {
	Open, OpenBytes     int // of this node
	Served, ServedBytes int // of others
	Late, Denied        uint64
}

// Question is what one node asks another one.
type Question struct {
	Limit  int // of the callers, of the calls of each of them, and of the things of a Node
	Bytes  int // of the answer
	Filter Filter
	Ages   bool
}

// AnswerState is how a node has answered.
type AnswerState string

// The states of an answer.
const (
	Answers AnswerState = "answers"
	Silent  AnswerState = "silent" // it has not answered in time
	Down    AnswerState = "down"   // there is no session with it
	Hidden  AnswerState = "hidden" // it does not let itself be inspected
	Denied  AnswerState = "denied" // not by this node
	Failed  AnswerState = "failed" // it answers what is no report, or with another error
)

// Answer is what a node has said, or why it has not.
type Answer struct {
	State  AnswerState
	Err    error   // nil if it answers
	Report *Report // nil if it does not
}

// Report is what a node says of itself.
type Report struct {
	Taken  time.Time // by the clock of the node
	System *System
	Node   *Node
}

// IncarnationOf returns how the random number of a node is written. That of a node which is
// not known is zero.
func IncarnationOf(number [16]byte) string {
	if number == [16]byte{} {
		return ""
	}
	return hex.EncodeToString(number[:])
}
