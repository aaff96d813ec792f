package props

import "github.com/asynkron/protoactor-go/actor"

// Publication is the destination of what one caller publishes: a socket, a file, a topic
// of a broker. Its Publish must be safe for concurrent use.
type Publication interface {
	// Publish sends data under a topic. It is called from any goroutine, and by
	// several at once. A stop waits until it has returned, without a limit.
	Publish(topic string, data []byte) error
	// Close is called once, before the caller counts as stopped. At that time
	// the last function of the caller has returned and no Publish is running.
	// By then Publish of the caller returns an error that matches pending.ErrStopped.
	Close() error
}

// Publisher opens a publication for the caller when it starts, and actors.Caller.Publish
// sends to it. Children inherit open, and each has a publication of its own.
// Publisher(nil) is for a child without one.
//
// The function open is called with the caller's id, on a goroutine of its own. The start
// waits for it. If open returns an error or panics, the start fails.
func Publisher(open func(id string) (Publication, error)) Option {
	return func(c *Config) error {
		c.Publisher = open
		return nil
	}
}

// Published is the event that [EventStream] publishes.
type Published struct {
	CallerID string
	Topic    string
	Data     []byte
}

// EventStream is for [Publisher]: its callers publish a [Published], as a value, on the
// event stream of system.
func EventStream(system *actor.ActorSystem) func(id string) (Publication, error) {
	if system == nil {
		panic("props: EventStream with a nil system")
	}
	return func(id string) (Publication, error) { return streamPublication{system, id}, nil }
}

type streamPublication struct {
	system *actor.ActorSystem
	id     string
}

// Publish implements [Publication].
func (s streamPublication) Publish(topic string, data []byte) error {
	s.system.EventStream.Publish(Published{CallerID: s.id, Topic: topic, Data: data})
	return nil
}

// Close implements [Publication]. The event stream goes on.
func (s streamPublication) Close() error { return nil }
