package props

// Publication is where a caller publishes to, opened for it alone: a socket, a
// file, a topic of a broker.
type Publication interface {
	// Publish sends data under a topic. It is called from any goroutine, also
	// from several at a time. A stop waits until it has returned, however long
	// that takes.
	Publish(topic string, data []byte) error
	// Close is called once, when the last function of the caller has returned and
	// no Publish is under way any more, and before the caller counts as stopped.
	// Publishing on the caller is an error that matches pending.ErrStopped by then.
	Close() error
}

// Publisher has a publication opened for the caller when it starts, for
// actors.Caller.Publish. The function is given the caller's id, on a goroutine of
// its own; an error, or a panic, of it fails the start. Children inherit it, each
// with a publication of its own, unless they are given Publisher(nil). The seed's
// zmq_context and iopub_sockets.
func Publisher(open func(id string) (Publication, error)) Option {
	return func(c *Config) error {
		c.Publisher = open
		return nil
	}
}
