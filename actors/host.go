package actors

import (
	"fmt"
	"log/slog"

	"github.com/seed-7fcaac1b/protocaller/props"
)

// watchHost stops the caller when its host has ended.
func (c *Caller) watchHost(host props.EndingHost) {
	name := c.config.HostName()
	var done <-chan struct{}
	if err := attempt(func() { done = host.Done() }); err != nil {
		c.loseHost(fmt.Errorf("actors: ask whether the host %s has ended: %w", name, err))
		return
	}
	if done == nil {
		return // it never does
	}
	select {
	case <-c.Stopped():
	case <-done:
		c.loseHost(fmt.Errorf("actors: the host %s has ended", name))
	}
}

// loseHost stops the caller with a cause, and abandons its host.
func (c *Caller) loseHost(why error) {
	defer func() { // the stop calls user code, which may end the goroutine
		c.sched.LeaveHost()
		c.abandonTasks(c.sched.Active(), "its host has ended", slog.String("host", c.config.HostName()))
	}()
	c.stop(why)
}
