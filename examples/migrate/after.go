package main

import (
	"context"
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// stock has the seats or the rooms. They belong to its caller.
type stock struct {
	caller  *actors.Caller
	what    string
	left    int
	confirm func(ctx context.Context, what string) error
}

func newStock(system *actor.ActorSystem, what string, left int, t terms) (*stock, error) {
	caller, err := actors.Start(system, props.Name(what))
	return &stock{caller, what, left, t.confirm}, err
}

// reserve is a function of the caller. A worker asks for the confirmation, and
// other functions run meanwhile.
func (s *stock) reserve(ctx context.Context) error {
	if s.left == 0 {
		return noneLeft(s.what)
	}
	s.left-- // before the wait, or others could take the same one
	_, err := actors.ToThread(ctx, s.caller, actors.NoResult(func(ctx context.Context) error {
		return s.confirm(ctx, s.what)
	})).Wait(ctx)
	if err != nil {
		s.left++
	}
	return err
}

// release is a function of the caller.
func (s *stock) release(context.Context) error {
	s.left++
	return nil
}

// agencyAfter is the agency with callers.
type agencyAfter struct {
	system       *actor.ActorSystem
	desk         *actors.Caller
	seats, rooms *stock
	patience     time.Duration
	trips        int // belongs to the desk
}

func openAfter(system *actor.ActorSystem, t terms) (agency, error) {
	desk, err := actors.Start(system, props.Name("desk"))
	seats, errSeats := newStock(system, seat, t.seats, t)
	rooms, errRooms := newStock(system, room, t.rooms, t)
	if err := errors.Join(err, errSeats, errRooms); err != nil {
		return nil, err
	}
	return &agencyAfter{system: system, desk: desk, seats: seats, rooms: rooms, patience: t.patience}, nil
}

func (a *agencyAfter) book(ctx context.Context) error {
	return actors.Do(ctx, a.desk, func(ctx context.Context) error {
		if err := a.reserve(ctx, a.seats); err != nil {
			return err
		}
		if err := a.reserve(ctx, a.rooms); err != nil {
			release := actors.Do(context.WithoutCancel(ctx), a.seats.caller, a.seats.release)
			return errors.Join(err, release)
		}
		a.trips++
		return nil
	})
}

// reserve is called on the desk's turn, which it gives away while it waits.
func (a *agencyAfter) reserve(ctx context.Context, s *stock) error {
	err := actors.Do(ctx, s.caller, s.reserve, actors.Timeout(a.patience))
	if errors.Is(err, context.DeadlineExceeded) {
		return errTooSlow
	}
	return err
}

func (a *agencyAfter) report(ctx context.Context) (r report, err error) {
	for caller, read := range map[*actors.Caller]func(){
		a.desk:         func() { r.trips = a.trips },
		a.seats.caller: func() { r.seats = a.seats.left },
		a.rooms.caller: func() { r.rooms = a.rooms.left },
	} {
		err = errors.Join(err, actors.Do(ctx, caller, func(context.Context) error { read(); return nil }))
	}
	return r, err
}

func (a *agencyAfter) close(ctx context.Context) error { return actors.Shutdown(ctx, a.system) }
