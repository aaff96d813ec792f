package actors

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/props"
)

// mainName is the name of the main caller. Options do not accept it.
const mainName = "$main"

// Main returns the main caller of a system. It is protected and has the options of
// [Defaults]. The first call starts it. After it has stopped, the next call starts a new
// one. Its functions run on goroutines, and not on the main thread: see [Caller.Run] for
// that.
//
// A forced stop ends it. So does a failure that its [props.Supervision] answers with a
// stop, or escalates: it has no parent. Until that stop has ended, Main returns the
// stopping caller, and calls on it fail with [pending.ErrStopped]. The failures of one
// main caller do not count for the next.
//
// If the publication of the Defaults cannot be opened, Main returns a stopped caller. The
// errors of its calls say why.
//
// Main may be called from any goroutine. While one goroutine starts the main caller,
// others get it too: their calls are queued.
func Main(system *actor.ActorSystem) *Caller {
	requireSystem(system, "Main")
	r := registryOf(system)
	if c := r.currentMain(); c != nil {
		return c
	}
	config, err := r.describe(props.Protected())
	if err != nil {
		panic(err) // constant options
	}
	r.addCaller(config.Telemetry)
	c, made := r.getOrMakeMain(config)
	if !made {
		r.removeCaller(config.Telemetry)
		return c
	}
	_ = c.Start() // without the lock: it opens the publication, whose error is that of the calls
	return c
}

// currentMain returns the main caller, or nil if there is none or it has stopped.
func (r *registry) currentMain() *Caller {
	r.mainMu.Lock()
	defer r.mainMu.Unlock()
	return r.currentMainLocked()
}

func (r *registry) currentMainLocked() *Caller {
	if r.main == nil || r.main.State() == StateStopped {
		return nil
	}
	return r.main
}

// getOrMakeMain returns the main caller, and whether it was made and has to be
// started.
func (r *registry) getOrMakeMain(config *props.Config) (c *Caller, made bool) {
	r.mainMu.Lock()
	defer r.mainMu.Unlock()
	if c := r.currentMainLocked(); c != nil {
		return c, false
	}
	c = newCaller(r, nil, config, false)
	if err := c.spawn(rootID+"/"+mainName, r.pid); err != nil {
		panic(err) // nobody else can have the name
	}
	r.main = c
	return c, true
}
