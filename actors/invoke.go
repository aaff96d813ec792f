package actors

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// invocation is a call in the form of a message.
type invocation struct {
	call func(c *Caller, message any)
}

// Invoke returns a message that makes the receiving caller call fn. So a call can go
// through routers, sender middleware and PIDs. The sender, if there is one, gets the
// value of fn as an answer, or its error. The call is part of the trace in the message's
// headers.
//
// The same message may be sent any number of times, from any goroutine. It cannot leave
// the process.
func Invoke[T any](fn func(context.Context) (T, error)) any {
	if fn == nil {
		panic("actors: Invoke with a nil function")
	}
	return &invocation{func(c *Caller, message any) {
		header, _, sender := actor.UnwrapEnvelope(message)
		ctx := c.instruments().Extract(context.Background(), header)
		p := callSoon(ctx, c, fn, instrument.Invoke)
		if sender != nil {
			p.OnDone(func(pending.Handle) { deliver(c.registry.system, p, sender) })
		}
	}}
}
