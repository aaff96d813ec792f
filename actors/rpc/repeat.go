package rpc

import (
	"errors"
	"time"
)

// mayRepeat reports whether a call with a key is made again after an error: if
// nothing is remembered of it where it was made, or nobody knows.
func (n *node) mayRepeat(err error) bool {
	if there := (*RemoteError)(nil); errors.As(err, &there) {
		return there.again
	}
	return errors.Is(err, ErrNodeDown) && n.system.Address() != nowhere
}

// repeat sends an attempt again that has had no answer for too long. It has the
// same number, so that the answer to either is the answer.
func (c *remoteCall[Resp]) repeat(number uint64) {
	at, open := c.overdue(number)
	if !open {
		return
	}
	request, err := c.request(at)
	if err != nil {
		c.SetError(err)
		return
	}
	request.Generation, request.Call = c.node.generation, number
	if at.address != here {
		size, limit := request.GetRequest().SizeVT(), c.node.config.Load().maxOpenBytes
		if err := c.node.backlog.add(at.address, size, limit); err != nil {
			return // it is among what waits
		}
	}
	c.node.send(at.address, request)
}

// overdue reports whether an attempt is still under way, and where, and sets the
// time at which it is sent once more.
func (c *remoteCall[Resp]) overdue(number uint64) (at place, open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over || c.number != number {
		return place{}, false
	}
	c.repeated++
	c.next = time.AfterFunc(*c.attemptTimeout+pauseAfter(c.repeated), func() { c.repeat(number) })
	return c.at, true
}

// stopTimer has no further attempt made. The caller holds mu.
func (c *remoteCall[Resp]) stopTimer() {
	if c.next != nil {
		c.next.Stop()
	}
}
