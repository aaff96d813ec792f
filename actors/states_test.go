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
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

func TestStatesHaveNames(t *testing.T) {
	for want, s := range map[string]actors.State{
		"initial": actors.StateInitial, "starting": actors.StateStarting, "running": actors.StateRunning,
		"stopping": actors.StateStopping, "stopped": actors.StateStopped, "State(-1)": -1, "State(5)": 5,
	} {
		assert.Equal(t, want, s.String())
	}
}

// Item 8 of the seed's behavior.
func TestCallerGoesThroughItsStates(t *testing.T) {
	system := newSystem(t)
	c := unstarted(t, system)
	assert.Equal(t, actors.StateInitial, c.State())

	require.NoError(t, c.Start())
	assert.Equal(t, actors.StateRunning, c.State(), "it is usable on return")

	release := occupy(t, c)
	assert.Equal(t, actors.StateStopping, c.Stop())
	assert.Equal(t, actors.StateStopping, c.State())
	select {
	case <-c.Stopped():
		assert.Fail(t, "stopped while a function runs")
	default:
	}

	release()
	<-c.Stopped()
	assert.Equal(t, actors.StateStopped, c.State())
}

// Item 1 of the seed's behavior.
// Item 9 of the seed's behavior.
func TestCallerIsStartedOnce(t *testing.T) {
	system := newSystem(t)
	c := unstarted(t, system)
	errs := make(chan error)
	for range 10 {
		go func() { errs <- c.Start() }()
	}
	started := 0
	for range 10 {
		if err := <-errs; err == nil {
			started++
		} else {
			require.ErrorContains(t, err, c.ID())
		}
	}

	assert.Equal(t, 1, started)
	require.ErrorContains(t, c.Run(t.Context()), "running already")
	require.ErrorContains(t, start(t, system).Start(), "running already")
}

// Item 9 of the seed's behavior.
func TestCallsMadeBeforeTheStartRunInOrderAfterIt(t *testing.T) {
	for name, begin := range map[string]func(*actors.Caller) error{
		"Start": func(c *actors.Caller) error { return c.Start() },
		"Run": func(c *actors.Caller) error {
			go func() { _ = c.Run(context.Background()) }()
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := runnable(t, newSystem(t))
			var order []int
			for i := range 100 {
				require.NoError(t, c.CallDirect(func() { order = append(order, i) }))
			}
			all := actors.CallSoon(t.Context(), c, func(context.Context) ([]int, error) { return order, nil })
			assert.Empty(t, order, "nothing runs before the start")
			assert.False(t, all.IsDone())

			require.NoError(t, begin(c))
			assert.Equal(t, upTo(100), result(t, all))
		})
	}
}

// Item 13 of the seed's behavior.
func TestRunReturnsWhenTheCallerHasStopped(t *testing.T) {
	type stopFunc func(c *actors.Caller, end context.CancelFunc)
	byEnd := func(_ *actors.Caller, end context.CancelFunc) { end() }
	for name, tt := range map[string]struct {
		opts []props.Option
		stop stopFunc
		err  error
	}{
		"by Stop":                            {stop: func(c *actors.Caller, _ context.CancelFunc) { c.Stop() }},
		"by the actor system":                {stop: func(c *actors.Caller, _ context.CancelFunc) { c.System().Root.Stop(c.PID()) }},
		"by the end of its context":          {stop: byEnd},
		"by the end of it, though protected": {[]props.Option{props.Protected()}, byEnd, nil},
		"by its policy": {
			[]props.Option{props.Supervision(supervision.Stop())},
			func(c *actors.Caller, _ context.CancelFunc) {
				do(context.Background(), c, func(context.Context) { panic(errBoom) })
			},
			errBoom,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := runnable(t, newSystem(t), tt.opts...)
			ctx, end := context.WithCancel(t.Context())
			defer end()
			ended := make(chan error)
			go func() { ended <- c.Run(ctx) }()
			result(t, do(t.Context(), c, func(context.Context) {}))
			tt.stop(c, end)

			require.ErrorIs(t, <-ended, tt.err)
			assert.Equal(t, actors.StateStopped, c.State())
		})
	}
}

func TestCallerThatWasNeverStartedStopsAtOnce(t *testing.T) {
	for name, stop := range map[string]func(*actors.Caller){
		"by Stop":             func(c *actors.Caller) { c.Stop() },
		"by the actor system": func(c *actors.Caller) { c.System().Root.Stop(c.PID()) },
	} {
		t.Run(name, func(t *testing.T) {
			c := unstarted(t, newSystem(t))
			p := do(t.Context(), c, func(context.Context) { assert.Fail(t, "the function has run") })
			kid := child(t, c)

			stop(c)
			assert.True(t, p.IsDone())
			require.ErrorIs(t, p.Err(), pending.ErrStopped)
			<-c.Stopped()
			assert.Equal(t, actors.StateStopped, kid.State())
			assert.Empty(t, c.Children())
		})
	}
}

// Item 12 of the seed's behavior.
func TestCallerThatWasNeverStartedAndHasNoChildrenHasStoppedOnReturn(t *testing.T) {
	assert.Equal(t, actors.StateStopped, unstarted(t, newSystem(t)).Stop())
}

// Item 10 of the seed's behavior.
func TestStopDuringTheStartIsSafe(t *testing.T) {
	system := newSystem(t)
	for range 50 {
		c := unstarted(t, system)
		p := actors.CallSoon(t.Context(), c, returns(1))
		var racing sync.WaitGroup
		racing.Go(func() { _ = c.Start() })
		racing.Go(func() { c.Stop() })
		racing.Wait()

		<-c.Stopped()
		assert.True(t, p.IsDone())
		require.Error(t, c.Start())
	}
}

// Item 17 of the seed's behavior.
func TestStopRightAfterTheStart(t *testing.T) {
	c := start(t, newSystem(t))
	c.Stop()
	late := actors.CallSoon(t.Context(), c, returns(1))

	assert.True(t, late.IsDone())
	assert.True(t, late.Cancelled())
	require.ErrorIs(t, late.Err(), pending.ErrStopped)
}

// Item 18 of the seed's behavior.
func TestStoppedIsTheSameForAnyNumberOfWaiters(t *testing.T) {
	c := start(t, newSystem(t))
	var waiting sync.WaitGroup
	for range 10 {
		waiting.Go(func() { <-c.Stopped() })
	}
	c.Stop()
	waiting.Wait()
	<-c.Stopped()
}

// Item 11 of the seed's behavior.
func TestCallerDescribesItself(t *testing.T) {
	system := newSystem(t)
	for name, tt := range map[string]struct {
		opts     []props.Option
		children int
		before   func(*actors.Caller)
		want     string
	}{
		"not started": {want: `<Caller ❗ initial name="gopher" id="callers/gopher">`},
		"running": {
			before: func(c *actors.Caller) { _ = c.Start() },
			want:   `<Caller 🏃 running name="gopher" id="callers/gopher">`,
		},
		"stopped": {
			before: func(c *actors.Caller) { c.Stop() },
			want:   `<Caller 🏁 stopped name="gopher" id="callers/gopher">`,
		},
		"protected": {
			opts: []props.Option{props.Protected()},
			want: `<Caller ❗ initial 🔐 name="gopher" id="callers/gopher">`,
		},
		"one child":    {children: 1, want: `<Caller ❗ initial name="gopher" id="callers/gopher" 1 child>`},
		"two children": {children: 2, want: `<Caller ❗ initial name="gopher" id="callers/gopher" 2 children>`},
	} {
		t.Run(name, func(t *testing.T) {
			c := unstarted(t, system, append(tt.opts, props.Name("gopher"))...)
			for range tt.children {
				child(t, c)
			}
			if tt.before != nil {
				tt.before(c)
			}
			assert.Equal(t, signed(tt.want), c.String())
		})
	}
}

// signed adds what tells the backend of now to a description of the gopher.
func signed(description string) string {
	const id = `id="callers/gopher"`
	return strings.Replace(description, id, id+backend.sign, 1)
}

func TestStoppingCallerDescribesItself(t *testing.T) {
	c := start(t, newSystem(t), props.Name("gopher"))
	occupy(t, c)
	c.Stop()

	assert.Equal(t, signed(`<Caller 🏁 stopping name="gopher" id="callers/gopher">`), c.String())
}

func TestCallerIsStartingWhileItWaitsForItsRestart(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		backoff := supervision.Backoff(time.Second, time.Second)
		c := start(t, system, props.Name("gopher"), props.Supervision(supervision.Restart(backoff)))
		require.Error(t, failure(do(t.Context(), c, func(context.Context) { panic(errBoom) })))
		p := actors.CallSoon(t.Context(), c, returns(1))

		time.Sleep(time.Second / 2)
		assert.Equal(t, actors.StateStarting, c.State())
		assert.Equal(t, signed(`<Caller ❗ starting name="gopher" id="callers/gopher">`), c.String())
		assert.False(t, p.IsDone())

		assert.Equal(t, 1, result(t, p))
		assert.Equal(t, actors.StateRunning, c.State())
	})
}

func TestLoggerIsThatOfTheOptionsElseOfTheSystem(t *testing.T) {
	system := newSystem(t)
	log, option := logged()
	start(t, system, option).Logger().Info("hello")

	assert.Contains(t, log.String(), "hello")
	assert.Equal(t, system.Logger(), start(t, system).Logger())
}
