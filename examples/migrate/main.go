// Command migrate is one program three times: a travel agency of plain protoactor
// actors, the same agency half way, and with callers.
//
//	go run ./examples/migrate -version before
//	go run ./examples/migrate -version half
//	go run ./examples/migrate -version after
//
// A trip is a seat of an airline and a room of a hotel, or nothing. Read before.go
// first, then half.go: one actor has become a caller, and nobody else has to know.
// In after.go messages have become functions, RequestFuture and ReenterAfter calls
// and waits, and timeouts contexts. One test runs against all three.
//
//	main.go     the command line, and what is printed
//	agency.go   what both versions have in common
//	before.go   the agency with RequestFuture and ReenterAfter
//	half.go     the agency with one actor that is a caller, by actors.AsCaller
//	after.go    the agency with callers
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
)

const usage = `usage: migrate [-version V] [-seats N] [-rooms N] [-travelers N] [-delay D]

Books trips for travelers, all at the same time, and prints how many have got one
and what is left. Ctrl-C ends it early, with what was booked so far.

The exit status is 0, or 1 if something has failed or the result cannot be
written, 2 if the command line is of no use, 130 after Ctrl-C.

  -version V    before, with plain actors, half, with one that is a caller, or
                after, with callers (default after)
  -seats N      how many seats the airline has (default 30)
  -rooms N      how many rooms the hotel has (default 20)
  -travelers N  how many trips are asked for (default 50)
  -delay D      how long airline and hotel take to confirm (default 10ms)
`

const command = "migrate"

var errInterrupted = cli.Interrupted("interrupted before all trips were booked")

func main() { os.Exit(run(cli.UntilSignal(), os.Args[1:], os.Stdout, os.Stderr)) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	program := cli.Program[options]{Name: command, Usage: usage, Parse: parse}
	return program.Run(args, stdout, stderr, func(o options) error {
		return sell(ctx, o, stdout, stderr)
	})
}

type options struct {
	open      func(*actor.ActorSystem, terms) (agency, error)
	terms     terms
	travelers int
	delay     time.Duration
}

var versions = map[string]func(*actor.ActorSystem, terms) (agency, error){
	"before": openBefore, "half": openHalf, "after": openAfter,
}

func parse(args []string) (o options, err error) {
	o.terms.patience = time.Minute
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error
	version := flags.String("version", "after", "")
	flags.IntVar(&o.terms.seats, "seats", 30, "")
	flags.IntVar(&o.terms.rooms, "rooms", 20, "")
	flags.IntVar(&o.travelers, "travelers", 50, "")
	flags.DurationVar(&o.delay, "delay", 10*time.Millisecond, "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.open = versions[*version]
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("%q is no flag; try -help", flags.Arg(0))
	case o.open == nil:
		return o, fmt.Errorf("-version %q: it must be before, half or after", *version)
	case o.terms.seats < 0 || o.terms.rooms < 0 || o.travelers < 0 || o.delay < 0:
		return o, errors.New("-seats, -rooms, -travelers and -delay must not be negative")
	}
	return o, nil
}

// sell opens an agency, books the trips, and prints what has come of it.
func sell(ctx context.Context, o options, stdout, stderr io.Writer) error {
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}))
	interrupted := ctx
	o.terms.confirm = func(context.Context, string) error { return pause(interrupted, o.delay) }
	a, err := o.open(system, o.terms)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "%d seats, %d rooms\n", o.terms.seats, o.terms.rooms); err != nil {
		return err
	}
	booked, failure := bookAll(ctx, a, o.travelers)

	ctx = context.WithoutCancel(ctx)
	left, err := a.report(ctx)
	if err != nil {
		return err
	}
	if err := a.close(ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%d of %d travelers have a trip, seats left: %d, rooms left: %d\n",
		booked, o.travelers, left.seats, left.rooms)
	if err != nil {
		return err
	}
	return failure
}

// bookAll returns how many trips were booked, and an error that is no refusal.
func bookAll(ctx context.Context, a agency, travelers int) (booked int, failure error) {
	var all sync.WaitGroup
	var mu sync.Mutex
	for range travelers {
		all.Go(func() {
			err := a.book(ctx)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				booked++
			case !errors.Is(err, errNoSeat) && !errors.Is(err, errNoRoom):
				failure = err
			}
		})
	}
	all.Wait()
	if failure != nil && ctx.Err() != nil {
		failure = errInterrupted
	}
	return booked, failure
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
