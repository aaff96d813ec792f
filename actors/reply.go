package actors

import (
	"errors"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// PipeTo sends the value of p, or its error, as a message to each of the pids
// once it is done. It returns an error if one of them is nil, or p belongs to no
// actor system: that of its caller, or the one attached to it as metadata under
// "system". The messages carry the trace of p.
func PipeTo[T any](p *pending.Pending[T], pids ...*actor.PID) error {
	if p == nil {
		panic("actors: PipeTo of a nil pending")
	}
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
