package actors

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/tracing"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// systemKey is the metadata key of a request's actor system.
const systemKey = "system"

var errNoSystem = errors.New("actors: the pending belongs to no actor system")

func systemOf(h pending.Handle) (*actor.ActorSystem, error) {
	if f, ok := future.RunnerOf(h).(*sched.Task); ok {
		return callerOf(f).registry.system, nil
	}
	if system, ok := h.Metadata()[systemKey].(*actor.ActorSystem); ok {
		return system, nil
	}
	return nil, fmt.Errorf("%w: %s", errNoSystem, h)
}

// Request sends msg to any actor, or other process, and returns the pending of the
// answer. It may be called from any goroutine.
//
// An answer that is an error becomes the error of the pending. An answer of another type
// than T is an error. If there is no process at the PID, or pid is nil, the error matches
// [actor.ErrDeadLetter]. Errors name the message and the PID.
//
// When ctx ends the pending is cancelled, and a late answer is dropped. If ctx has ended
// already nothing is sent.
//
// The request has a span, which the headers of msg carry, in three cases. The first is a
// function of a caller with [props.Telemetry]. The second is the Receive of an actor with
// its middleware (see [telemetry.ContextOf]). The third is a context from
// [telemetry.Telemetry.NewContext].
func Request[T any](ctx context.Context, system *actor.ActorSystem, pid *actor.PID, msg any) *pending.Pending[T] {
	requireContext(ctx, "Request")
	requireSystem(system, "Request")
	r := registryOf(system)
	opts := []pending.Option{
		pending.Named(fmt.Sprintf("request %T", msg)), pending.With(systemKey, system), future.Tracked,
		future.ExplainedBy(func() string { return "sent to " + pid.String() }),
	}
	t := tracing.Of(ctx)
	if t != nil {
		ctx = t.NewContext(ctx)
		to := instrument.DestinationOf(pid.GetId(), pid.GetAddress(), system.Address())
		opts = append(opts, pending.ObservedBy(t.Requests(to, msg)))
	}
	p := pending.New[T](ctx, opts...)
	if pid == nil {
		p.SetError(fmt.Errorf("actors: %s to no PID: %w", p.Name(), actor.ErrDeadLetter))
	}
	if life := p.Context(); life.Err() != nil {
		p.Cancel(context.Cause(life))
	}
	if p.IsDone() { // a group may have cancelled it as well
		return p
	}
	id := r.requests.add(func(message any) { settle(p, pid, message) })
	p.OnDone(func(pending.Handle) { r.requests.take(id) })
	if r.recorder != nil {
		r.recorder.Note(future.Of(p), steps.Asks, nil)
	}
	sender := system.NewLocalPID(rootID)
	sender.RequestId = id
	system.Root.Send(pid, &actor.MessageEnvelope{Header: t.Headers(p.Context()), Message: msg, Sender: sender})
	return p
}

// settle completes the pending of a request with its answer.
func settle[T any](p *pending.Pending[T], from *actor.PID, message any) {
	switch message := message.(type) { // T may be any
	case nil:
		settleNil(p, from)
	case *actor.DeadLetterResponse:
		p.SetError(fmt.Errorf("actors: %s to %s: %w", p.Name(), from.GetId(), actor.ErrDeadLetter))
	case error:
		p.SetError(message)
	case T:
		p.SetResult(message)
	default:
		p.SetError(fmt.Errorf("actors: %s to %s: the answer is a %T, not a %v",
			p.Name(), from.GetId(), message, reflect.TypeFor[T]()))
	}
}

// settleNil completes the pending of a request that was answered with nil, which
// is a value of every interface.
func settleNil[T any](p *pending.Pending[T], from *actor.PID) {
	var none T
	if any(none) == nil {
		p.SetResult(none)
		return
	}
	p.SetError(fmt.Errorf("actors: %s to %s: the answer is nil, not a %v", p.Name(), from.GetId(), reflect.TypeFor[T]()))
}
