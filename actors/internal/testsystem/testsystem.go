// Package testsystem marks the actor systems of tests. Their callers check more than
// those of production, and a test may choose the order of steps.
package testsystem

import (
	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/extensions"

	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

var extensionID = extensions.NextExtensionID()

type mark struct {
	chooser  steps.Chooser
	recorder steps.Recorder
}

// ExtensionID implements [extensions.Extension].
func (*mark) ExtensionID() extensions.ExtensionID { return extensionID }

// Mark says that a system is that of a test. The chooser is nil unless the test chooses the
// order of steps. The recorder is told what the functions of its callers do. Mark is called
// before the system is used.
func Mark(system *actor.ActorSystem, chooser steps.Chooser, recorder steps.Recorder) {
	steps.Enable()
	system.Extensions.Register(&mark{chooser, recorder})
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

// Recorder returns who records what goes on in a system, or nil.
func Recorder(system *actor.ActorSystem) steps.Recorder {
	if m, ok := system.Extensions.Get(extensionID).(*mark); ok {
		return m.recorder
	}
	return nil
}
