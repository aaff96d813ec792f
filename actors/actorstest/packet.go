package actorstest

import (
	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"
)

// packet is a message on its way to another system.
type packet struct {
	to      *actor.PID
	message any  // an envelope, or without
	system  bool // of the lane for system messages
}

// copied returns the packet as a wire would deliver it. Two systems must not share
// a PID, because a PID caches the process that it leads to.
func (p packet) copied() packet {
	p.to = copyOf(p.to)
	if _, ok := p.message.(*actor.MessageEnvelope); !ok {
		p.message = copyOf(p.message)
		return p
	}
	header, message, sender := actor.UnwrapEnvelope(p.message)
	envelope := &actor.MessageEnvelope{Message: copyOf(message), Sender: copyOf(sender)}
	if header.Length() > 0 {
		envelope.Header = header.ToMap()
	}
	p.message = envelope
	return p
}

// canTravel reports whether a real network would encode the message. What is not of protobuf
// is passed as it is.
func (p packet) canTravel() bool {
	message, ok := actor.UnwrapEnvelopeMessage(p.message).(proto.Message)
	if !ok || !message.ProtoReflect().IsValid() {
		return true
	}
	_, err := proto.Marshal(message) // fails for a string that is not UTF-8
	return err == nil
}

// copyOf returns a copy of a protobuf message, and anything else as it is.
func copyOf[T any](message T) T {
	if m, ok := any(message).(proto.Message); ok && m.ProtoReflect().IsValid() {
		return proto.Clone(m).(T)
	}
	return message
}

func (p packet) deliver(to actor.Process) {
	if p.system {
		to.SendSystemMessage(p.to, p.message)
	} else {
		to.SendUserMessage(p.to, p.message)
	}
}

// remoteProcess is the process behind every PID of another system.
type remoteProcess struct{ from *member }

// SendUserMessage implements [actor.Process].
func (p remoteProcess) SendUserMessage(pid *actor.PID, message any) {
	p.from.network.carry(p.from, packet{to: pid, message: message})
}

// SendSystemMessage implements [actor.Process].
func (p remoteProcess) SendSystemMessage(pid *actor.PID, message any) {
	p.from.network.carry(p.from, packet{to: pid, message: message, system: true})
}

// Stop implements [actor.Process].
func (p remoteProcess) Stop(pid *actor.PID) { p.SendSystemMessage(pid, &actor.Stop{}) }
