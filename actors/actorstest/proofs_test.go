package actorstest_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// scaled is how many of n schedules are tried, so that a run with the race detector takes no
// longer.
func scaled(n int) int {
	if raceEnabled {
		return max(1, n/20)
	}
	return n
}

// schedules is how many a program is to pass that is right.
var schedules = flag.Int("explore.schedules", scaled(1000), "how many schedules are tried")

// proof is a defect that only some orders show, and the same program without it.
type proof struct {
	name  string
	body  func(t testing.TB, w *actorstest.World, right bool)
	opts  []actorstest.ExploreOption
	says  string // what the failure says
	worst int    // in how many schedules it is found at the latest
}

var proofs = []proof{
	{"a lost update in an account", lostUpdate, nil, "Not equal", 300},
	{"two locks in opposite order", oppositeLocks, nil, "deadlock", 300},
	{"a dropped wake-up", droppedWakeUp, nil, "nothing goes on", 300},
	{"a retry without a key", retryWithoutKey, nil, "bought twice", 1000},
}

// lostUpdate has two deposits that ask for permission between looking and writing.
func lostUpdate(t testing.TB, w *actorstest.World, right bool) {
	lostUpdateIn(t, w.System("bank"), right)
}

func lostUpdateIn(t testing.TB, system *actor.ActorSystem, right bool) {
	account := actorstest.Start(t, system, props.Name("account"))
	audit := actorstest.Start(t, system, props.Name("audit"))
	lock := pending.NewMutex()
	balance := 0
	deposit := func(ctx context.Context) error {
		if right {
			if err := lock.Lock(ctx); err != nil {
				return err
			}
			defer lock.Unlock()
		}
		before := balance
		if err := actors.Do(ctx, audit, func(context.Context) error { return nil }); err != nil {
			return err
		}
		balance = before + 1
		return nil
	}
	a := actors.CallSoon(t.Context(), account, actors.NoResult(deposit))
	b := actors.CallSoon(t.Context(), account, actors.NoResult(deposit))
	wait(t, a, b)
	require.Equal(t, 2, balance)
}

// oppositeLocks has two functions take two locks.
func oppositeLocks(t testing.TB, w *actorstest.World, right bool) {
	system := w.System("store")
	left, other := pending.NewMutex(pending.Named("left")), pending.NewMutex(pending.Named("right"))
	both := func(first, second *pending.Mutex) func(context.Context) error {
		return func(ctx context.Context) error {
			if err := first.Lock(ctx); err != nil {
				return err
			}
			defer first.Unlock()
			if err := second.Lock(ctx); err != nil {
				return err
			}
			defer second.Unlock()
			return nil
		}
	}
	backward := both(other, left)
	if right {
		backward = both(left, other)
	}
	a := actors.CallSoon(t.Context(), actorstest.Start(t, system, props.Name("a")), actors.NoResult(both(left, other)))
	b := actors.CallSoon(t.Context(), actorstest.Start(t, system, props.Name("b")), actors.NoResult(backward))
	wait(t, a, b)
}

// droppedWakeUp has a function wait for an item that another one may have put before.
func droppedWakeUp(t testing.TB, w *actorstest.World, right bool) {
	system := w.System("store")
	shelf := actorstest.Start(t, system, props.Name("shelf"))
	log := actorstest.Start(t, system, props.Name("log"))
	items := 0
	var waiting *pending.Pending[struct{}]
	take := actors.CallSoon(t.Context(), shelf, actors.NoResult(func(ctx context.Context) error {
		for items == 0 {
			more := pending.New[struct{}](context.Background())
			if right {
				waiting = more
			}
			if err := actors.Do(ctx, log, func(context.Context) error { return nil }); err != nil {
				return err
			}
			waiting = more // too late, if the item has come meanwhile
			if right && items > 0 {
				break
			}
			if _, err := more.Wait(ctx); err != nil {
				return err
			}
		}
		items--
		return nil
	}))
	put := actors.CallSoon(t.Context(), shelf, actors.NoResult(func(context.Context) error {
		items++
		if waiting != nil {
			waiting.SetResult(struct{}{})
		}
		return nil
	}))
	wait(t, put, take)
}

// retryWithoutKey buys again when the connection is lost, because the answer may be as well.
func retryWithoutKey(t testing.TB, w *actorstest.World, right bool) {
	here, there := w.System("here"), w.System("there")
	bought := 0
	require.NoError(t, rpc.Handle(there, "buy", func(context.Context, string) (int, error) {
		bought++
		return bought, nil
	}))
	seller := actorstest.Start(t, there, props.Name("seller"))
	cable := actorstest.Start(t, here, props.Name("cable"))
	cut := actors.CallLater(t.Context(), cable, time.Millisecond, actors.NoResult(func(context.Context) error {
		w.Network().Reset("here", "there")
		return nil
	}))
	buy := func(opts ...rpc.CallOption) error {
		_, err := rpc.Call[string, int](t.Context(), here, rpc.At("there", seller.ID()), "buy", "tea", opts...).Wait(t.Context())
		return err
	}
	if right {
		require.NoError(t, buy(rpc.Idempotent("order 1")))
	} else if err := buy(); err != nil {
		require.NoError(t, buy())
	}
	wait(t, cut)
	require.Equal(t, 1, bought, "bought twice")
}

func wait(t testing.TB, calls ...*pending.Pending[struct{}]) {
	for _, c := range calls {
		_, err := c.Wait(t.Context())
		require.NoError(t, err)
	}
}

func TestExploreFindsWhatOnlySomeOrdersShow(t *testing.T) {
	for _, p := range proofs {
		t.Run(p.name, func(t *testing.T) {
			var tried []int
			for n := range uint64(scaled(20)) { //nolint:gosec // It is positive.
				opts := append(slices.Clone(p.opts), actorstest.Seed(n*100_000), actorstest.Schedules(p.worst))
				found := actorstest.Find(t, func(t testing.TB, w *actorstest.World) { p.body(t, w, false) }, opts...)
				require.NotEmpty(t, found.Report)
				require.Contains(t, found.Report, p.says)
				require.Empty(t, found.Differs)
				tried = append(tried, found.Schedules)

				if n > 0 {
					continue
				}
				again := actorstest.Find(t, func(t testing.TB, w *actorstest.World) { p.body(t, w, false) },
					append(slices.Clone(p.opts), actorstest.Seed(found.Seed), actorstest.Schedules(1))...)
				assert.NotEmpty(t, again.Report, "the seed replays")
			}
			slices.Sort(tried)
			t.Logf("found at the schedule %d at the median, and %d at the worst of %d tries", tried[len(tried)/2], tried[len(tried)-1], len(tried))
		})
	}
}

func TestExplorePassesWhatIsRight(t *testing.T) {
	for _, p := range proofs {
		t.Run(p.name, func(t *testing.T) {
			began := time.Now()
			found := actorstest.Find(t, func(t testing.TB, w *actorstest.World) { p.body(t, w, true) },
				append(slices.Clone(p.opts), actorstest.Schedules(*schedules))...)
			assert.Empty(t, found.Report)
			t.Log(found.Summary, fmt.Sprintf("%.0f schedules a second", float64(*schedules)/time.Since(began).Seconds()))
		})
	}
}
