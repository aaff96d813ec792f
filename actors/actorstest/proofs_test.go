package actorstest_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

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
}

// lostUpdate has two deposits that ask for permission between looking and writing.
func lostUpdate(t testing.TB, w *actorstest.World, right bool) {
	system := w.System("bank")
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
			for n := range uint64(20) {
				opts := append(slices.Clone(p.opts), actorstest.Seed(n*100_000), actorstest.Schedules(p.worst))
				found := actorstest.Find(t, func(t testing.TB, w *actorstest.World) { p.body(t, w, false) }, opts...)
				require.NotEmpty(t, found.Report)
				require.Contains(t, found.Report, p.says)
				require.Empty(t, found.Differs)
				tried = append(tried, found.Schedules)

				again := actorstest.Find(t, func(t testing.TB, w *actorstest.World) { p.body(t, w, false) },
					append(slices.Clone(p.opts), actorstest.Seed(found.Seed), actorstest.Schedules(1))...)
				assert.NotEmpty(t, again.Report, "the seed replays")
			}
			slices.Sort(tried)
			t.Logf("median %d, worst %d of 20", tried[len(tried)/2], tried[len(tried)-1])
		})
	}
}

func TestExplorePassesWhatIsRight(t *testing.T) {
	for _, p := range proofs {
		t.Run(p.name, func(t *testing.T) {
			began := time.Now()
			found := actorstest.Find(t, func(t testing.TB, w *actorstest.World) { p.body(t, w, true) },
				append(slices.Clone(p.opts), actorstest.Schedules(2000))...)
			assert.Empty(t, found.Report)
			t.Log(found.Summary, fmt.Sprintf("%.0f schedules a second", 2000/time.Since(began).Seconds()))
		})
	}
}
