package actors_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// Item 6 of the seed's behavior.
func TestCurrentCallerIsKnownInFunctionsAlone(t *testing.T) {
	c := start(t, newSystem(t))
	outside, ok := actors.Current(t.Context())
	assert.False(t, ok)
	assert.Nil(t, outside)

	result(t, do(t.Context(), c, func(ctx context.Context) {
		derived, cancel := context.WithCancel(context.WithValue(ctx, keyType{}, 1))
		defer cancel()
		for _, ctx := range []context.Context{ctx, derived, actors.Detach(ctx)} {
			current, ok := actors.Current(ctx)
			assert.True(t, ok)
			same(t, c, current)
		}
	}))
}

func TestSleepOutsideOfAFunctionBlocks(t *testing.T) {
	bubble(t, func(t *testing.T, _ *actor.ActorSystem) {
		begin := time.Now()
		require.NoError(t, actors.Sleep(t.Context(), time.Minute))
		assert.Equal(t, time.Minute, time.Since(begin))
		require.NoError(t, actors.Sleep(t.Context(), 0))
		require.NoError(t, actors.Sleep(t.Context(), -time.Minute))
		assert.Equal(t, time.Minute, time.Since(begin))
	})
}

func TestSleepEndsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		sleep := func(ctx context.Context) error {
			ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errBoom)
			defer cancel()
			return actors.Sleep(ctx, time.Hour)
		}
		begin := time.Now()
		for _, err := range []error{
			sleep(t.Context()),
			failure(actors.CallSoon(t.Context(), c, func(ctx context.Context) (any, error) { return nil, sleep(ctx) })),
		} {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorIs(t, err, errBoom)
		}
		assert.Equal(t, 2*time.Minute, time.Since(begin))
	})
}

func TestFunctionThatIsCancelledWakesFromItsSleep(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		begin := time.Now()
		var woken []error
		p := do(t.Context(), c, func(ctx context.Context) {
			for range 2 { // after the first one there is no more sleep
				woken = append(woken, actors.Sleep(ctx, time.Hour))
			}
		})
		time.Sleep(time.Minute)
		p.Cancel(errBoom)

		require.ErrorIs(t, failure(p), errBoom)
		assert.Equal(t, time.Minute, time.Since(begin))
		for _, err := range woken {
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, errBoom)
		}
	})
}

// waits are the ways to wait that give the turn away.
var waits = map[string]func(ctx context.Context, c *actors.Caller, gate *pending.Pending[int]) error{
	"Wait": func(ctx context.Context, _ *actors.Caller, gate *pending.Pending[int]) error {
		_, err := gate.Wait(ctx)
		return err
	},
	"Wait with a context derived from the function's": func(ctx context.Context, _ *actors.Caller, gate *pending.Pending[int]) error {
		ctx, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		_, err := gate.Wait(ctx, pending.Timeout(time.Hour))
		return err
	},
	"Wait for a call of the same caller": func(ctx context.Context, c *actors.Caller, gate *pending.Pending[int]) error {
		_, err := actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) { return gate.Wait(ctx) }).Wait(ctx)
		return err
	},
	"Wait for a call of a child": func(ctx context.Context, c *actors.Caller, gate *pending.Pending[int]) error {
		kid, err := c.Child(props.Name("kid"))
		if err != nil {
			return err
		}
		_, err = actors.CallSoon(ctx, kid, func(context.Context) (int, error) {
			return gate.Wait(context.Background())
		}).Wait(ctx)
		return err
	},
	"CancelWait": func(ctx context.Context, _ *actors.Caller, gate *pending.Pending[int]) error {
		p := pending.New[int](ctx)
		p.SetCanceller(func(cause error) { gate.OnDone(func(pending.Handle) { p.SetError(cause) }) })
		return p.CancelWait(ctx, errBoom)
	},
	"StopWait": func(ctx context.Context, c *actors.Caller, gate *pending.Pending[int]) error {
		kid, err := c.Child()
		if err != nil {
			return err
		}
		started := make(chan struct{})
		do(ctx, kid, func(context.Context) {
			close(started)
			<-gate.Done()
		})
		<-started
		return kid.StopWait(ctx)
	},
	"Drain": func(ctx context.Context, c *actors.Caller, gate *pending.Pending[int]) error {
		kid, err := c.Child()
		if err != nil {
			return err
		}
		actors.CallSoon(ctx, kid, func(ctx context.Context) (int, error) { return gate.Wait(ctx) })
		return kid.Drain(ctx)
	},
	"Sleep": func(ctx context.Context, _ *actors.Caller, _ *pending.Pending[int]) error {
		return actors.Sleep(ctx, time.Minute)
	},
}

func TestFunctionThatWaitsLetsOthersRun(t *testing.T) {
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system)
				gate := pending.New[int](t.Context())
				inside := false
				p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (any, error) {
					inside = true
					defer func() { inside = false }()
					return nil, wait(ctx, c, gate)
				})
				for range 3 {
					time.Sleep(time.Second)
					assert.True(t, result(t, actors.CallSoon(t.Context(), c, func(context.Context) (bool, error) {
						return inside, nil
					})), "it runs while the other one waits")
				}
				assert.False(t, p.IsDone())
				gate.SetResult(1)
				result(t, p)
			})
		})
	}
}

func TestFunctionHasItsTurnBackAfterTheWait(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		begin := time.Now()
		woken := actors.CallSoon(t.Context(), c, func(ctx context.Context) (time.Duration, error) {
			err := actors.Sleep(ctx, time.Second)
			return time.Since(begin), err
		})
		do(t.Context(), c, func(context.Context) { time.Sleep(time.Minute) })
		assert.Equal(t, time.Minute, result(t, woken), "it does not run beside the one that keeps its turn")
	})
}

// Item 23 of the seed's behavior.
func TestWaitThatKeepsTheTurnLetsNobodyRun(t *testing.T) {
	sync := func(ctx context.Context, p *pending.Pending[int]) (int, error) { return p.WaitSync(ctx) }
	wait := func(ctx context.Context, p *pending.Pending[int]) (int, error) { return p.Wait(ctx) }
	sleep := func(ctx context.Context, _ *pending.Pending[int]) (int, error) {
		return 1, actors.Sleep(ctx, time.Minute)
	}
	for name, tt := range map[string]struct {
		wait func(context.Context, *pending.Pending[int]) (int, error)
		opts []props.Option
	}{
		"WaitSync":                   {sync, nil},
		"Wait, where not reentrant":  {wait, []props.Option{props.NonReentrant()}},
		"Sleep, where not reentrant": {sleep, []props.Option{props.NonReentrant()}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system, tt.opts...)
				gate := actors.CallLater(t.Context(), start(t, system), time.Minute, returns(1))
				begin := time.Now()
				first := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) { return tt.wait(ctx, gate) })
				second := actors.CallSoon(t.Context(), c, func(context.Context) (time.Duration, error) {
					return time.Since(begin), nil
				})
				assert.Equal(t, 1, result(t, first))
				assert.Equal(t, time.Minute, result(t, second))
			})
		})
	}
}

func TestDetachedContextHoldsNoTurn(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		ctx, cancel := context.WithCancelCause(context.WithValue(t.Context(), keyType{}, "mine"))
		begin := time.Now()
		var ended error
		p := actors.CallSoon(ctx, c, func(ctx context.Context) (time.Duration, error) {
			var helping sync.WaitGroup
			for range 3 {
				helping.Go(func() {
					ctx := actors.Detach(ctx)
					assert.Equal(t, "mine", ctx.Value(keyType{}))
					assert.NoError(t, actors.Sleep(ctx, time.Minute))
				})
			}
			helping.Wait()
			cancel(errBoom)
			ended = actors.Sleep(actors.Detach(ctx), time.Hour)
			return time.Since(begin), nil
		})
		other := actors.CallSoon(t.Context(), c, func(context.Context) (time.Duration, error) {
			return time.Since(begin), nil
		})
		assert.Equal(t, time.Minute, result(t, p))
		assert.Equal(t, time.Minute, result(t, other), "the function has kept its turn")
		require.ErrorIs(t, ended, errBoom)
	})
}

func TestGoroutineThatIsNotDetachedIsToldSoWhereThatCanBeSeen(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (error, error) {
			helper := make(chan error)
			go func() {
				time.Sleep(time.Second) // the function waits already
				helper <- actors.Sleep(ctx, time.Second)
			}()
			err := actors.Sleep(ctx, time.Minute)
			return <-helper, err
		})
		require.ErrorContains(t, result(t, p), "actors.Detach")
	})
}

func TestContextOfAFunctionThatHasReturnedHoldsNoTurn(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		ctx := result(t, actors.CallSoon(t.Context(), c, func(ctx context.Context) (context.Context, error) {
			return ctx, nil
		}))
		require.ErrorIs(t, actors.Sleep(ctx, time.Second), context.Canceled, "it has ended")
		assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
	})
}

func TestStateOfACallerNeedsNoLock(t *testing.T) {
	system := newSystem(t)
	c, other := start(t, system), start(t, system)
	const functions, rounds = 50, 20
	counter, log := 0, map[int]int{}
	step := func(ctx context.Context, i int) error {
		switch i % 4 {
		case 0:
			return actors.Sleep(ctx, 0)
		case 1:
			_, err := actors.CallSoon(ctx, other, returns(1)).Wait(ctx)
			return err
		case 2:
			_, err := actors.CallSoon(ctx, c, func(context.Context) (any, error) { counter++; return nil, nil }).Wait(ctx)
			return err
		default:
			_, err := actors.ToThread(ctx, c, returns(1)).Wait(ctx)
			return err
		}
	}
	var all []*pending.Pending[any]
	for i := range functions {
		all = append(all, actors.CallSoon(t.Context(), c, func(ctx context.Context) (any, error) {
			for round := range rounds {
				counter++
				log[i]++
				if err := step(ctx, i+round); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}))
	}
	for _, p := range all {
		result(t, p)
	}
	assert.Equal(t, functions*rounds*5/4, counter)
	for i := range functions {
		assert.Equal(t, rounds, log[i])
	}
}

func TestFunctionsThatWaitAndTheQueueAreBothServed(t *testing.T) {
	c := start(t, newSystem(t))
	release := occupy(t, c)
	gate := pending.New[int](t.Context())
	const n = 100
	var order []string
	var resumed, queued []*pending.Pending[any]
	for range n {
		resumed = append(resumed, do(t.Context(), c, func(ctx context.Context) {
			_, _ = gate.Wait(ctx)
			order = append(order, "resumed")
		}))
	}
	opened := do(t.Context(), c, func(context.Context) {
		gate.SetResult(1) // all who wait for it want their turn now
		for range n {
			queued = append(queued, do(t.Context(), c, func(context.Context) { order = append(order, "queued") }))
		}
	})
	release()
	result(t, opened)
	for _, p := range append(resumed, queued...) {
		result(t, p)
	}

	assert.Len(t, order, 2*n)
	for _, twice := range []string{"resumed resumed", "queued queued"} {
		assert.NotContains(t, strings.Join(order, " "), twice, "they take turns")
	}
}

func TestFunctionsThatYieldForEverStarveNobody(t *testing.T) {
	c := start(t, newSystem(t))
	ctx, cancel := context.WithCancel(t.Context())
	var all []*pending.Pending[any]
	for range 10 {
		all = append(all, do(ctx, c, func(ctx context.Context) {
			for actors.Sleep(ctx, 0) == nil {
				continue
			}
		}))
	}
	for range 100 {
		result(t, actors.CallSoon(t.Context(), c, returns(1)))
	}
	cancel()
	for _, p := range all {
		<-p.Done()
	}
}

func TestQueueThatIsNeverEmptyStarvesNoFunctionThatWaits(t *testing.T) {
	c := start(t, newSystem(t))
	ctx, cancel := context.WithCancel(t.Context())
	var again func()
	again = func() {
		if ctx.Err() == nil {
			_ = c.CallDirect(again)
		}
	}
	again()
	result(t, actors.CallSoon(t.Context(), c, func(ctx context.Context) (any, error) {
		for range 100 {
			if err := actors.Sleep(ctx, 0); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}))
	cancel()
}
