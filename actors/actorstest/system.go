package actorstest

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/testsystem"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// NewSystem returns an actor system that logs nothing, unless the options say
// otherwise. When the test ends all its callers are stopped, also protected ones.
// The test waits for them, for a minute at most. It fails if one has not ended by then, and
// says what that waits for. It also fails if a promise or a request was never done: README.md
// has the rules.
//
// Its callers check their turns, as with [props.CheckTurns]: a goroutine that
// waits with the turn of another one panics.
func NewSystem(tb testing.TB, opts ...actor.ConfigOption) *actor.ActorSystem {
	system := actor.NewActorSystem(append([]actor.ConfigOption{quiet}, opts...)...)
	testsystem.Mark(system, nil, ledgerOf(tb).recorder())
	endWith(tb, system)
	return system
}

// endLimit is how long callers have to end at the end of a test.
const endLimit = time.Minute

// endWith has the callers of a system end with a test.
func endWith(tb testing.TB, system *actor.ActorSystem) {
	tb.Cleanup(func() {
		ledgerIn(system).end()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), endLimit)
		defer cancel()
		callers := slices.Collect(actors.All(system))
		slices.SortFunc(callers, func(a, b *actors.Caller) int { return cmp.Compare(a.ID(), b.ID()) })
		for _, c := range callers {
			c.Stop(actors.Force())
		}
		for _, c := range callers {
			stopWithin(ctx, tb, system, c)
		}
		// The first of some dead letters starts a goroutine, for their throttle,
		// which nobody can wait for.
		time.Sleep(2 * throttle)
	})
}

// stopWithin stops a caller, and fails the test if that has not ended when ctx does.
func stopWithin(ctx context.Context, tb testing.TB, system *actor.ActorSystem, c *actors.Caller) {
	tb.Helper()
	if err := c.StopWait(ctx, actors.Force()); err != nil {
		l := ledgerIn(system)
		l.outlasts(c.ID())
		tb.Errorf("actorstest: a caller has not ended with the test, in %v: %v: %v%s", endLimit, c, err, l.madeOf(c))
	}
}

// throttle is how long protoactor keeps a goroutine for dead letters.
const throttle = time.Microsecond

func quiet(config *actor.Config) {
	config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	config.DeadLetterThrottleInterval = throttle
}

// Start returns a running caller. When the test ends it is stopped, also if it is
// protected.
//
// The test fails at once if the start fails. It must be called on the goroutine of the
// test.
func Start(tb testing.TB, system *actor.ActorSystem, opts ...props.Option) *actors.Caller {
	tb.Helper()
	c, err := actors.Start(system, opts...)
	if err != nil {
		tb.Fatalf("actorstest: %v", err)
	}
	tb.Cleanup(func() {
		ledgerIn(system).end()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), endLimit)
		defer cancel()
		stopWithin(ctx, tb, system, c)
	})
	return c
}
