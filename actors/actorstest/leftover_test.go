package actorstest_test

import (
	"context"
	"fmt"
	"strings"
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

// ending is a test whose context ends before its cleanups, as that of package testing does.
type ending struct {
	testing.TB
	ctx          context.Context
	cancel       context.CancelFunc
	atEnd        []func()
	errors, logs []string
}

func newEnding(t *testing.T) *ending {
	e := &ending{TB: t}
	e.ctx, e.cancel = context.WithCancel(t.Context())
	return e
}

func (e *ending) Helper()                  {}
func (e *ending) Context() context.Context { return e.ctx }
func (e *ending) Cleanup(fn func())        { e.atEnd = append(e.atEnd, fn) }
func (e *ending) Errorf(f string, a ...any) {
	e.errors = append(e.errors, fmt.Sprintf(f, a...))
}
func (e *ending) Logf(f string, a ...any) { e.logs = append(e.logs, fmt.Sprintf(f, a...)) }

func (e *ending) end() {
	e.cancel()
	for len(e.atEnd) > 0 {
		last := len(e.atEnd) - 1
		fn := e.atEnd[last]
		e.atEnd = e.atEnd[:last]
		fn()
	}
}

// promise makes a promise, so that the reports have its name.
func promise(ctx context.Context) *pending.Pending[int] {
	return pending.New[int](ctx, pending.Named("answer"))
}

// awaits is a function that waits for a promise.
func awaits(p *pending.Pending[int]) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) { return p.Wait(ctx) }
}

// leftovers are what the end of a test says of what was never done.
var leftovers = []struct {
	name string
	body func(t *ending, system *actor.ActorSystem)
	says []string // of an error; nothing for no error
	logs string   // of a log line
}{
	{
		"a promise that a function waits for",
		func(t *ending, system *actor.ActorSystem) {
			actors.CallSoon(t.Context(), actorstest.Start(t, system, props.Name("asker")), awaits(promise(context.Background())))
		},
		[]string{"asker", "has waited until the end of the test for answer #", "nobody has completed", "actorstest_test.promise", "leftover_test.go:"}, "",
	},
	{
		"a promise that a function waits for, whose context goes on",
		func(t *ending, system *actor.ActorSystem) {
			actors.CallSoon(context.Background(), actorstest.Start(t, system), awaits(promise(context.Background())))
		},
		[]string{"for answer #"}, "",
	},
	{
		"a promise whose context ends with the test",
		func(t *ending, system *actor.ActorSystem) {
			actors.CallSoon(t.Context(), actorstest.Start(t, system), awaits(promise(t.Context())))
		},
		[]string{"for answer #"}, "",
	},
	{
		"a promise that is waited for with protection",
		func(t *ending, system *actor.ActorSystem) {
			p := promise(context.Background())
			actors.CallSoon(t.Context(), actorstest.Start(t, system), func(ctx context.Context) (int, error) { return p.Wait(ctx, pending.Protect()) })
		},
		[]string{"for answer #"}, "",
	},
	{
		"a promise that is waited for with the turn",
		func(t *ending, system *actor.ActorSystem) {
			p := promise(context.Background())
			actors.CallSoon(t.Context(), actorstest.Start(t, system), func(ctx context.Context) (int, error) { return p.WaitSync(ctx) })
		},
		[]string{"for answer #"}, "",
	},
	{
		"a promise behind a call",
		func(t *ending, system *actor.ActorSystem) {
			c, other := actorstest.Start(t, system, props.Name("first")), actorstest.Start(t, system, props.Name("second"))
			actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
				return actors.Call(ctx, other, awaits(promise(context.Background())))
			})
		},
		[]string{"second", "for answer #"}, "",
	},
	{
		"a promise behind Then and a wait for several",
		func(t *ending, system *actor.ActorSystem) {
			p, q := promise(context.Background()), promise(context.Background())
			q.SetResult(1)
			then := pending.Then(p, func(n int) (int, error) { return n, nil })
			actors.CallSoon(t.Context(), actorstest.Start(t, system), func(ctx context.Context) ([]int, error) { return pending.All(ctx, q, then) })
		},
		[]string{"for answer #"}, "",
	},
	{
		"a promise of a function that something waits for",
		func(t *ending, system *actor.ActorSystem) {
			c := actorstest.Start(t, system)
			p := actors.CallSoon(context.Background(), c, func(ctx context.Context) (*pending.Pending[int], error) {
				p := promise(ctx)
				p.OnDone(func(pending.Handle) {})
				return p, nil
			})
			made, err := p.Wait(t.Context())
			require.NoError(t.TB, err)
			t.TB.Cleanup(func() { assert.False(t.TB, made.IsDone()) })
		},
		[]string{"nobody has completed answer #", "something waits for it still", "actorstest_test.promise"}, "",
	},
	{
		"a request that is never answered",
		func(t *ending, system *actor.ActorSystem) {
			silent := system.Root.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
			actors.Request[int](context.Background(), system, silent, "question")
		},
		[]string{"request string", "was never done", "leftover_test.go:"}, "",
	},

	{
		"nothing is left", func(t *ending, system *actor.ActorSystem) {
			p := promise(context.Background())
			call := actors.CallSoon(t.Context(), actorstest.Start(t, system), awaits(p))
			synctest.Wait()
			p.SetResult(1)
			_, err := call.Wait(t.Context())
			require.NoError(t.TB, err)
		}, nil, "",
	},
	{
		"a promise that may stay open",
		func(t *ending, system *actor.ActorSystem) {
			actors.CallSoon(t.Context(), actorstest.Start(t, system), awaits(promise(context.Background())))
			actorstest.MayStayOpen(t, "answer")
		}, nil, "",
	},
	{
		"a promise that may not stay open, beside one that may",
		func(t *ending, system *actor.ActorSystem) {
			actorstest.MayStayOpen(t, "question")
			actors.CallSoon(t.Context(), actorstest.Start(t, system), awaits(promise(context.Background())))
		},
		[]string{"for answer #"}, "",
	},
	{
		"a wait that has ended before the test",
		func(t *ending, system *actor.ActorSystem) {
			c := actorstest.Start(t, system)
			actors.CallSoon(t.Context(), c, awaits(promise(context.Background())))
			synctest.Wait()
			require.NoError(t.TB, c.StopWait(t.Context()))
		}, nil, "",
	},
	{
		"a wait that is limited",
		func(t *ending, system *actor.ActorSystem) {
			p := promise(context.Background())
			actors.CallSoon(t.Context(), actorstest.Start(t, system), func(ctx context.Context) (int, error) { return p.Wait(ctx, pending.Timeout(time.Hour)) })
		}, nil, "for answer #",
	},
	{
		"a promise that a delayed call may complete",
		func(t *ending, system *actor.ActorSystem) {
			p := promise(context.Background())
			c := actorstest.Start(t, system)
			actors.CallSoon(t.Context(), c, awaits(p))
			actors.CallLater(t.Context(), c, time.Hour, func(context.Context) (bool, error) { return p.SetResult(1), nil })
		}, nil, "for answer #",
	},
	{
		"a promise that a function which sleeps may complete",
		func(t *ending, system *actor.ActorSystem) {
			p := promise(context.Background())
			c := actorstest.Start(t, system)
			actors.CallSoon(t.Context(), c, awaits(p))
			actors.CallSoon(t.Context(), c, actors.NoResult(func(ctx context.Context) error { return actors.Sleep(ctx, time.Hour) }))
		}, nil, "for answer #",
	},
	{
		"a promise that a periodic call may complete",
		func(t *ending, system *actor.ActorSystem) {
			c := actorstest.Start(t, system)
			actors.CallSoon(t.Context(), c, awaits(promise(context.Background())))
			actors.Every(t.Context(), c, time.Hour, func(context.Context) error { return nil })
		}, nil, "for answer #",
	},
	{
		"a promise that is completed at the end of the test",
		func(t *ending, system *actor.ActorSystem) {
			p := promise(context.Background())
			actors.CallSoon(t.Context(), actorstest.Start(t, system), awaits(p))
			t.Cleanup(func() { p.SetResult(1) })
		}, nil, "",
	},
	{
		"a promise that nobody waits for",
		func(t *ending, system *actor.ActorSystem) {
			c := actorstest.Start(t, system)
			_, err := actors.CallSoon(context.Background(), c, func(ctx context.Context) (*pending.Pending[int], error) { return promise(ctx), nil }).Wait(t.Context())
			require.NoError(t.TB, err)
		}, nil, "",
	},
	{
		"functions that sleep, wait for locks, and queues without items",
		func(t *ending, system *actor.ActorSystem) {
			c := actorstest.Start(t, system)
			lock := pending.NewMutex()
			for range 2 {
				actors.CallSoon(context.Background(), c, actors.NoResult(func(ctx context.Context) error {
					if err := lock.Lock(ctx); err != nil {
						return err
					}
					defer lock.Unlock()
					return actors.Sleep(ctx, time.Hour)
				}))
			}
			actors.NewQueue(c, func(context.Context, int) error { return nil })
		}, nil, "",
	},
	{
		"a queue that is idle is no hope",
		func(t *ending, system *actor.ActorSystem) {
			c := actorstest.Start(t, system)
			require.NoError(t.TB, actors.NewQueue(c, func(context.Context, int) error { return nil }).Put(1))
			actors.CallSoon(t.Context(), c, awaits(promise(context.Background())))
		}, []string{"for answer #"}, "",
	},
}

func TestTheEndOfATestSaysWhatWasNeverDone(t *testing.T) {
	for _, l := range leftovers {
		t.Run(l.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEnding(t)
				system := actorstest.NewSystem(e)
				l.body(e, system)
				synctest.Wait()
				e.end()
				logs := strings.Join(e.logs, "\n")
				assert.Equal(t, l.logs != "", logs != "", logs)
				assert.Contains(t, logs, l.logs)
				if len(l.says) == 0 {
					assert.Empty(t, e.errors)
					return
				}
				require.Len(t, e.errors, 1)
				for _, text := range l.says {
					assert.Contains(t, e.errors[0], text)
				}
			})
		})
	}
}

func TestTheEndOfATestSaysWhereACallWasMadeThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		e := newEnding(t)
		c, err := actors.Start(actorstest.NewSystem(e), props.StopTimeout(0))
		require.NoError(t, err)
		actors.CallSoon(t.Context(), c, func(context.Context) (int, error) { <-release; return 0, nil })
		synctest.Wait()
		e.end()
		require.Len(t, e.errors, 1)
		assert.Contains(t, e.errors[0], "was never done")
		assert.Contains(t, e.errors[0], "leftover_test.go:")
		close(release)
		<-c.Stopped()
	})
}

// A function that is about to leave its wait waits no more.
func TestAWaitThatIsCancelledWhenTheTestEndsDoesNotCount(t *testing.T) {
	for name, leave := range map[string]func(c *actors.Caller, call pending.Handle){
		"cancel": func(_ *actors.Caller, call pending.Handle) { call.Cancel(nil) },
		"stop":   func(c *actors.Caller, _ pending.Handle) { c.Stop() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEnding(t)
				c := actorstest.Start(e, actorstest.NewSystem(e))
				call := actors.CallSoon(e.Context(), c, awaits(promise(context.Background())))
				synctest.Wait()
				leave(c, call)
				e.end()
				assert.Empty(t, e.errors)
			})
		})
	}
}

// Systems of one test may complete the promises of each other.
func TestAPromiseMayBeCompletedByAnotherSystemOfTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEnding(t)
		network := actorstest.NewNetwork(e)
		p := promise(context.Background())
		actors.CallSoon(t.Context(), actorstest.Start(e, network.System("near")), awaits(p))
		actors.CallLater(t.Context(), actorstest.Start(e, network.System("far")), time.Hour, func(context.Context) (bool, error) { return p.SetResult(1), nil })
		synctest.Wait()
		e.end()
		assert.Empty(t, e.errors)
		assert.Len(t, e.logs, 1)
	})
}

// Outside of a bubble too, and with the T of package testing.
func TestNothingIsSaidOfWhatIsDone(t *testing.T) {
	c := actorstest.Start(t, actorstest.NewSystem(t))
	p := promise(t.Context())
	call := actors.CallSoon(t.Context(), c, awaits(p))
	p.SetResult(1)
	_, err := call.Wait(t.Context())
	require.NoError(t, err)
}

func TestExploreFailsByAPromiseThatAFunctionIsLeftWaitingFor(t *testing.T) {
	body := func(right bool) func(t testing.TB, w *actorstest.World) {
		return func(t testing.TB, w *actorstest.World) {
			system := w.System("a")
			c, other := actorstest.Start(t, system, props.Name("asker")), actorstest.Start(t, system)
			p := promise(context.Background())
			actors.CallSoon(t.Context(), c, awaits(p))
			if right { // behind the end of the body
				actors.CallSoon(t.Context(), c, func(ctx context.Context) (bool, error) {
					err := actors.Do(ctx, other, func(context.Context) error { return nil })
					return p.SetResult(1), err
				})
			}
		}
	}
	found := actorstest.Find(t, body(false))
	assert.Equal(t, 1, found.Schedules)
	assert.Empty(t, found.Differs)
	assert.Contains(t, found.Report, "asker")
	assert.Contains(t, found.Report, "for answer #")
	assert.Contains(t, found.Report, "leftover_test.go:")
	assert.Empty(t, actorstest.Find(t, body(true), actorstest.Schedules(scaled(200))).Report)
}
