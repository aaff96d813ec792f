package actorstest

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/testsystem"
)

// World is what one schedule of [Explore] may use: actor systems that are joined by a
// network in memory, all of it in the order that is tried. It is safe for concurrent use,
// but [World.System] and [World.Network] must be called on the goroutine of the test.
type World struct {
	tb          testing.TB
	control     *controller
	exploration *exploration
	seed        uint64
	network     *Network
	history     History
}

// System returns a new actor system with that name as its address. It ends with the
// schedule, as that of [NewSystem] does.
//
// The schedule fails at once if the name is in use.
func (w *World) System(name string) *actor.ActorSystem { return w.Network().System(name) }

// Network returns the network that joins the systems of the world, to part and to crash
// them. Its faults are the options of [Explore], with the seed of the schedule.
func (w *World) Network() *Network {
	if w.network == nil {
		faults := w.exploration.faults
		faults.seed = w.seed
		w.network = newNetwork(w.tb, faults)
		w.network.world = w
	}
	return w.network
}

// Settle waits until nothing can go on but by the passing of time. It stands for
// [synctest.Wait], which must not be called in [Explore].
func (w *World) Settle() { w.control.settle(0) }

func (w *World) newSystem(name string) *actor.ActorSystem {
	system := copiedSystem(w.exploration.template, name)
	system.Root.WithSpawnMiddleware(w.control.spawnMiddleware)
	testsystem.Mark(system, w.control, ledgerOf(w.tb).recorder())
	endWith(w.tb, system)
	if w.control.isExhaustive() {
		of := subscription{name}
		system.EventStream.Subscribe(func(any) { w.control.Touch(of) }) // whoever publishes
	}
	return system
}
