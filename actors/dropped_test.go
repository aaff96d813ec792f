package actors_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// Calls that were cancelled while they waited make room for others.
func TestCancelledCallsDoNotCountForALimit(t *testing.T) {
	for _, limit := range []int{1, 2, 10, 100, 1000} {
		for name, call := range map[string]func(ctx context.Context, c *actors.Caller) *pending.Pending[int]{
			"CallSoon": func(ctx context.Context, c *actors.Caller) *pending.Pending[int] {
				return actors.CallSoon(ctx, c, returns(1))
			},
			"ToThread": func(ctx context.Context, c *actors.Caller) *pending.Pending[int] {
				return actors.ToThread(ctx, c, returns(1))
			},
			"CallLater": func(ctx context.Context, c *actors.Caller) *pending.Pending[int] {
				return actors.CallLater(ctx, c, time.Hour, returns(1))
			},
		} {
			t.Run(name, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					c := start(t, system, props.MaxQueued(limit), props.MaxWorkers(1))
					free := make(chan struct{})
					busy := func(context.Context) (int, error) {
						<-free
						return 0, nil
					}
					worker := actors.ToThread(t.Context(), c, busy)
					release := occupy(t, c)
					fill := func() (calls []*pending.Pending[int]) {
						for range limit {
							calls = append(calls, call(t.Context(), c))
							require.False(t, calls[len(calls)-1].IsDone())
						}
						require.ErrorIs(t, failure(call(t.Context(), c)), actors.ErrOverloaded)
						return calls
					}
					for i, p := range fill() {
						require.True(t, p.Cancel(nil))
						if i%2 == 0 { // one for one
							require.True(t, call(t.Context(), c).Cancel(nil))
						}
					}
					last := fill()
					release()
					close(free)
					result(t, worker)
					if name != "CallLater" {
						for _, p := range last {
							assert.Equal(t, 1, result(t, p))
						}
					}
				})
			})
		}
	}
}

// Also where some of them are in the hands of the loop already.
func TestCancelledCallsDoNotCountForALimitWhileTheLoopGoesOn(t *testing.T) {
	const limit = 50
	c := start(t, newSystem(t), props.MaxQueued(limit))
	release := occupy(t, c)
	step := make(chan struct{})
	for range limit {
		actors.CallSoon(t.Context(), c, func(context.Context) (int, error) {
			step <- struct{}{}
			return 0, nil
		})
	}
	release()
	<-step
	<-step // one runs or is about to, and at most limit-2 wait
	var calls []*pending.Pending[int]
	for {
		p := actors.CallSoon(t.Context(), c, returns(1))
		if p.IsDone() {
			require.ErrorIs(t, p.Err(), actors.ErrOverloaded)
			break
		}
		calls = append(calls, p)
	}
	require.NotEmpty(t, calls)
	for _, p := range calls {
		require.True(t, p.Cancel(nil))
	}
	for range calls {
		assert.False(t, actors.CallSoon(t.Context(), c, returns(1)).IsDone())
	}
	for range limit - 2 {
		<-step
	}
}

// waitFreed returns when n values of freed have come. The time limit of the test is the
// limit of this.
func waitFreed(freed <-chan struct{}, n int) {
	for n > 0 {
		select {
		case <-freed:
			n--
		default:
			runtime.GC()
		}
	}
}

func TestCancelledCallsHoldNeitherTheirFunctionNorWhatItHolds(t *testing.T) {
	const calls = 100
	for name, call := range map[string]func(c *actors.Caller, fn func(context.Context) (int, error)) *pending.Pending[int]{
		"CallSoon": func(c *actors.Caller, fn func(context.Context) (int, error)) *pending.Pending[int] {
			return actors.CallSoon(context.Background(), c, fn)
		},
		"ToThread": func(c *actors.Caller, fn func(context.Context) (int, error)) *pending.Pending[int] {
			return actors.ToThread(context.Background(), c, fn)
		},
		"CallLater": func(c *actors.Caller, fn func(context.Context) (int, error)) *pending.Pending[int] {
			return actors.CallLater(context.Background(), c, time.Hour, fn)
		},
		"CallUsing": func(c *actors.Caller, fn func(context.Context) (int, error)) *pending.Pending[int] {
			return actors.CallUsing(context.Background(), c, props.Thread, fn)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, newSystem(t), props.MaxWorkers(1))
			free := make(chan struct{})
			worker := actors.ToThread(t.Context(), c, func(context.Context) (int, error) {
				<-free
				return 0, nil
			})
			release := occupy(t, c)
			freed := make(chan struct{}, calls)
			var kept []*pending.Pending[int]
			for range calls {
				large := new([1 << 16]byte)
				runtime.AddCleanup(large, func(int) { freed <- struct{}{} }, 0)
				kept = append(kept, call(c, func(context.Context) (int, error) { return len(large), nil }))
			}
			for _, p := range kept {
				require.True(t, p.Cancel(nil))
			}
			waitFreed(freed, calls)
			assert.True(t, kept[0].IsDone())
			release()
			close(free)
			result(t, worker)
			runtime.KeepAlive(kept)
		})
	}
}

// The queue itself holds less than what is cancelled.
func TestCancelledCallsLeaveTheQueue(t *testing.T) {
	const calls = 10_000
	c := start(t, newSystem(t))
	release := occupy(t, c)
	freed := make(chan struct{}, calls)
	func() {
		var cancelled []*pending.Pending[int]
		for range calls {
			p := actors.CallSoon(context.Background(), c, returns(1))
			runtime.AddCleanup(p, func(int) { freed <- struct{}{} }, 0)
			cancelled = append(cancelled, p)
		}
		for _, p := range cancelled {
			p.Cancel(nil)
		}
	}()
	waitFreed(freed, calls-1000)
	release()
}

func TestCancelledCallsKeepTheOrderOfTheOthers(t *testing.T) {
	const calls = 5000
	c := start(t, newSystem(t))
	release := occupy(t, c)
	var got, want []int
	var kept, cancelled []*pending.Pending[int]
	for i := range calls {
		p := actors.CallSoon(t.Context(), c, func(context.Context) (int, error) {
			got = append(got, i)
			return i, nil
		})
		if i%7 == 0 {
			want = append(want, i)
			kept = append(kept, p)
		} else {
			cancelled = append(cancelled, p)
		}
	}
	for _, p := range cancelled {
		p.Cancel(nil)
	}
	release()
	for _, p := range kept {
		result(t, p)
	}
	assert.Equal(t, want, got)
}
