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

// waysToCall are the calls whose pendings belong to the groups of their context.
func waysToCall(t *testing.T, c *actors.Caller) map[string]func(context.Context, func(context.Context) (string, error)) *pending.Pending[string] {
	kid := child(t, c, props.Name("kid"))
	grandkid := child(t, kid, props.Name("grandkid"))
	type fn = func(context.Context) (string, error)
	return map[string]func(context.Context, fn) *pending.Pending[string]{
		"CallSoon": func(ctx context.Context, fn fn) *pending.Pending[string] { return actors.CallSoon(ctx, c, fn) },
		"CallLater": func(ctx context.Context, fn fn) *pending.Pending[string] {
			return actors.CallLater(ctx, c, time.Second, fn)
		},
		"ToThread": func(ctx context.Context, fn fn) *pending.Pending[string] { return actors.ToThread(ctx, c, fn) },
		"a child":  func(ctx context.Context, fn fn) *pending.Pending[string] { return actors.CallSoon(ctx, kid, fn) },
		"a grandchild": func(ctx context.Context, fn fn) *pending.Pending[string] {
			return actors.CallSoon(ctx, grandkid, fn)
		},
		"a member's call": func(ctx context.Context, fn fn) *pending.Pending[string] {
			made := make(chan *pending.Pending[string])
			do(ctx, kid, func(ctx context.Context) { made <- actors.ToThread(ctx, grandkid, fn) })
			return <-made
		},
		"Request": func(ctx context.Context, fn fn) *pending.Pending[string] {
			return actors.Request[string](ctx, c.System(), c.PID(), actors.Invoke(fn))
		},
	}
}

// Item 43 of the seed's behavior.
func TestMembershipTravelsInTheContext(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		for name, call := range waysToCall(t, start(t, system)) {
			g, ctx := pending.NewGroup(t.Context())
			returned := false
			p := call(ctx, func(ctx context.Context) (string, error) {
				err := actors.Sleep(ctx, time.Second)
				returned = true
				return "slept", err
			})
			assert.Contains(t, g.Pending(), pending.Handle(p), name)
			require.NoError(t, g.Wait(), name)
			assert.True(t, returned, name)
			assert.Equal(t, "slept", result(t, p), name)
		}
	})
}

func TestFailureOfAMemberAnywhereCancelsTheOthers(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		all := waysToCall(t, start(t, system))
		for failing, fails := range all {
			others := make(map[string]*pending.Pending[string])
			begin := time.Now()
			err := pending.Run(t.Context(), func(ctx context.Context) error {
				for name, call := range all {
					others[name] = call(ctx, asleep)
				}
				fails(ctx, func(context.Context) (string, error) { return "", errBoom })
				return nil
			})
			require.ErrorIs(t, err, errBoom, failing)
			for name, p := range others {
				require.ErrorIs(t, p.Err(), pending.ErrCancelled, "%s when %s failed", name, failing)
			}
			assert.LessOrEqual(t, time.Since(begin), time.Second)
		}
	})
}

// The body is a function of the very caller that its members need.
func TestGroupInAFunctionLetsItsMembersRunOnTheSameCaller(t *testing.T) {
	c := start(t, newSystem(t))
	total := result(t, actors.CallSoon(t.Context(), c, func(ctx context.Context) (total int, err error) {
		var add func(ctx context.Context, n int)
		add = func(ctx context.Context, n int) {
			do(ctx, c, func(ctx context.Context) {
				total++
				for range n {
					add(ctx, n-1)
				}
			})
		}
		err = pending.Run(ctx, func(ctx context.Context) error {
			add(ctx, 4)
			return nil
		})
		return total, err
	}))
	assert.Equal(t, 1+4+4*3+4*3*2+4*3*2*1, total)
}

func TestGroupInAFunctionThatEnds(t *testing.T) {
	tests := map[string]struct {
		end func(*actors.Caller, *pending.Pending[any])
		is  error
	}{
		"cancelled":          {func(_ *actors.Caller, p *pending.Pending[any]) { p.Cancel(errBoom) }, errBoom},
		"its caller stopped": {func(c *actors.Caller, _ *pending.Pending[any]) { c.Stop() }, pending.ErrStopped},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c, other := start(t, system), start(t, system)
				members := make(chan *pending.Pending[string], 2)
				var err error
				p := do(t.Context(), c, func(ctx context.Context) {
					err = pending.Run(ctx, func(ctx context.Context) error {
						members <- actors.CallSoon(ctx, other, asleep)
						members <- actors.CallLater(ctx, other, time.Hour, asleep)
						return nil
					})
				})
				for range cap(members) {
					member := <-members
					defer func() { require.ErrorIs(t, failure(member), tt.is) }()
				}
				tt.end(c, p)
				<-p.Done()
				require.ErrorIs(t, err, tt.is)
			})
		})
	}
}

// A stop cancels the members that the caller was to run, as any cancellation.
func TestStopOfACallerCountsByTheModeOfTheGroup(t *testing.T) {
	for mode, is := range map[pending.Mode]error{
		pending.IgnoreCancelled: nil, pending.CancelAndReport: pending.ErrStopped,
		pending.CancelQuietly: nil, pending.ReportCancelled: pending.ErrStopped,
	} {
		bubble(t, func(t *testing.T, system *actor.ActorSystem) {
			c, other := start(t, system), start(t, system)
			var p *pending.Pending[string]
			err := pending.Run(t.Context(), func(ctx context.Context) error {
				p = actors.CallLater(ctx, other, time.Second, returns("value"))
				actors.CallSoon(ctx, c, asleep)
				c.Stop()
				return nil
			}, pending.WithMode(mode))
			require.ErrorIs(t, err, is)
			assert.Equal(t, mode == pending.CancelAndReport || mode == pending.CancelQuietly, p.Cancelled())
		})
	}
}

func TestCallsUnderACancelledGroupNeverRun(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		for name, call := range waysToCall(t, start(t, system)) {
			if name == "a member's call" {
				continue // which is not made at all
			}
			g, ctx := pending.NewGroup(t.Context())
			g.Cancel(errBoom)
			p := call(ctx, func(context.Context) (string, error) {
				t.Errorf("%s has run", name)
				return "", nil
			})
			assert.True(t, p.IsDone(), name)
			require.ErrorIs(t, p.Err(), errBoom, name)
			require.NoError(t, g.Wait(), name)
		}
	})
}

func TestGroupWaitsForCallsAcrossWorkers(t *testing.T) {
	c := start(t, newSystem(t))
	require.NoError(t, pending.Run(t.Context(), func(ctx context.Context) error {
		for range 10 {
			actors.ToThread(ctx, c, func(ctx context.Context) (int, error) {
				actors.CallSoon(ctx, c, one)
				return 0, nil
			})
		}
		return nil
	}))
	var sleeper *pending.Pending[int]
	err := pending.Run(t.Context(), func(ctx context.Context) error {
		sleeper = actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) { return 1, actors.Sleep(ctx, time.Hour) })
		actors.CallSoon(ctx, c, func(context.Context) (int, error) { return 0, errBoom })
		return nil
	})
	require.ErrorIs(t, err, errBoom)
	assert.True(t, sleeper.Cancelled())
}
