package actors

import (
	"fmt"
	"log/slog"

	"github.com/seed-7fcaac1b/protocaller/props"
)

// watchHost stops the caller when its host has ended.
func (c *Caller) watchHost(host props.EndingHost) {
	select {
	case <-c.Stopped():
		return
	case <-host.Done():
	}
	c.stop(fmt.Errorf("actors: the host %s has ended", host.Name()))
	c.sched.LeaveHost()
	c.abandonTasks(c.sched.Active(), "its host has ended", slog.String("host", host.Name()))
}
