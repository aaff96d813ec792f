package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
)

func TestMain(m *testing.M) {
	if clitest.IsProgram() {
		main() // it does not return
	}
	goleak.VerifyTestMain(m)
}

var errClosed = errors.New("closed for the winter")

func yes(context.Context, string) error { return nil }

// TestAgency is the test that all versions pass.
func TestAgency(t *testing.T) {
	for name, tt := range map[string]struct {
		terms terms
		test  func(t *testing.T, a agency)
	}{
		"a trip takes a seat and a room": {terms{seats: 2, rooms: 2}, func(t *testing.T, a agency) {
			require.NoError(t, a.book(t.Context()))
			left(t, a, report{trips: 1, seats: 1, rooms: 1})
		}},
		"without a seat there is no trip": {terms{rooms: 2}, func(t *testing.T, a agency) {
			require.ErrorIs(t, a.book(t.Context()), errNoSeat)
			left(t, a, report{rooms: 2})
		}},
		"without a room the seat is given back": {terms{seats: 2}, func(t *testing.T, a agency) {
			require.ErrorIs(t, a.book(t.Context()), errNoRoom)
			left(t, a, report{seats: 2})
		}},
		"when the hotel refuses the seat is given back": {terms{seats: 2, rooms: 2, confirm: refuses(room)}, func(t *testing.T, a agency) {
			require.ErrorIs(t, a.book(t.Context()), errClosed)
			left(t, a, report{seats: 2, rooms: 2})
		}},
		"when the airline refuses the hotel is not asked": {terms{seats: 2, rooms: 0, confirm: refuses(seat)}, func(t *testing.T, a agency) {
			require.ErrorIs(t, a.book(t.Context()), errClosed)
			left(t, a, report{seats: 2})
		}},
		"when the hotel is too slow the seat is given back": {terms{seats: 2, rooms: 2, confirm: slow(room, time.Hour)}, func(t *testing.T, a agency) {
			require.ErrorIs(t, a.book(t.Context()), errTooSlow)
			time.Sleep(time.Hour) // until the hotel answers in spite of that
			got, err := a.report(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 2, got.seats)
			assert.Zero(t, got.trips)
		}},
		"others are answered while a trip waits for the hotel": {terms{seats: 1, rooms: 1, confirm: slow(room, time.Second)}, func(t *testing.T, a agency) {
			first := make(chan error)
			go func() { first <- a.book(t.Context()) }()
			synctest.Wait()
			begin := time.Now()
			require.ErrorIs(t, a.book(t.Context()), errNoSeat)
			assert.Zero(t, time.Since(begin))
			require.NoError(t, <-first)
			left(t, a, report{trips: 1})
		}},
		"trips at the same time never share a room": {terms{seats: 30, rooms: 20, confirm: slow(seat, time.Millisecond)}, func(t *testing.T, a agency) {
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() { _ = a.book(t.Context()) })
			}
			all.Wait()
			left(t, a, report{trips: 20, seats: 10})
		}},
	} {
		for version, open := range versions {
			t.Run(name+", "+version, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { tt.test(t, openAgency(t, open, tt.terms)) })
			})
		}
	}
}

func openAgency(t *testing.T, open func(*actor.ActorSystem, terms) (agency, error), terms terms) agency {
	t.Helper()
	if terms.confirm == nil {
		terms.confirm = yes
	}
	terms.patience = time.Minute
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler)
	}))
	a, err := open(system, terms)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, a.close(context.Background()))
		time.Sleep(2 * time.Second) // of the bubble, for the throttle of the dead letters
	})
	return a
}

func refuses(what string) func(context.Context, string) error {
	return func(_ context.Context, asked string) error {
		if asked == what {
			return errClosed
		}
		return nil
	}
}

func slow(what string, d time.Duration) func(context.Context, string) error {
	return func(ctx context.Context, asked string) error {
		if asked == what {
			return pause(ctx, d)
		}
		return nil
	}
}

func left(t *testing.T, a agency, want report) {
	t.Helper()
	got, err := a.report(t.Context())
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// Before, a room that is confirmed too late is lost, and a trip cannot be cancelled.
func TestWhatTheMigrationMakesBetter(t *testing.T) {
	t.Run("a room that is confirmed too late is not kept", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := openAgency(t, openAfter, terms{seats: 2, rooms: 2, confirm: slow(room, time.Hour)})
			require.ErrorIs(t, a.book(t.Context()), errTooSlow)
			left(t, a, report{seats: 2, rooms: 2})
		})
	})
	t.Run("a trip that nobody waits for is not booked", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			a := openAgency(t, openAfter, terms{seats: 2, rooms: 2, confirm: slow(room, time.Second)})
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, cancel)
			require.ErrorIs(t, a.book(ctx), context.Canceled)
			left(t, a, report{seats: 2, rooms: 2})
		})
	})
}

func TestProgram(t *testing.T) {
	for version := range versions {
		t.Run(version, func(t *testing.T) {
			assert.Equal(t, clitest.Outcome{Stdout: "3 seats, 2 rooms\n2 of 5 travelers have a trip, seats left: 1, rooms left: 0\n"},
				clitest.Execute(t, nil, "-version", version, "-seats", "3", "-rooms", "2", "-travelers", "5", "-delay", "0"))
		})
	}
}

func TestSignalEndsItWithAReport(t *testing.T) {
	for version := range versions {
		for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
			t.Run(fmt.Sprint(version, " ", signal), func(t *testing.T) {
				assert.Equal(t, clitest.Outcome{
					Status: cli.StatusInterrupted,
					Stdout: "30 seats, 20 rooms\n0 of 50 travelers have a trip, seats left: 30, rooms left: 20\n",
					Stderr: "migrate: interrupted before all trips were booked\n",
				}, clitest.Execute(t, signal, "-version", version, "-delay", "30s"))
			})
		}
	}
}

func TestResultThatCannotBeWrittenIsAnError(t *testing.T) {
	clitest.CheckUnwritable(t, command)
	clitest.CheckUnwritable(t, command, "-help")
}

func TestUnusableArguments(t *testing.T) {
	for want, args := range map[string][]string{
		"flag provided but not defined: -?[2J":                       {"-\x1b[2J"},
		`"x" is no flag; try -help`:                                  {"x"},
		`-version "\a": it must be before, half or after`:            {"-version", "\a"},
		"-seats, -rooms, -travelers and -delay must not be negative": {"-seats", "-1"},
		`invalid value "x" for flag -rooms: parse error`:             {"-rooms", "x"},
	} {
		t.Run(want, func(t *testing.T) {
			assert.Equal(t, clitest.Outcome{Status: cli.StatusUsage, Stderr: "migrate: " + want + "\n"}, clitest.Execute(t, nil, args...))
		})
	}
}

func TestHelp(t *testing.T) {
	assert.Equal(t, clitest.Outcome{Stdout: usage}, clitest.Execute(t, nil, "-help"))
}
