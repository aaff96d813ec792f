package actorstest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// A program that is not the same each time fails, and the failure says so.
func TestExploreSaysWhatDiffers(t *testing.T) {
	runs := 0
	found := actorstest.Find(t, func(t testing.TB, w *actorstest.World) {
		runs++
		c := actorstest.Start(t, w.System("a"), props.Name("worker"))
		for range runs {
			require.NoError(t, actors.Do(t.Context(), c, func(context.Context) error { return nil }))
		}
		t.Error("it fails each time")
	})
	assert.NotEmpty(t, found.Differs)
	assert.Contains(t, found.Report, "another run of that seed differs: ")
	assert.Contains(t, found.Report, `it had 1 steps, and then 2, after "body: calls"`)
	assert.Contains(t, found.Report, "chance, real time, the order of a map, or channels")

	fails := true
	found = actorstest.Find(t, func(t testing.TB, _ *actorstest.World) {
		if fails {
			fails = false
			t.Error("it fails once")
		}
	})
	assert.Equal(t, "it does not fail again", found.Differs)
}

func TestExploreShortensWhatFails(t *testing.T) {
	found := actorstest.Find(t, func(t testing.TB, w *actorstest.World) {
		system := w.System("bank")
		other := actorstest.Start(t, system)
		for range 5 { // has nothing to do with it
			actors.CallSoon(t.Context(), actorstest.Start(t, system), actors.NoResult(func(ctx context.Context) error {
				return actors.Do(ctx, other, func(context.Context) error { return nil })
			}))
		}
		lostUpdateIn(t, system, false)
	}, actorstest.Seed(1))
	steps := regexp.MustCompile(`(\d+) steps, from (\d+):`).FindStringSubmatch(found.Report)
	require.Len(t, steps, 3, found.Report)
	short, _ := strconv.Atoi(steps[1])
	long, _ := strconv.Atoi(steps[2])
	assert.LessOrEqual(t, short, long)
	assert.Contains(t, found.Report, "account actorstest_test.lostUpdate")
}

// The command that a failure names runs that schedule.
func TestTheCommandOfAFailureRunsItAgain(t *testing.T) {
	if os.Getenv("ACTORSTEST_FAILS") != "" {
		actorstest.Explore(t, func(t testing.TB, w *actorstest.World) { lostUpdate(t, w, false) })
		return
	}
	run := func(args ...string) string {
		cmd := exec.Command(os.Args[0], args...) //nolint:gosec // This program.
		cmd.Env = append(os.Environ(), "ACTORSTEST_FAILS=1")
		out, err := cmd.CombinedOutput()
		require.Error(t, err, "%s", out)
		return string(out)
	}
	again := regexp.MustCompile(`again: go test -run '(.*)' (-explore.seed=\d+)`)
	first := run("-test.run", "^"+t.Name()+"$")
	command := again.FindStringSubmatch(first)
	require.Len(t, command, 3, first)
	second := run("-test.run", command[1], command[2])
	assert.Contains(t, second, "schedule 1 of 1 fails")
	assert.Equal(t, stepsIn(t, first), stepsIn(t, second))
}

// stepsIn returns the steps that a failure lists.
func stepsIn(t *testing.T, report string) string {
	found := regexp.MustCompile(`(?s)\d+ steps, from \d+:\n(.*?)\n\s*\n`).FindStringSubmatch(report)
	require.Len(t, found, 2, report)
	return found[1]
}

func TestTheCommandOfAFailureQuotesTheNameOfTheTest(t *testing.T) {
	t.Run("1 + (2) isn't [3]", func(t *testing.T) {
		found := actorstest.Find(t, func(t testing.TB, _ *actorstest.World) { t.Error("it fails") })
		command := regexp.MustCompile(`go test -run (.*) -explore`).FindStringSubmatch(found.Report)
		require.Len(t, command, 2)
		said, err := exec.Command("sh", "-c", "printf %s "+command[1]).Output() //nolint:gosec // A quoted name.
		require.NoError(t, err)
		assert.Equal(t, `^TestTheCommandOfAFailureQuotesTheNameOfTheTest$/^1_\+_\(2\)_isn't_\[3\]$`, string(said))
	})
}

// The numbers of pendings belong to the schedule, as they are in errors.
func TestNumbersOfPendingsAreTheSameEachTime(t *testing.T) {
	body := func(t testing.TB, w *actorstest.World) {
		c := actorstest.Start(t, w.System("a"))
		p := actors.CallSoon(t.Context(), c, actors.NoResult(func(context.Context) error { return nil }))
		wait(t, p)
		q := pending.New[int](t.Context())
		assert.NotEqual(t, p.ID(), q.ID())
		t.Error(p, q)
	}
	first, again := actorstest.Find(t, body), actorstest.Find(t, body)
	assert.Equal(t, first.Report, again.Report)
}

// The chance of a restart's delay is that of the schedule.
func TestTheJitterOfARestartIsTheSameEachTime(t *testing.T) {
	var after []time.Duration
	body := func(t testing.TB, w *actorstest.World) {
		c := actorstest.Start(t, w.System("a"), props.Supervision(supervision.Restart(
			supervision.Backoff(time.Second, time.Minute), supervision.Jitter(1))))
		began := time.Now()
		_, err := actors.Call(t.Context(), c, func(context.Context) (int, error) { panic("boom") })
		require.Error(t, err)
		require.NoError(t, actors.Do(t.Context(), c, func(context.Context) error { return nil }))
		after = append(after, time.Since(began))
	}
	for range 2 {
		actorstest.Order(t, 7, body)
	}
	require.Len(t, after, 2)
	assert.Equal(t, after[0], after[1])
	assert.NotZero(t, after[0])
}

// Callers that complete a promise, or take a lock without a wait, may do it in any order.
func TestExhaustiveSeesWhoIsFirst(t *testing.T) {
	for name, place := range map[string]func() (taken func(who int) bool){
		"SetResult": func() func(int) bool {
			p := pending.New[int](context.Background())
			return func(who int) bool { return p.SetResult(who) }
		},
		"Cancel": func() func(int) bool {
			p := pending.New[int](context.Background())
			return func(who int) bool { return p.Err() == pending.ErrNotDone && p.Cancel(errors.New("no")) } //nolint:errorlint // It is bare.
		},
		"TryLock": func() func(int) bool {
			mu := pending.NewMutex()
			return func(int) bool { return mu.TryLock() }
		},
		"TryAcquire": func() func(int) bool {
			s := pending.NewSemaphore(3)
			return func(int) bool { return s.TryAcquire(2) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			const who = 3
			seen := make(map[[who]int]bool)
			found := actorstest.Find(t, func(t testing.TB, w *actorstest.World) {
				system := w.System("a")
				var callers []*actors.Caller
				for range who {
					callers = append(callers, actorstest.Start(t, system))
				}
				w.Settle()
				places := []func(int) bool{place(), place(), place()}
				var order [who]int
				for i, c := range callers {
					actors.CallSoon(t.Context(), c, actors.NoResult(func(context.Context) error {
						order[i] = slices.IndexFunc(places, func(taken func(int) bool) bool { return taken(i) })
						return nil
					}))
				}
				w.Settle() // waits for none of them
				seen[order] = true
			}, actorstest.Exhaustive())
			assert.Empty(t, found.Report)
			assert.Len(t, seen, 6)
		})
	}
}

// Whatever comes from several callers comes in any order.
func TestExhaustiveSeesAllOrdersOfWhatComes(t *testing.T) {
	const from = 3
	type feed struct {
		put func(ctx context.Context, n int) (int, error) // by each caller
		got func() []int
	}
	for name, make := range map[string]func(t testing.TB, system *actor.ActorSystem) feed{
		"Queue": func(t testing.TB, system *actor.ActorSystem) feed {
			var got []int
			q := actors.NewQueue(actorstest.Start(t, system), func(_ context.Context, n int) error { got = append(got, n); return nil })
			return feed{func(_ context.Context, n int) (int, error) { return n, q.Put(n) }, func() []int { return got }}
		},
		"actor": func(_ testing.TB, system *actor.ActorSystem) feed {
			var got []int
			pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
				if n, ok := ctx.Message().(int); ok {
					got = append(got, n)
				}
			}))
			return feed{func(_ context.Context, n int) (int, error) { system.Root.Send(pid, n); return n, nil }, func() []int { return got }}
		},
		"calls": func(t testing.TB, system *actor.ActorSystem) feed {
			var got []int
			c := actorstest.Start(t, system)
			return feed{func(ctx context.Context, n int) (int, error) {
				actors.CallSoon(ctx, c, actors.NoResult(func(context.Context) error { got = append(got, n); return nil }))
				return n, nil
			}, func() []int { return got }}
		},
		"event stream": func(_ testing.TB, system *actor.ActorSystem) feed {
			var got []int
			system.EventStream.Subscribe(func(event any) {
				if n, ok := event.(int); ok {
					got = append(got, n)
				}
			})
			return feed{func(_ context.Context, n int) (int, error) { system.EventStream.Publish(n); return n, nil }, func() []int { return got }}
		},
		"AsCompleted": func(testing.TB, *actor.ActorSystem) feed {
			return feed{func(_ context.Context, n int) (int, error) { return n, nil }, nil}
		},
	} {
		t.Run(name, func(t *testing.T) {
			seen := map[[from]int]bool{}
			found := actorstest.Find(t, func(t testing.TB, w *actorstest.World) {
				system := w.System("a")
				f := make(t, system)
				var callers []*actors.Caller
				for range from + 1 {
					callers = append(callers, actorstest.Start(t, system))
				}
				w.Settle()
				var calls []*pending.Pending[int]
				for i, c := range callers[:from] {
					calls = append(calls, actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) { return f.put(ctx, i) }))
				}
				var got []int
				if f.got == nil {
					actors.CallSoon(t.Context(), callers[from], actors.NoResult(func(ctx context.Context) error {
						for p, err := range pending.AsCompletedOf(ctx, calls) {
							if err != nil {
								return err
							}
							n, _ := p.Result()
							got = append(got, n)
						}
						return nil
					}))
				}
				w.Settle()
				if f.got != nil {
					got = f.got()
				}
				require.Len(t, got, from)
				seen[[from]int(got)] = true
			}, actorstest.Exhaustive())
			assert.Empty(t, found.Report)
			assert.Len(t, seen, 6)
		})
	}
}
