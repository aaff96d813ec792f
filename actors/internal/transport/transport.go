// Package transport is what carries the sessions of package rpc: gRPC between processes,
// memory between the systems of a test.
package transport

import (
	"context"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/extensions"

	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// Conn carries batches both ways, in order, until it ends. It loses none without ending.
type Conn interface {
	// Send sends head, and tail behind it, as one batch. It may wait for room. It owns
	// head, and does not change tail. It is called by one goroutine at a time.
	Send(head, tail []byte) error
	// Recv returns the parts of the next batch, which hold until Recv is called again. It
	// is called by one goroutine at a time.
	Recv() ([][]byte, error)
	// End ends the connection for both sides. What waits in Send or Recv returns. It may
	// be called more than once, from any goroutine.
	End()
}

// Network connects the systems of a test. It may be used from any goroutine.
type Network interface {
	// Dial connects to the system at an address.
	Dial(ctx context.Context, from *actor.ActorSystem, address string) (Conn, error)
}

var extensionID = extensions.NextExtensionID()

// Host is the network of a system, and what takes the connections to it. It may be used
// from any goroutine.
type Host struct {
	Network
	steps steps.Chooser // nil unless a test chooses the order of steps

	mu    sync.Mutex
	serve func(Conn)
}

// ExtensionID implements [extensions.Extension].
func (*Host) ExtensionID() extensions.ExtensionID { return extensionID }

// Attach makes a system part of a network. It is called before the system is used. The
// chooser is nil unless the test chooses the order of steps.
func Attach(system *actor.ActorSystem, network Network, chooser steps.Chooser) {
	system.Extensions.Register(&Host{Network: network, steps: chooser})
}

// Steps returns who chooses the order of steps, or nil. So it does for a nil host.
func (h *Host) Steps() steps.Chooser {
	if h == nil {
		return nil
	}
	return h.steps
}

// Of returns the host of a system, nil if it is in no network of a test.
func Of(system *actor.ActorSystem) *Host {
	host, _ := system.Extensions.Get(extensionID).(*Host)
	return host
}

// Serve has serve called with each connection to the system, on a goroutine of its own.
func (h *Host) Serve(serve func(Conn)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.serve = serve
}

// Accept hands a connection over, and reports whether anybody takes it.
func (h *Host) Accept(conn Conn) bool {
	h.mu.Lock()
	serve := h.serve
	h.mu.Unlock()
	if serve != nil {
		go steps.Before(h.steps, conn, "begins", func() { serve(conn) })()
	}
	return serve != nil
}
