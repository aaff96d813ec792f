package main

import (
	"context"
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// deskHalf is the desk of before.go as a caller. It is still sent messages, and asks the
// stocks of before.go, which know nothing of callers.
type deskHalf struct {
	deskActor
	system *actor.ActorSystem
}

// Receive implements [actor.Actor]. It does not wait: its functions need the turn that it
// has.
func (d *deskHalf) Receive(ctx actor.Context) {
	if _, ok := ctx.Message().(*bookTrip); !ok {
		d.deskActor.Receive(ctx)
		return
	}
	caller, _ := actors.Of(ctx)
	trip := actors.CallSoon(context.Background(), caller, d.book)
	_ = actors.PipeTo(trip, ctx.Sender()) // if there is one
}

// book is that of before.go without callbacks.
func (d *deskHalf) book(ctx context.Context) (*booked, error) {
	if err := d.reserve(ctx, d.seats); err != nil {
		return nil, err
	}
	if err := d.reserve(ctx, d.rooms); err != nil {
		d.system.Root.Send(d.seats, &release{})
		return nil, err
	}
	d.trips++
	return &booked{}, nil
}

// reserve gives the turn away while it waits for the answer.
func (d *deskHalf) reserve(ctx context.Context, stock *actor.PID) error {
	answer, err := actors.Request[any](ctx, d.system, stock, &reserve{}).Wait(ctx, pending.Timeout(d.patience))
	if errors.Is(err, context.DeadlineExceeded) {
		return errTooSlow
	}
	return refusal(answer, err)
}

// agencyHalf is the agency of before.go with another desk.
type agencyHalf struct{ agencyBefore }

func openHalf(system *actor.ActorSystem, t terms) (agency, error) {
	a := &agencyHalf{agencyBefore{system: system, patience: t.patience}}
	a.seats, a.rooms = spawnStock(system, seat, t.seats, t), spawnStock(system, room, t.rooms, t)
	a.desk = system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor {
		return &deskHalf{deskActor{seats: a.seats, rooms: a.rooms, patience: t.patience}, system}
	}, actors.MustAsCaller()))
	return a, nil
}

// book takes no notice of ctx yet: a message does not take it to the desk.
func (a *agencyHalf) book(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	_, err := actors.Request[*booked](ctx, a.system, a.desk, &bookTrip{}).Wait(ctx)
	return err
}
