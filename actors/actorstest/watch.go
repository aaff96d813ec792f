package actorstest

import (
	"cmp"

	"github.com/asynkron/protoactor-go/actor"
)

// watch says that an actor of one system watches one of another.
type watch struct{ watcher, watchee place }

// place is what there is of a PID without its process.
type place struct{ address, id string }

func placeOf(pid *actor.PID) place { return place{pid.GetAddress(), pid.GetId()} }

func (p place) pid() *actor.PID { return actor.NewPID(p.address, p.id) }

// compare orders the watches between two systems.
func (w watch) compare(other watch) int {
	return cmp.Or(cmp.Compare(w.watcher.id, other.watcher.id), cmp.Compare(w.watchee.id, other.watchee.id))
}

func watchOf(watcher, watchee *actor.PID) watch { return watch{placeOf(watcher), placeOf(watchee)} }

// note remembers who watches whom, which is to be known when a system is gone.
// The caller holds mu.
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

// outdated reports whether a message tells the end of an actor to one that no
// longer watches it, or that was told before.
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
