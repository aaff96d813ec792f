package main

import (
	"context"
	"errors"
	"time"
)

// agency is what the versions have in common, for the program and for the test.
type agency interface {
	// book books a seat and a room, or returns an error and books nothing.
	book(ctx context.Context) error
	report(ctx context.Context) (report, error)
	close(ctx context.Context) error
}

// terms are those of airline and hotel.
type terms struct {
	seats, rooms int
	// confirm asks the airline or the hotel itself, and may take its time.
	confirm func(ctx context.Context, what string) error
	// patience is how long the agency waits for either.
	patience time.Duration
}

const (
	seat = "seat"
	room = "room"
)

type report struct {
	trips        int // that were booked
	seats, rooms int // that are left
}

var (
	errNoSeat  = errors.New("no seat is left")
	errNoRoom  = errors.New("no room is left")
	errTooSlow = errors.New("there was no answer in time")
)

// noneLeft returns the error that says so.
func noneLeft(what string) error {
	if what == seat {
		return errNoSeat
	}
	return errNoRoom
}
