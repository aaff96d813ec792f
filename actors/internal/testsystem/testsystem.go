// Package testsystem marks the actor systems of tests, in which callers check more than
// they do in production.
package testsystem

import (
	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/extensions"
)

var extensionID = extensions.NextExtensionID()

type mark struct{}

// ExtensionID implements [extensions.Extension].
func (mark) ExtensionID() extensions.ExtensionID { return extensionID }

// Mark says that a system is that of a test. It is called before the system is used.
func Mark(system *actor.ActorSystem) { system.Extensions.Register(mark{}) }

// Is reports whether a system was marked.
func Is(system *actor.ActorSystem) bool { return system.Extensions.Get(extensionID) != nil }
