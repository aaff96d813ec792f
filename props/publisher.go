package props

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
