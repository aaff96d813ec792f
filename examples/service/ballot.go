package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

const (
	// mostQueued is how many requests may wait. Further ones are refused at once.
	mostQueued = 1000
	// stopTimeout is how long functions have to return after the deadline.
	stopTimeout = time.Second
)

var errNoChoice = errors.New("there is no such choice")

// ballot has the votes. They belong to its caller: only functions on that caller's
// turn touch them.
type ballot struct {
	options
	caller  *actors.Caller
	counter metric.Int64Counter

	votes   map[string]int
	changed bool  // since the last save
	unsaved error // of the last save
}

// openBallot starts the caller. A panic restarts it, with the votes as they were
// saved last. Too many panics stop it.
func openBallot(ctx context.Context, system *actor.ActorSystem, o options) (*ballot, error) {
	counter, err := otel.Meter(command).Int64Counter("service.votes")
	if err != nil {
		return nil, err
	}
	b := &ballot{options: o, counter: counter}
	b.caller, err = actors.Start(system,
		props.Name("ballot"),
		props.OnStart(b.load),
		props.OnStop(b.save),
		props.MaxQueued(mostQueued),
		props.StopTimeout(stopTimeout),
		props.Telemetry(telemetry.New()),
		props.Supervision(supervision.Restart(
			supervision.MaxRestarts(5, time.Minute),
			supervision.Backoff(100*time.Millisecond, 5*time.Second),
		)),
	)
	if err != nil {
		return nil, err
	}
	actors.Every(ctx, b.caller, o.interval, b.save) // an error is logged, and the next time comes
	return b, nil
}

// vote returns how many votes the choice has with this one.
func (b *ballot) vote(ctx context.Context, choice string) (votes int, err error) {
	return actors.Call(ctx, b.caller, func(ctx context.Context) (int, error) {
		if _, ok := b.votes[choice]; !ok {
			return 0, errNoChoice
		}
		b.votes[choice]++
		b.changed = true
		b.counter.Add(ctx, 1, metric.WithAttributes(attribute.String("choice", choice)))
		return b.votes[choice], nil
	})
}

// tally returns the votes of all choices.
func (b *ballot) tally(ctx context.Context) (map[string]int, error) {
	return actors.Call(ctx, b.caller, func(context.Context) (map[string]int, error) {
		return maps.Clone(b.votes), nil // which leaves the turn
	})
}

// health returns an error if the ballot has ended. It queues no call: a service that is busy
// is not to be killed for that.
func (b *ballot) health() error {
	select {
	case <-b.caller.Stopped():
		return pending.ErrStopped
	default:
		return nil
	}
}

// load is called on the caller's turn, at its start and after a restart.
func (b *ballot) load(context.Context) error {
	saved, err := read(b.file)
	if err != nil {
		return fmt.Errorf("votes of %s: %w", b.file, err)
	}
	b.votes, b.changed = make(map[string]int), false
	for _, choice := range b.choices {
		b.votes[choice] = 0
	}
	maps.Copy(b.votes, saved)
	return nil
}

// read returns the votes of a file, none if there is no file yet.
func read(file string) (votes map[string]int, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(text, &votes)
	return votes, err
}

// save is called on the caller's turn.
func (b *ballot) save(context.Context) error {
	if !b.changed {
		return nil
	}
	b.unsaved = b.write()
	b.changed = b.unsaved != nil
	return b.unsaved
}

// write replaces the file, which is complete at any time.
func (b *ballot) write() error {
	text, err := json.Marshal(b.votes)
	if err != nil {
		return err
	}
	draft := b.file + ".new"
	if err := os.WriteFile(draft, text, 0o600); err != nil {
		return err
	}
	return os.Rename(draft, b.file)
}
