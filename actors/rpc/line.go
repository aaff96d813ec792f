package rpc

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// lines are the ways to other nodes on which something is to be sent. What comes
// at about the same time goes as one message, because each message costs protoactor
// far more than what is in it.
type lines struct {
	mu      sync.Mutex
	closed  bool
	busy    map[string]*line // by address
	senders sync.WaitGroup   // one for each of those
	last    uint32           // the number of a bundle
}

// line holds what is to be sent to one node, in order.
type line struct {
	to      *actor.PID
	waiting []*wire.Envelope
}

// put has an envelope sent, unless the lines are closed.
func (l *lines) put(n *node, address string, e *wire.Envelope) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.add(n, address, e)
	}
}

// putCall has a call sent that gets its number from register, unless that returns an
// error. Numbers are given out in the order in which calls are sent, because a node takes
// a call for a repetition that comes after many with higher numbers.
func (l *lines) putCall(
	n *node, address string, e *wire.Envelope, register func() (uint64, error),
) (number uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number, err = register(); err != nil {
		return 0, err
	}
	e.Call = number
	l.add(n, address, e)
	return number, nil
}

// add has an envelope sent. The caller holds mu.
func (l *lines) add(n *node, address string, e *wire.Envelope) {
	way := l.busy[address]
	if way == nil {
		if l.busy == nil {
			l.busy = make(map[string]*line)
		}
		way = &line{to: actor.NewPID(address, processID)}
		l.busy[address] = way
		l.senders.Go(func() { l.send(n, way) })
	}
	way.waiting = append(way.waiting, e)
}

// send sends what a line holds until that is nothing.
func (l *lines) send(n *node, way *line) {
	for {
		runtime.Gosched() // those who are about to put something go first
		waiting := l.take(way)
		if len(waiting) == 0 {
			return
		}
		for len(waiting) > 0 {
			together := inOneBundle(waiting)
			n.sendBundle(way.to, waiting[:together])
			waiting = waiting[together:]
		}
	}
}

// take empties a line, which ends if it was empty.
func (l *lines) take(way *line) []*wire.Envelope {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := way.waiting
	way.waiting = nil
	if len(waiting) == 0 {
		delete(l.busy, way.to.GetAddress())
	}
	return waiting
}

// close returns when all is sent that was put, after which nothing is.
func (l *lines) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.senders.Wait()
}

// number returns that of another bundle, which is not 0.
func (l *lines) number() uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last++; l.last == 0 {
		l.last++
	}
	return l.last
}

// inOneBundle returns how many of the envelopes go together.
func inOneBundle(waiting []*wire.Envelope) int {
	bytes := 0
	for i, e := range waiting {
		bytes += protowire.SizeBytes(e.SizeVT())
		if i == wire.MostInBundle || i > 0 && bytes > wire.LargestBundle {
			return i
		}
	}
	return len(waiting)
}

// sendBundle sends envelopes as one message. A dead letter comes back with the
// number of the bundle.
func (n *node) sendBundle(to *actor.PID, all []*wire.Envelope) {
	bundle := n.lines.number()
	defer func() {
		if r := recover(); r != nil { // as in protoactor's remote, while it is shut down by others
			n.dropped("bundle", r)
			go n.fail(bundle, fmt.Errorf("%w: %v", ErrNodeDown, r)) // who hears of it may wait for this goroutine
		}
	}()
	n.calls.bundled(bundle, all)
	n.backlog.bundled(to.GetAddress(), bundle, all)
	message, err := wire.Pack(all)
	if err != nil {
		panic(err) // it is not said to return any
	}
	sender := n.system.NewLocalPID(processID)
	sender.RequestId = bundle
	n.system.Root.Send(to, &actor.MessageEnvelope{Message: message, Sender: sender})
}
