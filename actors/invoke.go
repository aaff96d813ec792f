package actors

import (
	"context"
	"errors"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// invocation is a call in the shape of a message.
type invocation struct {
	call func(c *Caller, message any)
}

// Invoke returns a message that has the caller it is sent to call fn, so that
// a call can go through whatever messages go through: routers, sender
// middleware, a PID from elsewhere. The sender, if there is one, is sent the
// value that fn returns, or its error. The call is part of the trace that the
// message's headers carry. The same message may be sent any number of times. It
// cannot leave the process.
func Invoke[T any](fn func(context.Context) (T, error)) any {
	mustHave(fn)
	return &invocation{func(c *Caller, message any) {
		header, _, sender := actor.UnwrapEnvelope(message)
		ctx := c.config.Telemetry.Extract(context.Background(), header)
		p := soon(ctx, c, fn, telemetry.Invoke)
		if sender != nil {
			p.OnDone(func(pending.Handle) { deliver(c.node.system, p, sender) })
		}
	}}
}

// PipeTo sends the value of p, or its error, as a message to each of the pids
// once it is done. It returns an error if one of them is nil, or p belongs to no
// actor system: that of its caller, or the one attached to it as metadata under
// "system". The messages carry the trace of p.
func PipeTo[T any](p *pending.Pending[T], pids ...*actor.PID) error {
	if slices.Contains(pids, nil) {
		return errors.New("actors: pipe to no PID")
	}
	system, err := systemOf(p)
	if err != nil {
		return err
	}
	p.OnDone(func(pending.Handle) { deliver(system, p, pids...) })
	return nil
}

// deliver sends the outcome of a pending that is done.
func deliver[T any](system *actor.ActorSystem, p *pending.Pending[T], pids ...*actor.PID) {
	var message any
	value, err := p.Result()
	if message = value; err != nil {
		message = err
	}
	message = envelopNil(message)
	if t := telemetryBehind(p); t != nil {
		message = t.Envelope(p.Context(), message, nil)
	}
	for _, pid := range pids {
		system.Root.Send(pid, message)
	}
}
