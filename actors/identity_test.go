package actors_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// Item 1 of the seed's behavior.
func TestMainIsOneCallerForEverybody(t *testing.T) {
	system := newSystem(t)
	mains := make([]*actors.Caller, 20)
	var asking sync.WaitGroup
	for i := range mains {
		asking.Go(func() { mains[i] = actors.Main(system) })
	}
	asking.Wait()
	stopAtEnd(t, mains[0])

	assert.Len(t, slices.Compact(mains), 1)
	assert.Equal(t, actors.StateRunning, mains[0].State())
	assert.True(t, mains[0].Protected())
	assert.Nil(t, mains[0].Parent())
}

// Item 7 of the seed's behavior.
func TestMainIsMadeAgainAfterItWasStoppedByForce(t *testing.T) {
	system := newSystem(t)
	first := actors.Main(system)
	require.NoError(t, first.StopWait(t.Context(), actors.Force()))

	second := stopAtEnd(t, actors.Main(system))
	assert.Equal(t, actors.StateStopped, first.State())
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), second, returns(1))))
}

// Item 1 of the seed's behavior.
func TestStartAlwaysMakesACallerOfItsOwn(t *testing.T) {
	system := newSystem(t)
	a, b := start(t, system), start(t, system)

	assert.NotEqual(t, a.ID(), b.ID())
	assert.NotEqual(t, a.Name(), b.Name(), "a name is made up where none is given")
	for _, c := range []*actors.Caller{a, b} {
		assert.Nil(t, c.Parent())
		assert.Equal(t, system, c.System())
		assert.Equal(t, c.ID(), c.PID().GetId())
	}
}

// Item 5 of the seed's behavior.
func TestStartedCallerOutlivesEverybodyElse(t *testing.T) {
	system := newSystem(t)
	c := start(t, system)
	require.NoError(t, start(t, system).StopWait(t.Context()))
	require.NoError(t, actors.Main(system).StopWait(t.Context(), actors.Force()))

	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
}

// Item 2 of the seed's behavior.
func TestNameIsTakenUntilTheCallerHasStopped(t *testing.T) {
	system := newSystem(t)
	first := start(t, system, props.Name("gopher"))
	assert.Equal(t, "gopher", first.Name())

	_, err := actors.Start(system, props.Name("gopher"))
	require.ErrorIs(t, err, actor.ErrNameExists)
	_, err = actors.New(system, props.Name("gopher"))
	require.ErrorIs(t, err, actor.ErrNameExists)
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), first, returns(1))), "the first one is as before")

	require.NoError(t, first.StopWait(t.Context()))
	assert.Equal(t, first.ID(), start(t, system, props.Name("gopher")).ID())
}

func TestNamesOfAnotherSystemDoNotMatter(t *testing.T) {
	a, b := newSystem(t), newSystem(t)
	inA, inB := start(t, a, props.Name("gopher")), start(t, b, props.Name("gopher"))

	assert.Equal(t, inA.ID(), inB.ID())
	found, ok := actors.Lookup(b, inA.ID())
	require.True(t, ok)
	same(t, inB, found)
	assert.Equal(t, ids(inA), ids(slices.Collect(actors.All(a))...))
}

// Item 3 of the seed's behavior.
func TestWrongOptionIsAnErrorOfWhateverItIsGivenTo(t *testing.T) {
	system := newSystem(t)
	parent := start(t, system)
	for name, give := range map[string]func(props.Option) error{
		"New":      func(o props.Option) error { _, err := actors.New(system, o); return err },
		"Start":    func(o props.Option) error { _, err := actors.Start(system, o); return err },
		"Child":    func(o props.Option) error { _, err := parent.Child(o); return err },
		"AsCaller": func(o props.Option) error { _, err := actors.AsCaller(o); return err },
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, give(props.MaxWorkers(-1)), "MaxWorkers")
			assert.Equal(t, ids(parent), ids(slices.Collect(actors.All(system))...), "nothing was made")
		})
	}
}

// Item 6 of the seed's behavior.
func TestRegistryKnowsCallersUntilTheyHaveStopped(t *testing.T) {
	system := newSystem(t)
	running := start(t, system)
	initial := unstarted(t, system)
	stopping := start(t, system)
	release := occupy(t, stopping)
	require.Equal(t, actors.StateStopping, stopping.Stop())

	for _, c := range []*actors.Caller{running, initial, stopping} {
		found, ok := actors.Lookup(system, c.ID())
		assert.True(t, ok, c)
		same(t, c, found)
	}
	assert.Equal(t, ids(running, initial, stopping), ids(slices.Collect(actors.All(system))...))
	assert.Equal(t, ids(running), ids(slices.Collect(actors.Running(system))...))

	release()
	<-stopping.Stopped()
	_, ok := actors.Lookup(system, stopping.ID())
	assert.False(t, ok)
	assert.Equal(t, ids(running, initial), ids(slices.Collect(actors.All(system))...))
}

// Item 6 of the seed's behavior.
func TestLookupOfNobodysID(t *testing.T) {
	system := newSystem(t)
	plain := system.Root.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
	defer system.Root.StopFuture(plain).Wait() //nolint:errcheck // The end of the actor is all that matters.

	for _, id := range []string{"", "nobody", plain.GetId(), "callers"} {
		found, ok := actors.Lookup(system, id)
		assert.False(t, ok, id)
		assert.Nil(t, found, id)
	}
}

func TestIterationOverCallersMayEndEarlyAndStopThem(t *testing.T) {
	system := newSystem(t)
	for range 3 {
		start(t, system)
	}
	seen := 0
	for range actors.All(system) {
		seen++
		break
	}
	assert.Equal(t, 1, seen)

	for c := range actors.All(system) {
		require.NoError(t, c.StopWait(t.Context()))
	}
	assert.Empty(t, slices.Collect(actors.All(system)))
}

// Item 7 of the seed's behavior.
func TestStoppedCallerIsNeverStartedAgain(t *testing.T) {
	system := newSystem(t)
	for name, c := range map[string]*actors.Caller{"started": start(t, system), "never started": unstarted(t, system)} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, c.StopWait(t.Context()))

			require.ErrorContains(t, c.Start(), "stopped")
			require.ErrorContains(t, c.Run(t.Context()), "stopped")
			assert.Equal(t, actors.StateStopped, c.State())
		})
	}
}

// Item 20 of the seed's behavior.
func TestStoppedCallerIsCollected(t *testing.T) {
	system := newSystem(t)
	parent := start(t, system)
	for name, begin := range map[string]func() (*actors.Caller, error){
		"a child of one that lives": func() (*actors.Caller, error) { return parent.Child() },
		"without a parent":          func() (*actors.Caller, error) { return actors.Start(system) },
	} {
		t.Run(name, func(t *testing.T) {
			c := weakly(t, begin)
			// The time limit of the test is the limit of this loop.
			for c.Value() != nil {
				runtime.GC()
			}
		})
	}
}

// weakly returns a caller that has done what keeps things in memory, and has
// stopped.
func weakly(t *testing.T, begin func() (*actors.Caller, error)) weak.Pointer[actors.Caller] {
	c, err := begin()
	require.NoError(t, err)
	result(t, actors.ToThread(t.Context(), c, returns(1)))
	result(t, do(t.Context(), c, func(ctx context.Context) { _ = actors.Sleep(ctx, time.Microsecond) }))
	actors.CallLater(t.Context(), c, time.Hour, returns(1))
	child(t, c)
	if p := c.Parent(); p != nil {
		result(t, actors.CallSoon(t.Context(), p, returns(1))) // its actor knows its children now
	}
	c.Stop()
	<-c.Stopped()
	return weak.Make(c)
}
