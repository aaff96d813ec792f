package inspect

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
)

const (
	// answerTime is how long another node may take for its answer.
	answerTime = time.Second
	// mostNodes is how many other nodes are asked.
	mostNodes = 1000
	// mostAnswered bounds the answers of all nodes, in bytes. Each has its share.
	mostAnswered = 32 << 20
)

// Node is what a system has to do with other nodes.
type Node struct {
	Address     string       `json:"address"`     // "" if it does not listen
	Incarnation string       `json:"incarnation"` // a random number, new with each start of the node
	Leaving     bool         `json:"leaving"`     // it leaves its cluster
	Members     []Member     `json:"members"`     // of the cluster
	MembersN    int          `json:"members_count"`
	Identities  []Identity   `json:"identities"` // that are alive on the node
	IdentitiesN int          `json:"identities_count"`
	Sessions    []Session    `json:"sessions"`
	SessionsN   int          `json:"sessions_count"`
	Calls       []NodeCall   `json:"calls"` // to and from other nodes, that are not done
	CallsN      int          `json:"calls_count"`
	Remembered  Remembered   `json:"remembered"`
	Counters    NodeCounters `json:"counters"`
}

// Member is a node of a cluster.
type Member struct {
	ID      string   `json:"id"`
	Address string   `json:"address"`
	Kinds   []string `json:"kinds"`
}

// Identity is one of a cluster that is alive.
type Identity struct {
	Name   string `json:"name"` // its kind and itself, as "cart/alice"
	Caller string `json:"caller"`
}

// Session is one with another node, in which one of both calls functions of the other.
type Session struct {
	Out         bool   `json:"out"`  // this node calls
	Peer        string `json:"peer"` // the address of the other node; if that calls it is what it claims
	Incarnation string `json:"incarnation"`
	State       string `json:"state"`  // greeting, open or leaving
	Calls       int    `json:"calls"`  // that are not done
	Queued      int    `json:"queued"` // bytes that wait to be sent
}

// NodeCall is a call from one node to another that is not done.
type NodeCall struct {
	Out         bool    `json:"out"`  // this node has made it
	Peer        string  `json:"peer"` // as in Session
	Incarnation string  `json:"incarnation"`
	Number      uint64  `json:"number"` // in its session
	Function    string  `json:"function"`
	Target      string  `json:"target"`          // the caller that runs the function
	Call        uint64  `json:"call,omitempty"`  // if this node has made it, the pending of its result; else the call that runs
	Maker       uint64  `json:"maker,omitempty"` // the call that has made it, or loops over the stream
	State       string  `json:"state"`           // queued to be sent, open, arriving, or running
	Key         bool    `json:"key"`             // it is made again until it has an answer
	Stream      *Stream `json:"stream,omitempty"`
}

// Stream is how far the stream of a call is, on one of the nodes.
type Stream struct {
	Items   uint64 `json:"items"`             // that have come, or were sent
	Granted uint64 `json:"granted"`           // how many may be sent in all
	Promise uint64 `json:"promise,omitempty"` // what is waited for: the next item, or more to be granted
}

// Remembered is what a node knows of calls with a key that have ended.
type Remembered struct {
	Keys  int     `json:"keys"`
	Bytes int     `json:"bytes"`
	Most  int     `json:"most"` // of the bytes
	For   Seconds `json:"for"`  // how long each is remembered
}

// NodeCounters are those of the calls between nodes.
type NodeCounters struct {
	Open        int    `json:"open"`         // calls of this node that are not done
	OpenBytes   int    `json:"open_bytes"`   // of their arguments
	Served      int    `json:"served"`       // calls of other nodes that are not done
	ServedBytes int    `json:"served_bytes"` // of their arguments
	Late        uint64 `json:"late"`         // answers that came too late
	Denied      uint64 `json:"denied"`       // what was denied to other nodes
}

// OtherNode is another node, as it says itself.
type OtherNode struct {
	Address string `json:"address"`
	// State is "answers", "silent" if the node has not answered in a second, "down" if there
	// is no session with it, "hidden" if it does not use rpc.Inspectable, "denied" if it does
	// not let this node see it, "failed" after another error, "same" if it is the node of
	// another address, and "not asked" if there are too many nodes.
	State    string    `json:"state"`
	Error    string    `json:"error,omitempty"`
	Snapshot *Snapshot `json:"snapshot,omitempty"` // if it answers
}

// nodesOf returns what knows the other nodes of a system. It is nil if there is nothing.
func nodesOf(system *actor.ActorSystem) snapshot.Nodes {
	process, _ := system.ProcessRegistry.GetLocal(snapshot.NodesID)
	nodes, _ := process.(snapshot.Nodes)
	return nodes
}

func newNode(p *snapshot.Node) *Node {
	p.Tidy()
	n := &Node{
		Address: p.Address, Incarnation: p.Incarnation, Leaving: p.Leaving,
		Members: make([]Member, 0, len(p.Members)), MembersN: p.MembersN,
		Identities: make([]Identity, 0, len(p.Identities)), IdentitiesN: p.IdentitiesN,
		Sessions: make([]Session, 0, len(p.Sessions)), SessionsN: p.SessionsN,
		Calls: make([]NodeCall, 0, len(p.Calls)), CallsN: p.CallsN,
		Remembered: Remembered{p.Remembered.Keys, p.Remembered.Bytes, p.Remembered.Most, Seconds(p.Remembered.For)},
		Counters:   NodeCounters(p.Counters),
	}
	for _, m := range p.Members {
		n.Members = append(n.Members, Member{m.ID, m.Address, append([]string{}, m.Kinds...)})
	}
	for _, i := range p.Identities {
		n.Identities = append(n.Identities, Identity(i))
	}
	for _, s := range p.Sessions {
		n.Sessions = append(n.Sessions, Session(s))
	}
	for _, c := range p.Calls {
		call := NodeCall{
			c.Out, c.Peer, c.Incarnation, c.Number, c.Function, c.Target, c.Call, c.Maker, c.State, c.Key, nil,
		}
		if c.Stream != nil {
			stream := Stream(*c.Stream)
			call.Stream = &stream
		}
		n.Calls = append(n.Calls, call)
	}
	return n
}

// ask asks the other nodes, all at once.
func (s *Snapshot) ask(ctx context.Context, nodes snapshot.Nodes, o options) {
	others := nodes.Others()
	s.Nodes = make([]*OtherNode, len(others))
	share := mostAnswered / max(1, min(len(others), mostNodes))
	var all sync.WaitGroup
	for i, address := range others {
		if i >= mostNodes {
			s.Nodes[i] = &OtherNode{Address: snapshot.Clean(address), State: "not asked"}
			continue
		}
		all.Go(func() { s.Nodes[i] = askNode(ctx, nodes, address, o, share) })
	}
	all.Wait()
	s.merge()
	s.Across = s.acrossGraph().crossing()
}

// askNode asks one node for an answer of at most so many bytes.
func askNode(ctx context.Context, nodes snapshot.Nodes, address string, o options, most int) *OtherNode {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	answer := nodes.Ask(ctx, address, snapshot.Question{
		Limit: o.limit, Bytes: min(most, snapshot.MostReported), Filter: o.filter, Ages: o.ages,
	})
	n := &OtherNode{Address: snapshot.Clean(address), State: string(answer.State)}
	if answer.Err != nil {
		n.Error = snapshot.Clean(answer.Err.Error())
		return n
	}
	n.Snapshot = newSnapshot(answer.Report.System)
	n.Snapshot.addNode(answer.Report.Node)
	return n
}

// merge leaves one of the answers of each node: that under the address that the node itself
// says it has, else the first.
func (s *Snapshot) merge() {
	known := make(map[string]*OtherNode)
	if s.Node.Incarnation != "" {
		known[s.Node.Incarnation] = &OtherNode{Address: s.Node.Address}
	}
	byName := slices.SortedStableFunc(slices.Values(s.Nodes), func(a, b *OtherNode) int {
		return cmp.Compare(a.nameRank(), b.nameRank())
	})
	for _, n := range byName {
		if n.Snapshot == nil {
			continue
		}
		id := n.Snapshot.Node.Incarnation
		if first := known[id]; first != nil {
			n.State, n.Error, n.Snapshot = "same", "it is the node of "+first.Address, nil
			continue
		}
		known[id] = n
	}
}

// nameRank is 0 for a node that answers under its own address, else 1.
func (n *OtherNode) nameRank() int {
	if n.Snapshot != nil && n.Snapshot.Node.Address == n.Address {
		return 0
	}
	return 1
}
