package actors

import (
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// start is the rest of a start that was claimed.
func (c *Caller) start() error {
	hook, err := c.open()
	if err != nil {
		return err
	}
	return c.waitHook(hook)
}

// open starts the scheduler. It returns the call of OnStart, nil for none.
func (c *Caller) open() (hook *startHook, err error) {
	defer c.sched.Open() // even if user code ends the goroutine
	if err := c.openPublication(); err != nil {
		c.stop(err)
		return nil, err
	}
	c.startExecutor()
	return c.beginOnStart(), nil
}

// startExecutor starts the thread or host of the functions, if there is one.
func (c *Caller) startExecutor() {
	switch {
	case c.config.Host != nil:
		c.sched.StartHosted(c.config.Host)
		if host, ok := c.config.Host.(props.EndingHost); ok {
			go c.step("watches its host", func() { c.watchHost(host) })()
		}
	case c.config.Backend == props.Thread:
		c.sched.StartThread()
	}
}

// started is called when the actor has handled its Started message.
func (c *Caller) started() {
	if c.config.OnStart == nil { // else the caller runs when that has returned
		c.transition(StateStarting, StateRunning)
	}
}

// finalize completes the end of the caller, after its actor has ended. Only the
// first call has an effect. Waiters are notified last.
func (c *Caller) finalize() {
	c.ended.Do(func() {
		c.registry.remove(c)
		if p := c.parent; p != nil {
			p.mu.Lock()
			if p.children[c.Name()] == c {
				delete(p.children, c.Name())
			}
			p.mu.Unlock()
		}
		if c.worker != nil {
			c.worker.pool.drop(c.worker)
		}
		// User code is called on the way, and may end the goroutine.
		defer c.notifyStopped()
		// Who waits for the end finds the event queued. It is published after the end.
		c.noteEnd()
		defer c.publish(supervision.Stopped{Who: c.pid, Name: c.Name(), Err: c.stopCause()})
		defer c.sched.ForgetTurns()
		defer c.sched.CloseExecutors()
		defer c.registry.removeCaller(c.config.Telemetry)
		c.closePublication()
	})
}

// notifyStopped notifies the goroutines and functions that wait for the end.
func (c *Caller) notifyStopped() {
	c.mu.Lock()
	c.state.Store(int32(StateStopped))
	var end *pending.Pending[struct{}]
	if c.coldState != nil {
		end = c.coldState.end
	}
	c.mu.Unlock()
	if end != nil {
		end.SetResult(struct{}{})
	}
}
