package actorstest

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// route is a direction between two addresses.
type route struct{ from, to string }

// link carries messages from one member of a network to another, if there are
// faults. It is guarded by the mu of the network.
type link struct {
	from       string
	to         *member
	random     *rand.Rand
	queue      []arrival // by time
	timer      *time.Timer
	delivering bool
}

// StepName names the link in a list of steps.
func (l *link) StepName() string { return l.from + " to " + l.to.address }

// arrival is a message that is under way.
type arrival struct {
	at time.Time
	packet
}

// send sends a message. It returns how many copies of it arrive at once. mu must
// be held.
func (n *Network) send(r route, to *member, p packet) (now int) {
	if n.isPartitioned(r.from, r.to) {
		return 0
	}
	if n.faults == (faults{seed: n.faults.seed}) {
		return 1
	}
	l := n.links[r]
	if l == nil {
		l = &link{from: r.from, to: to, random: n.faults.random(r)}
		n.links[r] = l
	}
	delays := n.faults.sampleDelays(l.random)
	if n.faults.longest == 0 {
		return len(delays)
	}
	for _, delay := range delays {
		n.add(l, arrival{time.Now().Add(delay), p.copied()})
	}
	return 0
}

// add queues a message. mu must be held.
func (n *Network) add(l *link, a arrival) {
	i := len(l.queue)
	if n.faults.reorder {
		i, _ = slices.BinarySearchFunc(l.queue, a, func(queued, a arrival) int {
			if queued.at.After(a.at) {
				return 1
			}
			return -1 // also at the same time: behind what was sent before
		})
	} else if i > 0 && l.queue[i-1].at.After(a.at) {
		a.at = l.queue[i-1].at
	}
	l.queue = slices.Insert(l.queue, i, a)
	if i == 0 && !l.delivering {
		n.arm(l)
	}
}

// arm sets the timer for the first message. mu must be held.
func (n *Network) arm(l *link) {
	wait := time.Until(l.queue[0].at)
	if l.timer == nil {
		l.timer = time.AfterFunc(wait, steps.Before(n.steps(), l, "arrives", func() { n.deliver(l) }))
	} else {
		l.timer.Reset(wait)
	}
}

// deliver delivers the messages that are due, in order.
func (n *Network) deliver(l *link) {
	if !n.begin(l) {
		return
	}
	returned := false
	defer func() {
		if !returned { // a handler has ended the goroutine, or panics
			go n.deliverOn(l)
		}
	}()
	for p, ok := n.next(l); ok; p, ok = n.next(l) {
		l.to.receive(p)
	}
	returned = true
}

// deliverOn is deliver for the rest of what is due.
func (n *Network) deliverOn(l *link) {
	n.mu.Lock()
	l.delivering = false
	n.mu.Unlock()
	steps.At(n.steps(), l, "delivers the rest")
	n.deliver(l)
}

// begin reports whether this goroutine is to deliver. Another one may be at it: a
// timer that is set anew may have fired before.
func (n *Network) begin(l *link) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l.delivering {
		return false
	}
	l.delivering = true
	return true
}

// next returns the first message if it is due. If it is not, delivery ends.
func (n *Network) next(l *link) (p packet, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(l.queue) > 0 && !l.queue[0].at.After(time.Now()) {
		p = l.queue[0].packet
		l.queue = slices.Delete(l.queue, 0, 1)
		return p, true
	}
	l.delivering = false
	if len(l.queue) > 0 {
		n.arm(l)
	}
	return packet{}, false
}

// discard drops the messages under way. mu must be held.
func (l *link) discard() {
	l.queue = nil
	if l.timer != nil {
		l.timer.Stop()
	}
}
