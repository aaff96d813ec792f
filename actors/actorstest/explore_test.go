package actorstest_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// inProcess runs a test in a process of its own, in which it may leave goroutines.
func inProcess(t *testing.T, test func(t *testing.T)) {
	const variable = "ACTORSTEST_PROCESS"
	if os.Getenv(variable) == t.Name() {
		test(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.timeout", "2m") //nolint:gosec // This program.
	races, err := filepath.Abs("../rpc/testdata/races.txt")                               // two remotes in a process are a race of gRPC's
	require.NoError(t, err)
	cmd.Env = append(os.Environ(), variable+"="+t.Name(), "GORACE=suppressions="+races)
	out, err := cmd.CombinedOutput()
	leaked := regexp.MustCompile(`goleak: Errors on successful test run`).Match(out)
	if err != nil && !leaked {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestExploreFails(t *testing.T) {
	inProcess(t, func(t *testing.T) {
		errNo := errors.New("no")
		for name, c := range map[string]struct {
			body func(t testing.TB, w *actorstest.World)
			says []string
		}{
			"by an assertion": {
				func(t testing.TB, _ *actorstest.World) { require.NoError(t, errNo) }, []string{"Received unexpected error", "seed 0", "-explore.seed=0"},
			},
			"by an assertion in a function": {
				func(t testing.TB, w *actorstest.World) {
					c := actorstest.Start(t, w.System("a"))
					_, err := actors.CallSoon(t.Context(), c, func(context.Context) (int, error) { t.FailNow(); return 0, nil }).Wait(t.Context())
					assert.Error(t, err)
				}, []string{"schedule 1 of"},
			},
			"by a panic": {
				func(testing.TB, *actorstest.World) { panic("boom") }, []string{"panic: boom", "explore_test.go"},
			},
			"by a panic of a cleanup": {
				func(t testing.TB, _ *actorstest.World) { t.Cleanup(func() { panic("boom") }) }, []string{"panic: boom"},
			},
			"by a pending that nobody completes": {
				func(t testing.TB, w *actorstest.World) {
					_, err := pending.New[int](t.Context(), pending.Named("the answer")).Wait(t.Context())
					assert.NoError(t, err)
				}, []string{"a deadlock", "the answer"},
			},
			"by a channel that nobody closes": {
				func(testing.TB, *actorstest.World) { <-make(chan int) }, []string{"a deadlock", "chan receive"},
			},
			"by a goroutine that is left": {
				func(testing.TB, *actorstest.World) {
					c := make(chan int)
					go func() { <-c }()
				}, []string{"goroutines are left", "chan receive"},
			},
			"by a function that is left": {
				func(t testing.TB, w *actorstest.World) {
					c := actorstest.Start(t, w.System("a"), props.StopTimeout(time.Second))
					never := make(chan int)
					actors.CallSoon(t.Context(), c, func(context.Context) (int, error) { return <-never, nil })
					w.Settle()
				}, []string{"goroutines are left"},
			},
			"by steps without an end": {
				func(t testing.TB, w *actorstest.World) {
					c := actorstest.Start(t, w.System("a"))
					for t.Context().Err() == nil {
						_ = actors.Do(t.Context(), c, func(context.Context) error { return nil })
					}
				}, []string{"does not end"},
			},
			"by a name that is in use": {
				func(_ testing.TB, w *actorstest.World) {
					w.System("a")
					w.System("a")
				}, []string{`there is a system "a" already`},
			},
		} {
			t.Run(name, func(t *testing.T) {
				found := actorstest.Find(t, c.body, actorstest.MaxSteps(500))
				for _, text := range c.says {
					assert.Contains(t, found.Report, text)
				}
				assert.Equal(t, 1, found.Schedules)
			})
		}
	})
}

// A mutex that is held across a wait is no wait that the bubble can see.
func TestExploreReportsWhatStopsForGood(t *testing.T) {
	inProcess(t, func(t *testing.T) {
		found := actorstest.Find(t, func(t testing.TB, w *actorstest.World) {
			system := w.System("a")
			c, other := actorstest.Start(t, system), actorstest.Start(t, system)
			var mu sync.Mutex
			work := actors.NoResult(func(ctx context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				return actors.Do(ctx, other, func(context.Context) error { return nil })
			})
			wait(t, actors.CallSoon(t.Context(), c, work), actors.CallSoon(t.Context(), c, work))
		}, actorstest.Patience(500*time.Millisecond))
		assert.Contains(t, found.Report, "stopped for good")
		assert.Contains(t, found.Report, "sync.(*Mutex).Lock")
		assert.Contains(t, found.Report, "takes its next item")
	})
}

func TestExploreSkips(t *testing.T) {
	ran := 0
	t.Run("", func(t *testing.T) {
		actorstest.Explore(t, func(t testing.TB, _ *actorstest.World) {
			ran++
			t.Skip("that Explore skips is what is tested")
		})
		t.Error("it has not skipped")
	})
	assert.Equal(t, 1, ran)
}

func TestExploreRunsSoManySchedules(t *testing.T) {
	ran := 0
	actorstest.Explore(t, func(testing.TB, *actorstest.World) { ran++ }, actorstest.Schedules(7))
	assert.Equal(t, 7, ran)
}

func TestExploreWithAFlagRunsOneSchedule(t *testing.T) {
	require.NoError(t, flag.Set("explore.seed", "77"))
	defer func() { require.NoError(t, flag.Set("explore.seed", "")) }()
	ran := 0
	actorstest.Explore(t, func(testing.TB, *actorstest.World) { ran++ })
	assert.Equal(t, 1, ran)
}

func TestExploreWantsArguments(t *testing.T) {
	body := func(testing.TB, *actorstest.World) {}
	assert.PanicsWithValue(t, "actorstest: Explore with a nil argument", func() { actorstest.Explore(nil, body) })
	assert.PanicsWithValue(t, "actorstest: Explore with a nil argument", func() { actorstest.Explore(t, nil) })
	assert.PanicsWithValue(t, "actorstest: Explore with a nil option", func() { actorstest.Explore(t, body, nil) })
}

func TestSettleWaitsForAllThatCanGoOn(t *testing.T) {
	actorstest.Explore(t, func(t testing.TB, w *actorstest.World) {
		system := w.System("a")
		c, other := actorstest.Start(t, system), actorstest.Start(t, system)
		n := 0
		for range 3 {
			actors.CallSoon(t.Context(), c, actors.NoResult(func(ctx context.Context) error {
				err := actors.Do(ctx, other, func(context.Context) error { return nil })
				n++
				return err
			}))
		}
		w.Settle()
		assert.Equal(t, 3, n)
	}, actorstest.Schedules(100))
}

// Actors of protoactor need nothing to be explored.
func TestExploreOrdersTheMessagesOfPlainActors(t *testing.T) {
	seen := make(map[string]int)
	actorstest.Explore(t, func(t testing.TB, w *actorstest.World) {
		system := w.System("a")
		var got string
		sink := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if s, ok := ctx.Message().(string); ok {
				got += s
			}
		}))
		forward := actor.PropsFromFunc(func(ctx actor.Context) {
			if s, ok := ctx.Message().(string); ok {
				ctx.Send(sink, s)
			}
		})
		parent := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*actor.Started); ok {
				for _, name := range []string{"a", "b", "c"} {
					ctx.Send(ctx.Spawn(forward), name)
				}
			}
		}))
		w.Settle()
		require.Len(t, got, 3)
		seen[got]++
		system.Root.Stop(parent)
		system.Root.Stop(sink)
	}, actorstest.Schedules(200))
	assert.Len(t, seen, 6, "all orders: %v", seen)
}

func TestTimeIsOneOfTheChoices(t *testing.T) {
	body := func(t testing.TB, w *actorstest.World) {
		system := w.System("a")
		c, other := actorstest.Start(t, system), actorstest.Start(t, system)
		inside := false
		actors.CallLater(t.Context(), c, 100*time.Millisecond, actors.NoResult(func(context.Context) error {
			assert.False(t, inside, "between")
			return nil
		}))
		wait(t, actors.CallSoon(t.Context(), c, actors.NoResult(func(ctx context.Context) error {
			inside = true
			err := actors.Do(ctx, other, func(context.Context) error { return nil })
			inside = false
			return err
		})))
	}
	assert.Contains(t, actorstest.Find(t, body).Report, "between")
	assert.Empty(t, actorstest.Find(t, body, actorstest.Hurry(0)).Report)
	assert.Empty(t, actorstest.Find(t, body, actorstest.Hurry(50*time.Millisecond)).Report)
}

func TestExploreInABubbleSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		assert.PanicsWithValue(t, "actorstest: Explore in a bubble of testing/synctest, of which it makes its own", func() {
			actorstest.Explore(t, func(testing.TB, *actorstest.World) {})
		})
	})
}

// The order without choices is far from one that fails here, but few changes are needed.
func TestExploreFindsALostUpdateBehindManyHops(t *testing.T) {
	var tried []int
	for n := range uint64(scaled(9)) { //nolint:gosec // It is positive.
		found := actorstest.Find(t, func(t testing.TB, w *actorstest.World) {
			system := w.System("bank")
			account := actorstest.Start(t, system, props.Name("account"))
			other := actorstest.Start(t, system, props.Name("other"))
			balance := 0
			hop := func(ctx context.Context) error {
				return actors.Do(ctx, other, func(context.Context) error { return nil })
			}
			deposit := func(hops int) func(context.Context) error {
				return func(ctx context.Context) error {
					for range hops {
						if err := hop(ctx); err != nil {
							return err
						}
					}
					before := balance
					err := hop(ctx)
					balance = before + 1
					return err
				}
			}
			wait(t, actors.CallSoon(t.Context(), account, actors.NoResult(deposit(0))), actors.CallSoon(t.Context(), account, actors.NoResult(deposit(14))))
			require.Equal(t, 2, balance)
		}, actorstest.Seed(n*1000_000), actorstest.Schedules(5000))
		require.NotEmpty(t, found.Report)
		tried = append(tried, found.Schedules)
	}
	t.Log(tried)
}

// callEachOther has callers that call each other.
func callEachOther(n int) func(t testing.TB, w *actorstest.World) {
	return func(t testing.TB, w *actorstest.World) {
		system := w.System("a")
		var all []*actors.Caller
		for range n {
			all = append(all, actorstest.Start(t, system))
		}
		var calls []*pending.Pending[struct{}]
		for i, c := range all {
			calls = append(calls, actors.CallSoon(t.Context(), c, actors.NoResult(func(ctx context.Context) error {
				return actors.Do(ctx, all[(i+1)%n], func(context.Context) error { return nil })
			})))
		}
		wait(t, calls...)
	}
}

func TestExhaustiveTriesAllOrders(t *testing.T) {
	for n := 1; n <= 3 && (n < 3 || !raceEnabled); n++ {
		began := time.Now()
		found := actorstest.Find(t, callEachOther(n), actorstest.Exhaustive())
		assert.Empty(t, found.Report)
		t.Log(n, "callers:", found.Summary, time.Since(began))
	}
	for _, p := range proofs[:3] {
		found := actorstest.Find(t, func(t testing.TB, w *actorstest.World) { p.body(t, w, false) }, actorstest.Exhaustive())
		assert.Contains(t, found.Report, p.says)
		found = actorstest.Find(t, func(t testing.TB, w *actorstest.World) { p.body(t, w, true) }, actorstest.Exhaustive())
		assert.Empty(t, found.Report)
		t.Log(p.name, found.Summary)
	}
}

// What callers see must be the same whichever way the orders are chosen.
func TestExhaustiveSeesAllThatRandomOrdersSee(t *testing.T) {
	lock := func(w *actorstest.World, t testing.TB, seen map[string]int) {
		system := w.System("a")
		mu := pending.NewMutex()
		var log [3]string
		var all []*actors.Caller
		for range 3 {
			all = append(all, actorstest.Start(t, system))
		}
		var calls []*pending.Pending[struct{}]
		for i, c := range all[:2] {
			calls = append(calls, actors.CallSoon(t.Context(), c, actors.NoResult(func(ctx context.Context) error {
				log[i] += "a"
				if err := mu.Lock(ctx); err != nil {
					return err
				}
				log[i] += "b"
				err := actors.Do(ctx, all[2], func(context.Context) error { log[2] += string(rune('0' + i)); return nil })
				mu.Unlock()
				log[i] += "c"
				return err
			})), actors.CallSoon(t.Context(), c, actors.NoResult(func(context.Context) error { log[i] += "d"; return nil })))
		}
		wait(t, calls...)
		seen[log[0]+" "+log[1]+" "+log[2]]++
	}
	all, some := make(map[string]int), make(map[string]int)
	found := actorstest.Find(t, func(t testing.TB, w *actorstest.World) { lock(w, t, all) }, actorstest.Exhaustive())
	require.Empty(t, found.Report)
	require.Empty(t, actorstest.Find(t, func(t testing.TB, w *actorstest.World) { lock(w, t, some) }, actorstest.Hurry(0), actorstest.Schedules(scaled(3000))).Report)
	t.Log(found.Summary, len(all), len(some))
	for outcome := range some {
		assert.Contains(t, all, outcome)
	}
}

// Four callers with a call each are not too many, whomever they call.
func TestExhaustiveEnds(t *testing.T) {
	callers := 4
	if raceEnabled || testing.Short() {
		callers = 3
	}
	for name, body := range map[string]func(int) func(t testing.TB, w *actorstest.World){
		"a call each":                        oneCallEach,
		"a call of one other caller each":    oneServer,
		"a call of the next one in a circle": callEachOther,
	} {
		began := time.Now()
		found := actorstest.Find(t, body(callers), actorstest.Exhaustive())
		assert.Empty(t, found.Report)
		assert.Contains(t, found.Summary, "all orders")
		t.Log(callers, "callers,", name+":", found.Summary, time.Since(began))
	}
}

// oneCallEach has callers that get one call each from the body.
func oneCallEach(n int) func(t testing.TB, w *actorstest.World) {
	return func(t testing.TB, w *actorstest.World) {
		system := w.System("a")
		var calls []*pending.Pending[struct{}]
		for range n {
			c := actorstest.Start(t, system)
			calls = append(calls, actors.CallSoon(t.Context(), c, actors.NoResult(func(context.Context) error { return nil })))
		}
		wait(t, calls...)
	}
}

// oneServer has callers that call one other caller.
func oneServer(n int) func(t testing.TB, w *actorstest.World) {
	return func(t testing.TB, w *actorstest.World) {
		system := w.System("a")
		server := actorstest.Start(t, system)
		var calls []*pending.Pending[struct{}]
		for range n {
			c := actorstest.Start(t, system)
			calls = append(calls, actors.CallSoon(t.Context(), c, actors.NoResult(func(ctx context.Context) error {
				return actors.Do(ctx, server, func(context.Context) error { return nil })
			})))
		}
		wait(t, calls...)
	}
}
