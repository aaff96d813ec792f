package actors_test

import (
	"context"
	"fmt"
	"slices"
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

// Item 68 of the seed's behavior.
func TestChildIsMadeOnceForAName(t *testing.T) {
	parent := start(t, newSystem(t))
	kid := child(t, parent, props.Name("kid"))

	same(t, kid, child(t, parent, props.Name("kid")))
	same(t, kid, child(t, parent, props.Name("kid"), props.Protected(), props.MaxQueued(1)))
	assert.False(t, kid.Protected(), "options have no effect on a child that exists")
	same(t, parent, kid.Parent())
	assert.Equal(t, "kid", kid.Name())
	assert.Equal(t, parent.ID()+"/kid", kid.ID())
	assert.Equal(t, actors.StateRunning, kid.State())
	assert.Equal(t, ids(kid), ids(parent.Children()...))
}

// Item 68 of the seed's behavior.
func TestChildIsMadeOnceForManyWhoAskAtTheSameTime(t *testing.T) {
	parent := start(t, newSystem(t))
	kids := make([]*actors.Caller, 20)
	var asking sync.WaitGroup
	for i := range kids {
		asking.Go(func() { kids[i], _ = parent.Child(props.Name("kid")) })
	}
	asking.Wait()

	assert.Len(t, slices.Compact(kids), 1)
	assert.Equal(t, ids(kids[0]), ids(parent.Children()...))
}

// Item 4 of the seed's behavior.
// Item 68 of the seed's behavior.
func TestChildWithoutANameIsAlwaysNew(t *testing.T) {
	parent := start(t, newSystem(t), props.Name("parent"))
	a, b := child(t, parent), child(t, parent)

	assert.NotEqual(t, a.ID(), b.ID())
	assert.NotEqual(t, a.Name(), b.Name())
	for _, kid := range []*actors.Caller{a, b} {
		_, err := parent.Child(props.Name(kid.Name()))
		require.ErrorContains(t, err, "Name", "it cannot be asked for")
	}
}

// Item 68 of the seed's behavior.
func TestChildrenOfChildren(t *testing.T) {
	system := newSystem(t)
	root := start(t, system, props.Name("root"))
	kid := child(t, root, props.Name("kid"))
	grandkid := child(t, kid, props.Name("kid"))

	assert.NotEqual(t, kid.ID(), grandkid.ID(), "names count for each parent by itself")
	same(t, kid, grandkid.Parent())
	assert.Equal(t, ids(kid), ids(root.Children()...))
	assert.Equal(t, ids(grandkid), ids(kid.Children()...))
	assert.Empty(t, grandkid.Children())
	found, _ := actors.Lookup(system, "callers/root/kid/kid")
	same(t, grandkid, found)
}

// Item 68 of the seed's behavior.
func TestChildrenAreACopy(t *testing.T) {
	parent := start(t, newSystem(t))
	kid := child(t, parent)
	parent.Children()[0] = nil

	assert.Equal(t, ids(kid), ids(parent.Children()...))
}

// Item 68 of the seed's behavior.
func TestChildInheritsOptions(t *testing.T) {
	log, option := logged()
	parent := start(t, newSystem(t), props.Name("parent"), props.Protected(), option,
		props.MaxQueued(1), props.NonReentrant())

	kid := child(t, parent)
	assert.NotEqual(t, parent.Name(), kid.Name())
	assert.False(t, kid.Protected())
	kid.Logger().Info("hello from the kid")
	assert.Contains(t, log.String(), "hello from the kid")

	occupy(t, kid)
	do(t.Context(), kid, func(context.Context) {})
	require.ErrorIs(t, failure(do(t.Context(), kid, func(context.Context) {})), actors.ErrOverloaded)

	other := child(t, parent, props.MaxQueued(0), props.Protected())
	assert.True(t, other.Protected())
	occupy(t, other)
	for range 10 {
		assert.False(t, do(t.Context(), other, func(context.Context) {}).IsDone())
	}
}

// Items 2 and 68 of the seed's behavior.
func TestBackendIsInheritedAndThatOfAChildDoesNotChange(t *testing.T) {
	if again() {
		return
	}
	c, err := actors.Start(newSystem(t), props.Backend(props.Thread))
	require.NoError(t, err)
	stopAtEnd(t, c)
	onThread := child(t, c, props.Name("thread"))
	onGoroutine := child(t, c, props.Name("goroutine"), props.Backend(props.Goroutine))
	assert.Equal(t, props.Thread, onThread.Backend())
	assert.Equal(t, props.Goroutine, onGoroutine.Backend())
	assert.Equal(t, props.Goroutine, child(t, onGoroutine).Backend())

	same(t, onThread, child(t, c, props.Name("thread"), props.Backend(props.Thread)))
	same(t, onGoroutine, child(t, c, props.Name("goroutine")))
	_, err = c.Child(props.Name("thread"), props.Backend(props.Goroutine))
	require.EqualError(t, err, "actors: child "+onThread.ID()+": props: Backend(goroutine): the existing child runs on backend thread")
	require.ErrorIs(t, err, actors.ErrChildDiffers)
	_, err = c.Child(props.Name("goroutine"), props.Backend(props.Thread))
	require.ErrorContains(t, err, ": props: Backend(thread): the existing child runs on backend goroutine")
	_, err = c.Child(props.Backend(7))
	require.EqualError(t, err, "props: Backend(BackendKind(7)): must be Goroutine or Thread")
	require.NotErrorIs(t, err, actors.ErrChildDiffers)
}

// Item 68 of the seed's behavior.
func TestChildIsMadeWhateverTheParentIsDoing(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T, *actor.ActorSystem) *actors.Caller{
		"nothing": func(t *testing.T, system *actor.ActorSystem) *actors.Caller { return start(t, system) },
		"waiting to be started": func(t *testing.T, system *actor.ActorSystem) *actors.Caller {
			return unstarted(t, system)
		},
		"keeping its turn": func(t *testing.T, system *actor.ActorSystem) *actors.Caller {
			c := start(t, system)
			occupy(t, c)
			return c
		},
		"waiting in a function": func(t *testing.T, system *actor.ActorSystem) *actors.Caller {
			c := start(t, system)
			do(t.Context(), c, func(ctx context.Context) { _ = actors.Sleep(ctx, time.Hour) })
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			parent := prepare(t, newSystem(t))
			kid := child(t, parent, props.Name("kid"))
			assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), kid, returns(1))), "it is usable at once")
			grandkid := child(t, kid)
			assert.Equal(t, 2, result(t, actors.ToThread(t.Context(), grandkid, returns(2))))
		})
	}
}

func TestFunctionMakesChildrenOfItsOwnCaller(t *testing.T) {
	parent := start(t, newSystem(t))
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), parent, func(ctx context.Context) (int, error) {
		kid, err := parent.Child(props.Name("kid"))
		if err != nil {
			return 0, err
		}
		return actors.CallSoon(ctx, kid, returns(1)).WaitSync(ctx)
	})))
}

// Item 17 of the seed's behavior.
func TestNoChildForACallerThatIsStopping(t *testing.T) {
	parent := start(t, newSystem(t))
	release := occupy(t, parent)
	parent.Stop()
	for _, state := range []actors.State{actors.StateStopping, actors.StateStopped} {
		kid, err := parent.Child()
		require.ErrorIs(t, err, pending.ErrStopped, state)
		require.ErrorContains(t, err, parent.ID())
		assert.Nil(t, kid)
		release()
		<-parent.Stopped()
	}
}

func TestNameOfAChildIsFreeOnceThatHasStopped(t *testing.T) {
	parent := start(t, newSystem(t))
	first := child(t, parent, props.Name("kid"))
	release := occupy(t, first)
	first.Stop()
	_, err := parent.Child(props.Name("kid"))
	require.ErrorIs(t, err, pending.ErrStopped, "it is stopping")
	require.ErrorContains(t, err, first.ID())

	release()
	<-first.Stopped()
	assert.Empty(t, parent.Children())
	second := child(t, parent, props.Name("kid"))
	assert.Equal(t, first.ID(), second.ID())
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), second, returns(1))))
}

func TestStoppedChildIsNeverSeenAgain(t *testing.T) {
	parent := start(t, newSystem(t))
	for range 100 {
		kid := child(t, parent, props.Name("kid"))
		require.Equal(t, actors.StateRunning, kid.State())
		kid.Stop()
		<-kid.Stopped()
	}
}

func TestParentEndsAfterChildrenThatItsActorHasNotHeardOf(t *testing.T) {
	system := newSystem(t)
	for range 20 {
		parent := start(t, system)
		release := occupy(t, parent)
		var kids []*actors.Caller
		for range 5 {
			kid := child(t, parent)
			kids = append(kids, kid, child(t, kid))
		}
		parent.Stop()
		release()
		<-parent.Stopped()

		for _, kid := range kids {
			assert.Equal(t, actors.StateStopped, kid.State())
		}
		assert.Empty(t, parent.Children())
	}
}

func TestChildThatHasStoppedBeforeItsParentsActorHeardOfItHoldsNobodyUp(t *testing.T) {
	parent := start(t, newSystem(t))
	release := occupy(t, parent)
	for range 10 {
		require.NoError(t, child(t, parent, props.Name("kid")).StopWait(t.Context()))
	}
	assert.Empty(t, parent.Children())
	release()
	require.NoError(t, parent.StopWait(t.Context()))
}

func TestChildrenAreMadeWhileTheParentIsStopped(t *testing.T) {
	system := newSystem(t)
	for range 30 {
		parent := start(t, system)
		var making sync.WaitGroup
		var mu sync.Mutex
		var made []*actors.Caller
		for i := range 4 {
			making.Go(func() {
				for n := range 10 {
					kid, err := parent.Child(props.Name(fmt.Sprintf("kid-%d-%d", i, n)))
					if err != nil {
						assert.ErrorIs(t, err, pending.ErrStopped)
						return
					}
					mu.Lock()
					made = append(made, kid)
					mu.Unlock()
				}
			})
		}
		making.Go(func() { parent.Stop() })
		making.Wait()
		<-parent.Stopped()
		for _, kid := range made {
			assert.Equal(t, actors.StateStopped, kid.State())
		}
	}
}

func TestChildCanBeSupervisedAsAnyActor(t *testing.T) {
	system := newSystem(t)
	kid := child(t, start(t, system))
	ended := make(chan *actor.PID, 1)
	watcher := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch message := ctx.Message().(type) {
		case *actor.Started:
			ctx.Watch(kid.PID())
		case *actor.Terminated:
			ended <- message.Who
		case string:
			ctx.Respond(message)
		}
	}))
	assert.Equal(t, "watching", result(t, actors.Request[string](t.Context(), system, watcher, "watching")))
	system.Root.Poison(kid.PID())

	assert.Equal(t, kid.ID(), (<-ended).GetId())
	<-kid.Stopped()
	system.Root.Stop(watcher)
}
