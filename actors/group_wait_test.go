package actors_test

import (
	"context"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// slowToStop is a function that needs a second after it was cancelled.
func slowToStop(ctx context.Context) (int, error) {
	<-ctx.Done()
	time.Sleep(time.Second)
	return 0, context.Cause(ctx)
}

// running returns a call on a worker of c that has started.
func running(ctx context.Context, c *actors.Caller, fn func(context.Context) (int, error)) *pending.Pending[int] {
	started := make(chan struct{})
	defer func() { <-started }()
	return actors.ToThread(ctx, c, func(ctx context.Context) (int, error) {
		close(started)
		return fn(ctx)
	})
}

// full returns a caller on which n functions are suspended, which is its limit,
// until a gate is opened.
func full(t *testing.T, system *actor.ActorSystem, n int) (c *actors.Caller, gate *pending.Pending[int]) {
	t.Helper()
	c = start(t, system, props.MaxSuspended(n))
	gate = pending.New[int](t.Context())
	t.Cleanup(func() { gate.SetResult(1) })
	for range n {
		actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) { return gate.Wait(ctx) })
	}
	result(t, actors.CallSoon(t.Context(), c, returns(1)))
	return c, gate
}

// left returns the ids of the members that are not done.
func left(g *pending.Group) []uint64 {
	var ids []uint64
	for _, h := range g.Pending() {
		ids = append(ids, h.ID())
	}
	return ids
}

func TestGroupWhoseWaitIsRefusedLeavesNothingRunning(t *testing.T) {
	for name, wait := range map[string]func(ctx context.Context, body func(ctx context.Context)) (*pending.Group, error){
		"Wait": func(ctx context.Context, body func(context.Context)) (*pending.Group, error) {
			g, inside := pending.NewGroup(ctx)
			body(inside)
			return g, g.Wait()
		},
		"Run": func(ctx context.Context, body func(context.Context)) (g *pending.Group, err error) {
			err = pending.Run(ctx, func(ctx context.Context) error {
				g, _ = pending.CurrentTracker[*pending.Group](ctx)
				body(ctx)
				return nil
			})
			return g, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c, gate := full(t, system, 1)
				other := start(t, system)
				var members []*pending.Pending[int]
				var err error
				result(t, actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
					var g *pending.Group
					g, err = wait(ctx, func(ctx context.Context) {
						members = append(members, actors.CallSoon(ctx, other, slowToStop), running(ctx, c, slowToStop),
							actors.CallSoon(ctx, c, slowToStop))
					})
					for _, p := range members {
						assert.True(t, p.IsDone())
					}
					assert.Empty(t, g.Pending())
					return 1, nil
				}))
				require.ErrorIs(t, err, actors.ErrOverloaded)
				require.NotErrorIs(t, err, pending.ErrDeadlock)
				for _, p := range members {
					require.ErrorIs(t, p.Err(), actors.ErrOverloaded)
				}
				assert.False(t, gate.IsDone())
			})
		})
	}
}

func TestGroupWhoseWaitIsRefusedSaysThatAMemberNeedsTheTurn(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.MaxSuspended(1))
		gate := pending.New[int](t.Context())
		needs := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) { return gate.Wait(ctx, pending.Shield()) })
		began := time.Now()
		var err error
		result(t, actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			g, inside := pending.NewGroup(ctx)
			g.Add(needs)
			other := running(inside, c, slowToStop)
			err = g.Wait()
			assert.Equal(t, []uint64{needs.ID()}, left(g))
			assert.True(t, needs.Cancelled())
			assert.True(t, other.IsDone())
			return 1, nil
		}))
		require.ErrorIs(t, err, actors.ErrOverloaded)
		require.ErrorIs(t, err, pending.ErrDeadlock)
		assert.Less(t, time.Since(began), 5*time.Second, "it does not wait for the timeout of the cancellation")
		gate.SetResult(1)
		<-needs.Done()
	})
}

func TestGroupWhoseWaitIsRefusedWaitsNoLongerThanItsTimeout(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c, gate := full(t, system, 1)
		var err error
		result(t, actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			g, inside := pending.NewGroup(ctx, pending.WithCancelTimeout(time.Minute))
			member := running(inside, c, func(context.Context) (int, error) { return gate.Wait(context.Background()) })
			began := time.Now()
			err = g.Wait()
			assert.Equal(t, time.Minute, time.Since(began))
			assert.Equal(t, []uint64{member.ID()}, left(g))
			return 1, nil
		}))
		require.ErrorIs(t, err, actors.ErrOverloaded)
	})
}

func TestMemberThatWaitsForItsGroupIsADeadlock(t *testing.T) {
	type setting struct {
		caller *actors.Caller
		group  *pending.Group
		outer  context.Context
	}
	onGoroutine := func(fn func() error) error {
		err := make(chan error)
		go func() { err <- fn() }()
		return <-err
	}
	call := func(ctx context.Context, s setting, fn func(context.Context) error) error {
		// On a turn of the caller, so that its function waits by then.
		_, err := actors.CallSoon(actors.Detach(ctx), s.caller, returns(1)).Wait(ctx)
		if err != nil {
			return err
		}
		return fn(ctx)
	}
	where := map[string]func(ctx context.Context, s setting, fn func(context.Context) error) *pending.Pending[any]{
		"same caller": func(ctx context.Context, s setting, fn func(context.Context) error) *pending.Pending[any] {
			return actors.CallSoon(ctx, s.caller, func(ctx context.Context) (any, error) { return nil, fn(ctx) })
		},
		"worker": func(ctx context.Context, s setting, fn func(context.Context) error) *pending.Pending[any] {
			return actors.ToThread(ctx, s.caller, func(ctx context.Context) (any, error) { return nil, call(ctx, s, fn) })
		},
		"child": func(ctx context.Context, s setting, fn func(context.Context) error) *pending.Pending[any] {
			kid, err := s.caller.Child()
			if err != nil {
				panic(err)
			}
			return actors.CallSoon(ctx, kid, func(ctx context.Context) (any, error) { return nil, call(ctx, s, fn) })
		},
	}
	waits := map[string]func(ctx context.Context, s setting) error{
		"Wait":                func(_ context.Context, s setting) error { return s.group.Wait() },
		"Wait on a goroutine": func(_ context.Context, s setting) error { return onGoroutine(s.group.Wait) },
		"Wait in a group inside": func(ctx context.Context, s setting) error {
			return pending.Run(ctx, func(context.Context) error { return s.group.Wait() })
		},
		"Wait of a member of a member": func(ctx context.Context, s setting) error {
			_, err := actors.ToThread(ctx, s.caller, func(context.Context) (any, error) { return nil, s.group.Wait() }).Wait(ctx)
			return err
		},
	}
	for place, member := range where {
		for way, wait := range waits {
			t.Run(way+", "+place, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					c := start(t, system)
					began := time.Now()
					var err error
					result(t, actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
						var other *pending.Pending[int]
						err = pending.Run(ctx, func(inside context.Context) error {
							g, _ := pending.CurrentTracker[*pending.Group](inside)
							s := setting{c, g, inside}
							other = running(inside, c, slowToStop)
							p := member(inside, s, func(ctx context.Context) error { return wait(ctx, s) })
							_, err := p.Wait(inside, pending.Shield())
							assert.ErrorIs(t, err, pending.ErrDeadlock)
							return nil
						})
						assert.True(t, other.IsDone())
						return 1, nil
					}))
					require.ErrorIs(t, err, pending.ErrDeadlock, "it is a failure of a member")
					assert.Less(t, time.Since(began), 5*time.Second)
				})
			})
		}
	}
}

func TestFunctionThatIsAMemberOfTheGroupItWaitsForLeavesNothingRunning(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		began := time.Now()
		p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			own, _ := pending.Current(ctx)
			g, inside := pending.NewGroup(ctx)
			members := []*pending.Pending[int]{actors.CallSoon(inside, c, slowToStop), running(inside, c, slowToStop)}
			g.Add(own)
			assert.ErrorIs(t, g.Wait(), pending.ErrDeadlock)
			for _, p := range members {
				assert.True(t, p.IsDone())
			}
			return 1, nil
		})
		require.ErrorIs(t, failure(p), pending.ErrDeadlock)
		assert.Less(t, time.Since(began), 5*time.Second)
	})
}

// A function that has another one's context does not get that one's turn.
func TestGroupUnderTheContextOfAFunctionThatWaitsLeavesNothingRunning(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		var err error
		result(t, actors.CallSoon(t.Context(), c, func(outer context.Context) (int, error) {
			return actors.CallSoon(outer, c, func(context.Context) (int, error) {
				var member *pending.Pending[int]
				err = pending.Run(outer, func(inside context.Context) error {
					member = running(inside, c, slowToStop)
					return nil
				})
				assert.True(t, member.IsDone())
				return 1, nil
			}).Wait(outer)
		}))
		require.ErrorContains(t, err, "actors.Detach")
	})
}
