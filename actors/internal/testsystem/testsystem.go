// Package testsystem marks the actor systems of tests, in which callers check more than
// they do in production, and in which a test may choose the order of steps.
package testsystem

import (
	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/extensions"

	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

var extensionID = extensions.NextExtensionID()

type mark struct{ chooser steps.Chooser }

// ExtensionID implements [extensions.Extension].
func (*mark) ExtensionID() extensions.ExtensionID { return extensionID }

// Mark says that a system is that of a test. The chooser is nil unless the test chooses the
// order of steps. It is called before the system is used.
func Mark(system *actor.ActorSystem, chooser steps.Chooser) {
	system.Extensions.Register(&mark{chooser})
}

// Is reports whether a system was marked.
func Is(system *actor.ActorSystem) bool { return system.Extensions.Get(extensionID) != nil }

// Steps returns who chooses the order of steps in a system, or nil.
func Steps(system *actor.ActorSystem) steps.Chooser {
	if m, ok := system.Extensions.Get(extensionID).(*mark); ok {
		return m.chooser
	}
	return nil
}
