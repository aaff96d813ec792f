package actors

import (
	"context"
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/props"
)

// New returns a caller that is not started. Calls on it are queued until [Caller.Start]
// or [Caller.Run]. It has no parent, and inherits the [Defaults] of the system.
//
// The error is that of an option, or [actor.ErrNameExists]. It may be called from any
// goroutine.
func New(system *actor.ActorSystem, opts ...props.Option) (*Caller, error) {
	requireSystem(system, "New")
	r := registryOf(system)
	config, err := r.describe(opts...)
	if err != nil {
		return nil, err
	}
	name := config.Name
	if name == "" {
		name = system.ProcessRegistry.NextId()
	}
	c := newCaller(r, nil, config, false)
	r.addCaller(config.Telemetry)
	if err := c.spawn(rootID+"/"+name, r.pid); err != nil {
		r.removeCaller(config.Telemetry)
		return nil, err
	}
	return c, nil
}

// Start returns a running caller without a parent. It waits for the publication and for
// [props.OnStart].
//
// The error is that of [New], of opening the publication, or of OnStart. It may be called
// from any goroutine.
func Start(system *actor.ActorSystem, opts ...props.Option) (*Caller, error) {
	requireSystem(system, "Start")
	c, err := New(system, opts...)
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	return c, nil
}

// Start starts a caller made by [New]. It waits for the publication and for
// [props.OnStart], and keeps the turn.
//
// It is an error if the caller was started or stopped before. A caller whose publication
// cannot be opened is stopped, and so is one whose OnStart fails.
func (c *Caller) Start() error {
	if err := c.claimStart(); err != nil {
		return err
	}
	return c.start()
}

// Run starts a caller made by [New], and returns when the caller has stopped. Functions
// run on the goroutine that calls Run. While one of them waits there, the others run
// elsewhere.
//
// With [props.Thread] all functions run on that goroutine, also after a wait. The
// goroutine is locked to its thread. In func main that may be the main thread: a
// LockOSThread in func init makes it so.
//
// The end of ctx stops the caller, protected or not. The error is nil for an ordinary
// stop, else the failure that stopped the caller. It is an error if the caller was
// started or stopped before, or has a host. A function that calls [runtime.Goexit] ends
// this goroutine, and with it the caller.
func (c *Caller) Run(ctx context.Context) error {
	requireContext(ctx, "Run")
	ended := ctx.Err() != nil
	if c.config.Host != nil && c.State() == StateInitial {
		return fmt.Errorf("actors: run %s: it runs on the loop of its host, %s", c.path(), c.config.HostName())
	}
	if err := c.claimStart(); err != nil {
		return err
	}
	defer c.stop(nil)
	if err := c.openPublication(); err != nil {
		c.stopApart(err)
	} else {
		c.beginOnStart()
	}
	if ended {
		c.stopApart(nil)
	}
	defer context.AfterFunc(ctx, c.step("sees its context end", func() { c.stop(nil) }))()
	if c.config.Backend == props.Thread {
		c.sched.RunThread(c.Stopped())
	} else {
		c.sched.RunHere(c.Stopped())
	}
	return c.stopCause()
}
