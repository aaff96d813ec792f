package main

import (
	"context"
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// The messages. The answer to reserve and to bookTrip is booked or refused.
type (
	reserve  struct{}
	release  struct{}
	bookTrip struct{}
	count    struct{}

	booked  struct{}
	refused struct{ reason error }
)

// stockActor has the seats or the rooms.
type stockActor struct {
	what    string
	left    int
	confirm func(ctx context.Context, what string) error
}

// Receive implements [actor.Actor].
func (s *stockActor) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *reserve:
		s.reserve(ctx)
	case *release:
		s.left++
	case *count:
		ctx.Respond(s.left)
	}
}

func (s *stockActor) reserve(ctx actor.Context) {
	if s.left == 0 {
		ctx.Respond(&refused{noneLeft(s.what)})
		return
	}
	if err := s.confirm(context.Background(), s.what); err != nil { // blocks the mailbox
		ctx.Respond(&refused{err})
		return
	}
	s.left--
	ctx.Respond(&booked{})
}

// deskActor books the trips.
type deskActor struct {
	seats, rooms *actor.PID
	patience     time.Duration
	trips        int
}

// Receive implements [actor.Actor].
func (d *deskActor) Receive(ctx actor.Context) {
	switch ctx.Message().(type) {
	case *bookTrip:
		d.book(ctx)
	case *count:
		ctx.Respond(d.trips)
	}
}

func (d *deskActor) book(ctx actor.Context) {
	sender := ctx.Sender() // gone when the callbacks run, unless kept
	seatFuture := ctx.RequestFuture(d.seats, &reserve{}, d.patience)
	ctx.ReenterAfter(seatFuture, func(answer any, err error) {
		if err := refusal(answer, err); err != nil {
			ctx.Send(sender, &refused{err})
			return
		}
		roomFuture := ctx.RequestFuture(d.rooms, &reserve{}, d.patience)
		ctx.ReenterAfter(roomFuture, func(answer any, err error) {
			if err := refusal(answer, err); err != nil {
				ctx.Send(d.seats, &release{})
				ctx.Send(sender, &refused{err})
				return
			}
			d.trips++
			ctx.Send(sender, &booked{})
		})
	})
}

// refusal returns the error that an answer is.
func refusal(answer any, err error) error {
	if errors.Is(err, actor.ErrTimeout) {
		return errTooSlow
	}
	if refused, ok := answer.(*refused); ok {
		return refused.reason
	}
	return err
}

// agencyBefore is the agency of plain actors.
type agencyBefore struct {
	system             *actor.ActorSystem
	desk, seats, rooms *actor.PID
	patience           time.Duration
}

func openBefore(system *actor.ActorSystem, t terms) (agency, error) {
	seats, rooms := spawnStock(system, seat, t.seats, t), spawnStock(system, room, t.rooms, t)
	desk := system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor {
		return &deskActor{seats: seats, rooms: rooms, patience: t.patience}
	}))
	return &agencyBefore{system, desk, seats, rooms, t.patience}, nil
}

func spawnStock(system *actor.ActorSystem, what string, left int, t terms) *actor.PID {
	return system.Root.Spawn(actor.PropsFromProducer(func() actor.Actor {
		return &stockActor{what: what, left: left, confirm: t.confirm}
	}))
}

// book takes no notice of ctx: a future cannot be cancelled. Its timeout has to be
// longer than those of the desk together.
func (a *agencyBefore) book(context.Context) error {
	return refusal(a.system.Root.RequestFuture(a.desk, &bookTrip{}, 3*a.patience).Result())
}

func (a *agencyBefore) report(context.Context) (r report, err error) {
	for pid, n := range map[*actor.PID]*int{a.desk: &r.trips, a.seats: &r.seats, a.rooms: &r.rooms} {
		answer, err := a.system.Root.RequestFuture(pid, &count{}, a.patience).Result()
		if err != nil {
			return r, err
		}
		*n, _ = answer.(int)
	}
	return r, nil
}

func (a *agencyBefore) close(context.Context) error {
	return errors.Join(
		a.system.Root.StopFuture(a.desk).Wait(),
		a.system.Root.StopFuture(a.seats).Wait(),
		a.system.Root.StopFuture(a.rooms).Wait(),
	)
}
