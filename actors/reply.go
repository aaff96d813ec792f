package actors

import (
	"errors"
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// PipeTo sends the value of p, or its error, to each of the pids once p is done. It
// returns at once. The messages carry the trace of p. [Request] makes an error that it gets
// as an answer that of its pending. Other receivers get it as a message of type error.
//
// It returns an error if one of the pids is nil, or if p belongs to no actor system. The
// system is that of p's caller, or the metadata under "system".
//
// It may be called from any goroutine.
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
	if t := instrumentsBehind(p); t != nil {
		message = &actor.MessageEnvelope{Header: t.Headers(p.Context()), Message: message}
	}
	for _, pid := range pids {
		system.Root.Send(pid, message)
	}
}
