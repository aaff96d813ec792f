package actors_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// resumed is a function that returns the thread it is on after a wait, which must be
// the one before.
func resumed(ctx context.Context) (int, error) {
	before := syscall.Gettid()
	if err := actors.Sleep(ctx, 0); err != nil {
		return 0, err
	}
	if after := syscall.Gettid(); after != before {
		return 0, errBoom
	}
	return before, nil
}

// Item 69 of the seed's behavior.
func TestGuestsOnAThreadAreAllOnTheSame(t *testing.T) {
	if again() {
		return
	}
	for name, opts := range map[string][]props.Option{
		"of a goroutine":       nil,
		"of a host":            {props.HostedBy(newLoop(t))},
		"of one that restarts": {props.Supervision(supervision.Restart())},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := actors.Start(newSystem(t), opts...)
			require.NoError(t, err)
			stopAtEnd(t, c)
			want := result(t, actors.CallUsing(t.Context(), c, props.Thread, thread))
			var ps []*pending.Pending[int]
			var others []*pending.Pending[any]
			for range 100 {
				ps = append(ps, actors.CallUsing(t.Context(), c, props.Thread, resumed))
				others = append(others, do(t.Context(), c, func(ctx context.Context) {
					assert.NotEqual(t, want, syscall.Gettid(), "the thread is for guests alone")
					require.NoError(t, actors.Sleep(ctx, 0))
					assert.NotEqual(t, want, syscall.Gettid())
				}))
			}
			for _, p := range ps {
				assert.Equal(t, want, result(t, p))
			}
			for _, p := range others {
				result(t, p)
			}
			for _, mishap := range []func(context.Context) (int, error){panics, func(context.Context) (int, error) {
				exitGoroutine()
				return 0, nil
			}} {
				require.Error(t, failure(actors.CallUsing(t.Context(), c, props.Thread, mishap)))
				assert.Equal(t, want, result(t, actors.CallUsing(t.Context(), c, props.Thread, resumed)))
			}
		})
	}
}

// Item 69 of the seed's behavior.
func TestCallUsingTheCallersOwnBackendIsACallAsAnyOther(t *testing.T) {
	if again() {
		return
	}
	system := newSystem(t)
	c, want := startThread(t, system)
	assert.Equal(t, want, result(t, actors.CallUsing(t.Context(), c, props.Thread, resumed)))
	release := occupy(t, c)
	p := actors.CallUsing(t.Context(), c, props.Thread, thread)
	release()
	assert.Equal(t, want, result(t, p))
}

func TestGuestsOfAThreadAreNotOnIt(t *testing.T) {
	if again() {
		return
	}
	c, own := startThread(t, newSystem(t))
	for range 100 {
		p := actors.CallUsing(t.Context(), c, props.Goroutine, func(ctx context.Context) (int, error) {
			before := syscall.Gettid()
			host, err := actors.CallSoon(ctx, c, thread).Wait(ctx)
			assert.Equal(t, own, host)
			assert.NotEqual(t, own, syscall.Gettid())
			return before, err
		})
		assert.NotEqual(t, own, result(t, p))
	}
}

// Item 69 of the seed's behavior.
func TestThreadOfGuestsIsStartedForTheFirst(t *testing.T) {
	if again() {
		return
	}
	c, err := actors.Start(newSystem(t))
	require.NoError(t, err)
	stopAtEnd(t, c)
	before := threads(t)
	for range 20 { // and no thread for each caller
		kid := child(t, c)
		result(t, actors.CallSoon(t.Context(), kid, one))
	}
	assert.Less(t, threads(t), before+20)
	first := actors.CallUsing(t.Context(), c, props.Thread, thread)
	tid := result(t, first)
	assert.True(t, isThread(tid))
	require.NoError(t, c.StopWait(t.Context()))
	untilThreadEnds(t, tid)
}

func TestGuestsOnAThreadRunOnWhileTheLentGoroutineIsKept(t *testing.T) {
	if again() {
		return
	}
	c, err := actors.New(newSystem(t))
	require.NoError(t, err)
	ended := make(chan error)
	go func() { ended <- c.Run(t.Context()) }()
	tid := result(t, actors.CallUsing(t.Context(), c, props.Thread, thread))
	p := do(t.Context(), c, func(ctx context.Context) {
		other, err := actors.CallUsing(ctx, c, props.Thread, resumed).Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, tid, other)
		assert.NoError(t, actors.Sleep(ctx, time.Millisecond))
	})
	result(t, p)
	require.NoError(t, c.StopWait(t.Context()))
	require.NoError(t, <-ended)
	untilThreadEnds(t, tid)
}
