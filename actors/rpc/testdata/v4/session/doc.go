// Package session is the state of a session between two nodes: what has been agreed,
// which calls are open, what waits to be sent, and when either side was last heard.
//
// A [Client] is the half of the node that calls, a [Server] that of the node that
// serves. Each is a plain state machine. Frames that have come, operations of the node
// and the time go in; batches to be sent and events come out. It has no lock, no
// goroutine, no clock and no transport: who uses it has them. The transport must keep
// the order of the batches, and lose none without ending.
//
// PROTOCOL.md of package rpc says what goes over the wire.
package session

import (
	"errors"
	"time"
)

const (
	// TickEvery is how often Tick is to be called.
	TickEvery = time.Second
	// PingEvery is how often a node sends something, if only a ping.
	PingEvery = 4 * time.Second
	// Silence is for how long a node may send nothing before the session ends. With
	// TickEvery it is less than 15 seconds.
	Silence = 12 * time.Second
	// HandshakeTime is how long the handshake may take.
	HandshakeTime = 10 * time.Second
	// A large payload must arrive within arrivalTime and a second for each slowRate
	// bytes of it.
	arrivalTime = 15 * time.Second
	slowRate    = 16 << 10
	// MaxProbes is how many probes may come from one tick to the next. The others are dropped.
	MaxProbes = 256
	// probeRoom is how much may wait to be sent before probes are dropped.
	probeRoom = 256 << 10
)

var (
	// ErrSilent is why a session ends whose other node sends nothing.
	ErrSilent = errors.New("rpc: the other node is silent")
	// ErrStalled is why a session ends whose other node takes nothing.
	ErrStalled = errors.New("rpc: the other node takes nothing")
	// ErrSlow is why a session ends with a payload that does not arrive in time.
	ErrSlow = errors.New("rpc: a payload has not arrived in time")
	// ErrHandshake is why a session ends whose handshake has taken too long.
	ErrHandshake = errors.New("rpc: the other node has not answered the handshake")
	// ErrProtocol is why a session ends whose other node has sent what it must not.
	ErrProtocol = errors.New("rpc: the other node breaks the protocol")
	// ErrLeaving is the error of a call on a node that takes no more calls.
	ErrLeaving = errors.New("rpc: the other node takes no more calls")
	// ErrNotOpen is the error of a call in a session that has ended.
	ErrNotOpen = errors.New("rpc: the session has ended")
)
