package actorstest

import (
	"cmp"

	"github.com/asynkron/protoactor-go/actor"
)

// watch records that an actor of one system watches an actor of another.
type watch struct{ watcher, watchee place }

// place is a PID without its process.
type place struct{ address, id string }

func placeOf(pid *actor.PID) place { return place{pid.GetAddress(), pid.GetId()} }

func (p place) pid() *actor.PID { return actor.NewPID(p.address, p.id) }

// compare orders the watches between two systems.
func (w watch) compare(other watch) int {
	return cmp.Or(cmp.Compare(w.watcher.id, other.watcher.id), cmp.Compare(w.watchee.id, other.watchee.id))
}

func watchOf(watcher, watchee *actor.PID) watch { return watch{placeOf(watcher), placeOf(watchee)} }

// note records who watches whom, for the crash of a system. mu must be held.
func (n *Network) note(p packet) {
	if !p.system {
		return
	}
	switch m := p.message.(type) {
	case *actor.Watch:
		n.watches[watchOf(m.Watcher, p.to)] = struct{}{}
	case *actor.Unwatch:
		delete(n.watches, watchOf(m.Watcher, p.to))
	}
}

// outdated reports whether a message is a notification of termination that is not
// wanted. That is so if its receiver has unwatched the actor, or was notified
// before.
func (n *Network) outdated(p packet) bool {
	terminated, ok := p.message.(*actor.Terminated)
	if !ok || !p.system {
		return false
	}
	w := watchOf(p.to, terminated.Who)
	n.mu.Lock()
	defer n.mu.Unlock()
	_, watched := n.watches[w]
	delete(n.watches, w)
	return !watched
}
