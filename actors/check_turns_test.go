package actors_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// waysToWait are waits of a function that has ctx, for p or, where that is no pending, for
// d.
var waysToWait = map[string]func(ctx context.Context, p *pending.Pending[int], d time.Duration) error{
	"Wait": func(ctx context.Context, p *pending.Pending[int], _ time.Duration) error {
		_, err := p.Wait(ctx, pending.Protect())
		return err
	},
	"WaitSync": func(ctx context.Context, p *pending.Pending[int], _ time.Duration) error {
		_, err := p.WaitSync(ctx, pending.Protect())
		return err
	},
	"Sleep": func(ctx context.Context, _ *pending.Pending[int], d time.Duration) error { return actors.Sleep(ctx, d) },
	"WaitAll": func(ctx context.Context, p *pending.Pending[int], _ time.Duration) error {
		_, _, err := pending.WaitAll(ctx, []*pending.Pending[int]{p}, pending.Protect())
		return err
	},
	"Run": func(ctx context.Context, p *pending.Pending[int], _ time.Duration) error {
		return pending.Run(ctx, func(inside context.Context) error {
			g, _ := pending.CurrentTracker[*pending.Group](inside)
			g.Add(p)
			return nil
		}, pending.WithCancelTimeout(0))
	},
}

// never returns a pending that nobody completes.
func never() *pending.Pending[int] { return pending.New[int](context.Background()) }

// soon returns a pending that is done when whoever asks for it may have begun to wait.
func soon() *pending.Pending[int] {
	p := never()
	time.AfterFunc(time.Millisecond, func() { p.SetResult(1) })
	return p
}

// elsewhere has fn called on a goroutine of its own and returns its panic, or nil.
func elsewhere(fn func()) (panicked any) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { panicked = recover() }()
		fn()
	}()
	<-done
	return panicked
}

func TestGoroutineThatWaitsWithTheTurnOfAnotherOneIsNoticed(t *testing.T) {
	for name, wait := range waysToWait {
		for where, c := range map[string]*actors.Caller{
			"in production":    start(t, newSystem(t), props.CheckTurns()),
			"in a test system": start(t, actorstest.NewSystem(t)),
		} {
			t.Run(name+" "+where, func(t *testing.T) {
				p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (any, error) {
					return elsewhere(func() { _ = wait(ctx, never(), time.Hour) }), nil
				})
				panicked := result(t, p)
				require.IsType(t, "", panicked)
				assert.Contains(t, panicked, "actors.Detach")
				assert.Contains(t, panicked, "the one that waits:\ngoroutine ")
				assert.Contains(t, panicked, "actors_test.elsewhere.func1")
				assert.Contains(t, panicked, "the one that has the turn:\ngoroutine ")
				assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))), "the caller goes on")
			})
		}
	}
}

// A coroutine must not be left by another goroutine: the runtime would end the process.
func TestGoroutineThatWaitsWithTheTurnOfAPinnedFunctionGetsAnError(t *testing.T) {
	for backend, opts := range map[string][]props.Option{
		"thread": {props.Backend(props.Thread)},
		"host":   {props.HostedBy(newLoop(t))},
	} {
		for name, wait := range waysToWait {
			t.Run(backend+" "+name, func(t *testing.T) {
				c, err := actors.Start(newSystem(t), opts...)
				require.NoError(t, err)
				p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (refused, err error) {
					assert.Nil(t, elsewhere(func() { refused = wait(ctx, never(), time.Hour) }))
					return refused, wait(ctx, soon(), time.Millisecond)
				})
				require.ErrorContains(t, result(t, p), "actors.Detach")
				require.NoError(t, c.StopWait(t.Context()))
			})
		}
	}
}

func TestCheckedTurnsAreNoHarmForFunctionsThatWait(t *testing.T) {
	c := start(t, actorstest.NewSystem(t))
	for name, wait := range waysToWait {
		t.Run(name, func(t *testing.T) {
			p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
				for range 3 {
					if err := wait(ctx, soon(), time.Millisecond); err != nil {
						return 0, err
					}
				}
				var err error
				assert.Nil(t, elsewhere(func() { _, err = pending.New[int](ctx).Wait(actors.Detach(ctx), pending.Timeout(0)) }))
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				return 1, nil
			})
			assert.Equal(t, 1, result(t, p))
		})
	}
}

func TestChildrenAndAdoptedActorsOfTestSystemsCheckTheirTurns(t *testing.T) {
	system := actorstest.NewSystem(t)
	for name, c := range map[string]*actors.Caller{
		"child":   child(t, start(t, system)),
		"adopted": adopted(t, system, nil, "adopted", puppet, nil),
		"main":    actors.Main(system),
	} {
		t.Run(name, func(t *testing.T) {
			p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (any, error) {
				return elsewhere(func() { _ = actors.Sleep(ctx, time.Hour) }), nil
			})
			assert.NotNil(t, result(t, p))
		})
	}
}
