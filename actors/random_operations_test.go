package actors_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

func (p *program) callSoon() {
	c := p.newCall()
	p.handOut(c, actors.CallSoon(p.ctx, p.caller(), p.function(c)))
}

func (p *program) schedule() {
	c := p.newCall()
	options := []actors.CallOption{
		actors.Named(c.name),
		actors.Delay(p.moment()),
		actors.Timeout(p.moment()),
		actors.QueueTimeout(p.moment()),
		actors.With("seed", c.id),
	}
	i, j := p.choose.below(len(options)), p.choose.below(len(options)+1)
	p.handOut(c, actors.Schedule(p.ctx, p.caller(), p.function(c), options[min(i, j):max(i, j)]...))
}

func (p *program) toThread() {
	c, caller := p.newCall(), p.caller()
	c.hidden = p.siteOf(caller).scarce
	p.handOut(c, actors.ToThread(p.ctx, caller, p.function(c)))
}

func (p *program) callDirect() {
	caller, kind := p.caller(), p.choose.below(8)
	s := p.siteOf(caller)
	err := caller.CallDirect(func() {
		p.begin()
		defer p.end()
		s.enter()
		defer s.leave()
		switch kind {
		case 1:
			panic(errBoom)
		case 2:
			runtime.Goexit()
		}
	})
	p.allow(err, pending.ErrStopped, actors.ErrOverloaded)
}

// promise makes a pending that a goroutine keeps.
func (p *program) promise() {
	c := p.newCall()
	c.hidden, c.sure = true, true
	result := pending.New[int](p.ctx)
	delay, err := p.moment(), []error{nil, errBoom}[p.choose.below(2)]
	p.spawn(func() {
		time.Sleep(delay)
		if err != nil {
			result.SetError(err)
		}
		result.SetResult(c.id)
	})
	p.handOut(c, result)
}

func (p *program) request() {
	c := p.newCall()
	c.hidden = true
	to := p.any(&p.adopted, p.low)
	p.handOut(c, actors.Request[int](p.ctx, p.system, to.PID(), question{c.id}))
}

func (p *program) invoke() {
	c := p.newCall()
	c.hidden = true
	p.handOut(c, actors.Request[int](p.ctx, p.system, p.caller().PID(), actors.Invoke(p.function(c))))
}

func (p *program) send() {
	to := p.any(&p.adopted, p.low).PID()
	switch p.choose.below(4) {
	case 0:
		p.system.Root.Send(to, mishap{})
	case 1:
		own, opts := p.options()
		p.system.Root.Send(to, birth{p.adoption(own, opts...)})
	case 2:
		p.system.Root.Send(p.caller().PID(), question{})
	default:
		if c := p.anyCall(); c != nil && !c.sure {
			require.NoError(p, actors.PipeTo(c.result, to))
		}
	}
}

// interrupted are the errors of a wait that has ended before the pending.
var interrupted = []error{
	context.DeadlineExceeded, context.Canceled, pending.ErrDeadlock, actors.ErrOverloaded, pending.ErrStopped,
}

// allow fails the test if err is none of those that are to be expected.
func (p *program) allow(err error, expected ...error) {
	for _, e := range append(expected, nil) {
		if errors.Is(err, e) {
			return
		}
	}
	p.Errorf("%s: %v", p.name, err)
}

// wait waits for a call, in one of the ways there are.
func (p *program) wait(c *call) {
	if c == nil {
		return
	}
	var opts []pending.WaitOption
	if p.choose.below(3) == 2 || c.hidden && p.site != nil {
		opts = append(opts, pending.Timeout(p.moment()))
	}
	if p.choose.below(4) == 3 {
		opts = append(opts, pending.Protect())
	}
	if p.choose.below(2) == 1 && c.sure {
		opts = append(opts, pending.Shield())
	}
	var value int
	var err error
	if p.choose.below(3) == 2 {
		value, err = c.result.WaitSync(p.ctx, opts...)
	} else {
		p.away(func() { value, err = c.result.Wait(p.ctx, opts...) })
	}
	switch {
	case err == nil:
		assert.Equal(p, c.id, value, c.name)
	case !c.result.IsDone():
		p.allow(err, interrupted...)
	}
}

func (p *program) cancel() {
	if c := p.anyCall(); c != nil {
		c.result.Cancel(errBoom)
	}
}

func (p *program) cancelWait() {
	if c := p.anyCall(); c != nil {
		p.away(func() { p.allow(c.result.CancelWait(p.ctx, errBoom), interrupted...) })
	}
}

func (p *program) onDone() {
	c := p.anyCall()
	if c == nil {
		return
	}
	cb, kind := &callback{on: c}, p.choose.below(4)
	p.mu.Lock()
	p.callbacks = append(p.callbacks, cb)
	p.mu.Unlock()
	remove := c.result.OnDone(func(h pending.Handle) {
		cb.calls.Add(1)
		if kind == 1 && c.function && !c.hidden {
			panic(errBoom)
		}
		if kind == 2 {
			h.Cancel(errBoom)
		}
	})
	p.undo = append(p.undo, func() { cb.removed.Store(remove() || cb.removed.Load()) })
}

func (p *program) removeCallback() {
	if n := len(p.undo); n > 0 {
		p.undo[p.choose.below(n)]()
	}
}

func (p *program) sleep() {
	p.away(func() { p.allow(actors.Sleep(p.ctx, p.moment()), interrupted...) })
}

// detach starts a goroutine that has no turn.
func (p *program) detach() {
	if p.depth == maxDepth {
		return
	}
	d := &program{world: p.world, choose: p.choose.fork(), name: p.name, ctx: actors.Detach(p.ctx), depth: p.depth + 1}
	p.spawn(func() {
		d.step()
		d.step()
	})
}

var policies = []supervision.Policy{
	supervision.Capture(),
	supervision.Restart(),
	supervision.Restart(supervision.Backoff(300*time.Microsecond, time.Millisecond)),
	supervision.Restart(supervision.MaxRestarts(8, time.Minute)),
	supervision.Stop(),
	supervision.Escalate(),
}

func (p *program) policy() props.Option {
	return props.Supervision(policies[p.choose.below(len(policies))])
}

// options returns some of those of a caller.
func (p *program) options() (own traits, opts []props.Option) {
	opts = append(opts, p.policy())
	switch p.choose.below(16) {
	case 1:
		own.keeps = true
		opts = append(opts, props.NonReentrant())
	case 2:
		own.loose = true
		opts = append(opts, props.StopTimeout(300*time.Microsecond))
	case 3:
		own.scarce = true
		opts = append(opts, props.MaxWorkers(1))
	case 4:
		opts = append(opts, props.MaxQueued(4))
	case 5:
		opts = append(opts, props.MaxSuspended(2))
	case 6:
		opts = append(opts, props.MaxIdleWorkers(0))
	case 7:
		opts = append(opts, props.IdleTimeout(300*time.Microsecond))
	case 8:
		opts = append(opts, props.Protected())
	case 9:
		opts = append(opts, props.TurnWarning(5*time.Millisecond))
	}
	return own, opts
}

func (p *program) child() {
	parent, name := p.caller(), p.choose.below(8)
	own, opts := p.options()
	if name < 4 { // the traits of one that exists are not known
		own, opts = traits{}, []props.Option{p.policy(), props.Name(fmt.Sprint("child", name))}
	}
	p.make(func() {
		c, err := parent.Child(opts...)
		if p.allow(err, pending.ErrStopped); err == nil {
			p.settle(c, own)
		}
	})
}

// start makes callers that have no parent.
func (p *program) start() {
	own, opts := p.options()
	opts = append([]props.Option{props.StopTimeout(0)}, opts...)
	kind, life := p.choose.below(6), 5*p.moment()
	p.make(func() {
		if kind == 0 {
			p.settle(actors.Main(p.system), traits{})
			return
		}
		c, err := actors.New(p.system, opts...)
		require.NoError(p, err)
		p.settle(c, own)
		switch kind {
		case 1:
			p.spawn(func() {
				time.Sleep(life)
				c.Stop(actors.Force())
			})
		case 2:
			p.spawn(func() {
				ctx, cancel := context.WithTimeout(context.Background(), life)
				defer cancel()
				_ = c.Run(ctx)
			})
		default:
			_ = c.Start() // unless it was stopped
		}
	})
}

func (p *program) adopt() {
	own, opts := p.options()
	opts = append([]props.Option{props.StopTimeout(0)}, opts...)
	p.make(func() { p.system.Root.Spawn(p.adoption(own, opts...)) })
}

func (p *program) stop() {
	switch c := p.any(&p.callers, p.high); p.choose.below(5) {
	case 0:
		c.Stop(actors.Force())
	case 1:
		p.system.Root.Stop(c.PID())
	case 2:
		p.system.Root.Poison(c.PID())
	default:
		c.Stop()
	}
}

// restart does what a supervisor may do that decides on a failure, or on none.
func (p *program) restart() {
	message := any(&actor.Restart{})
	if p.choose.below(3) == 0 {
		message = &actor.ResumeMailbox{}
	}
	sendSystem(p.any(&p.callers, p.high), message)
}

func (p *program) waitEnd() {
	c := p.any(&p.callers, p.high)
	if p.choose.below(2) == 0 {
		p.away(func() { p.allow(c.StopWait(p.ctx, actors.Force()), interrupted...) })
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, p.moment())
	defer cancel()
	p.away(func() { p.allow(c.Drain(ctx), interrupted...) })
}

// look reads what can be read at any time.
func (p *program) look() {
	c := p.caller()
	if found, ok := actors.Lookup(p.system, c.ID()); ok {
		assert.Equal(p, c.ID(), found.ID())
	}
	for running := range actors.Running(p.system) {
		assert.NotEmpty(p, running.String())
		break
	}
	if c := p.anyCall(); c != nil {
		assert.NotEmpty(p, c.result.String())
	}
}
