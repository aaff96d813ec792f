package actors_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// window is a host whose loop does nothing until a test has it.
type window struct {
	mu     sync.Mutex
	posted []func()
	busy   bool // a function is being called; of the loop's goroutine
	ended  chan struct{}
}

func newWindow() *window { return &window{ended: make(chan struct{})} }

func (w *window) Name() string          { return "window" }
func (w *window) Done() <-chan struct{} { return w.ended }

func (w *window) Post(fn func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.posted = append(w.posted, fn)
}

// turnOver calls the functions that have been posted, and reports whether there were
// any.
func (w *window) turnOver() bool {
	w.mu.Lock()
	posted := w.posted
	w.posted = nil
	w.mu.Unlock()
	for _, fn := range posted {
		w.busy = true
		fn()
		w.busy = false
	}
	return len(posted) > 0
}

// settle calls posted functions until no more come. It is for a bubble.
func (w *window) settle() {
	synctest.Wait()
	for w.turnOver() {
		synctest.Wait()
	}
}

// hosted runs a test, in a bubble, with a caller on a window.
func hosted(t *testing.T, test func(t *testing.T, w *window, c *actors.Caller), opts ...props.Option) {
	t.Helper()
	if again() {
		return
	}
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		w := newWindow()
		c, err := actors.Start(system, append(opts, props.HostedBy(w))...)
		require.NoError(t, err)
		defer w.settle() // functions that were abandoned are left on it
		test(t, w, c)
		c.Stop(actors.Force())
		w.settle()
		<-c.Stopped()
	})
}

// Item 70 of the seed's behavior.
func TestFunctionsOfAHostedCallerRunOnTheLoopOfItsHost(t *testing.T) {
	hosted(t, func(t *testing.T, w *window, c *actors.Caller) {
		onLoop := func(ctx context.Context) (int, error) {
			assert.True(t, w.busy)
			require.NoError(t, actors.Sleep(ctx, time.Second))
			assert.True(t, w.busy, "after a wait")
			_, err := actors.CallSoon(ctx, c, one).Wait(ctx)
			assert.True(t, w.busy, "after a wait")
			return 1, err
		}
		var ps []*pending.Pending[int]
		for range 100 {
			ps = append(ps, actors.CallSoon(t.Context(), c, onLoop))
		}
		items := 0
		q := actors.NewQueue(c, func(context.Context, int) error {
			assert.True(t, w.busy)
			items++
			return nil
		})
		for i := range 100 {
			require.NoError(t, q.Put(i))
			require.NoError(t, c.CallDirect(func() { assert.True(t, w.busy) }))
		}
		synctest.Wait()
		for _, p := range ps {
			assert.False(t, p.IsDone(), "the loop has not turned over")
		}
		w.settle()
		time.Sleep(time.Second)
		w.settle()
		for _, p := range ps {
			assert.Equal(t, 1, result(t, p))
		}
		assert.Equal(t, 100, items)
	})
}

// The host's loop belongs to others too.
func TestHostedCallerLetsTheLoopDoOtherThingsInBetween(t *testing.T) {
	hosted(t, func(t *testing.T, w *window, c *actors.Caller) {
		ran := 0
		for range 1000 {
			require.NoError(t, c.CallDirect(func() { ran++ }))
		}
		synctest.Wait()
		turns := 0
		for w.turnOver() {
			turns++
			assert.LessOrEqual(t, ran, 16*turns)
			synctest.Wait()
		}
		assert.Equal(t, 1000, ran)
	})
}

// Item 68 of the seed's behavior.
func TestChildrenAndWorkersDoNotInheritTheHost(t *testing.T) {
	hosted(t, func(t *testing.T, w *window, c *actors.Caller) {
		kid := child(t, c, props.Name("kid"))
		assert.Nil(t, kid.Host())
		assert.Equal(t, props.Goroutine, kid.Backend())
		assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), kid, one)), "it needs no loop")
		worker := result(t, actors.ToThread(t.Context(), c, worker))
		assert.Nil(t, worker.Host())
		grandkid := child(t, kid, props.HostedBy(w))
		assert.Equal(t, w, grandkid.Host(), "unless they are given one")
	})
}

// Items 2, 68 and 70 of the seed's behavior.
func TestHostOfACallerDoesNotChange(t *testing.T) {
	hosted(t, func(t *testing.T, w *window, c *actors.Caller) {
		same(t, child(t, c, props.Name("kid"), props.HostedBy(w)), child(t, c, props.Name("kid")))
		same(t, child(t, c, props.Name("kid")), child(t, c, props.Name("kid"), props.HostedBy(w)))
		other := child(t, c, props.Name("other"))
		for want, opts := range map[string][]props.Option{
			`props: HostedBy("window"): the existing child runs on another host "window"`: {props.Name("kid"), props.HostedBy(newWindow())},
			`props: HostedBy("window"): the existing child runs on backend goroutine`:     {props.Name("other"), props.HostedBy(w)},
			`props: Backend(goroutine): the existing child runs on host "window"`:         {props.Name("kid"), props.Backend(props.Goroutine)},
			`props: Backend(thread): the existing child runs on host "window"`:            {props.Name("kid"), props.Backend(props.Thread)},
		} {
			_, err := c.Child(opts...)
			require.ErrorContains(t, err, ": "+want)
			require.ErrorIs(t, err, actors.ErrChildDiffers)
		}
		assert.Nil(t, other.Host())
	})
}

// curious is a host that looks at a caller when it is asked for its name.
type curious struct {
	*window
	caller *actors.Caller
}

func (c curious) Name() string { return fmt.Sprintf("window of %d children", len(c.caller.Children())) }

func TestNameOfAHostMayCallTheCallerThatIsAskedForAChild(t *testing.T) {
	hosted(t, func(t *testing.T, w *window, c *actors.Caller) {
		child(t, c, props.Name("kid"), props.HostedBy(w))
		_, err := c.Child(props.Name("kid"), props.HostedBy(curious{w, c}))
		require.ErrorContains(t, err, `: props: HostedBy("window of 1 children"): the existing child runs on host "window"`)
	})
}

// partial is a host of a type that can be compared. Whether a value can depends on what it holds.
type partial struct {
	*window
	held any
}

func TestHostThatCannotBeComparedIsAnErrorAndNoPanic(t *testing.T) {
	hosted(t, func(t *testing.T, w *window, c *actors.Caller) {
		for range 2 {
			_, err := c.Child(props.Name("kid"), props.HostedBy(partial{w, []int{1}}))
			require.EqualError(t, err, "props: HostedBy(actors_test.partial): a host must be comparable with ==")
		}
		assert.Empty(t, c.Children())
	})
}

// Item 11 of the seed's behavior.
func TestHostedCallerNamesItsHost(t *testing.T) {
	hosted(t, func(t *testing.T, w *window, c *actors.Caller) {
		assert.Equal(t, w, c.Host())
		assert.Equal(t, `<Caller 🏃 running name="gui" id="callers/gui" host="window">`, c.String())
	}, props.Name("gui"))
}

// Item 70 of the seed's behavior.
func TestHostedCallerCannotRun(t *testing.T) {
	if again() {
		return
	}
	c, err := actors.New(newSystem(t), props.Name("gui"), props.HostedBy(newWindow()))
	require.NoError(t, err)
	require.EqualError(t, c.Run(t.Context()), "actors: run callers/gui: it runs on the loop of its host, window")
	assert.Equal(t, actors.StateInitial, c.State())
	c.Stop()
	require.ErrorContains(t, c.Run(t.Context()), "stopped already")
}

func TestStopDoesNotWaitForALoopThatHasNothingToFinish(t *testing.T) {
	hosted(t, func(t *testing.T, w *window, c *actors.Caller) {
		queued := actors.CallSoon(t.Context(), c, one)
		guest := actors.CallUsing(t.Context(), c, props.Thread, one)
		require.NoError(t, c.CallDirect(func() { t.Error("it ran") }))
		kid := child(t, c)
		ofKid := actors.CallSoon(t.Context(), kid, asleep)
		synctest.Wait()
		require.NoError(t, c.StopWait(t.Context()), "the loop has not turned over")
		require.ErrorIs(t, failure(queued), pending.ErrStopped)
		require.ErrorIs(t, failure(guest), pending.ErrStopped)
		require.ErrorIs(t, failure(ofKid), pending.ErrStopped)
	})
}

func TestStopWaitsForALoopThatIsSlowAsLongAsForAnyFunction(t *testing.T) {
	hosted(t, func(t *testing.T, w *window, c *actors.Caller) {
		waiting := actors.CallSoon(t.Context(), c, asleep)
		w.settle()
		begin := time.Now()
		require.NoError(t, c.StopWait(t.Context()))
		assert.Equal(t, time.Minute, time.Since(begin))
		require.ErrorIs(t, failure(waiting), pending.ErrStopped)
	}, props.StopTimeout(time.Minute))
}

// A GUI stops its callers when the window is closed, in a function of its loop.
func TestCallerIsStoppedOnTheLoopOfItsHost(t *testing.T) {
	if again() {
		return
	}
	system := newSystem(t)
	for range 100 {
		host := newLoop(t)
		c, err := actors.Start(system, props.HostedBy(host), props.MaxQueued(10))
		require.NoError(t, err)
		var calling sync.WaitGroup
		for i := range 3 {
			calling.Go(func() {
				for c.State() < actors.StateStopping {
					actors.CallSoon(t.Context(), c, one)
					_ = c.CallDirect(func() {})
					actors.CallUsing(t.Context(), c, []props.BackendKind{props.Goroutine, props.Thread}[i%2], one)
				}
			})
		}
		stopped := make(chan error)
		host.Post(func() { stopped <- c.StopWait(context.Background()) })
		require.NoError(t, <-stopped)
		calling.Wait()
	}
}

func TestHostThatEndsStopsItsCaller(t *testing.T) {
	hosted(t, func(t *testing.T, w *window, c *actors.Caller) {
		waiting := actors.CallSoon(t.Context(), c, asleep)
		resumed := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			return 1, actors.Sleep(ctx, time.Second)
		})
		w.settle()
		time.Sleep(time.Second) // it has its turn back, but the loop does not turn over
		queued := actors.CallSoon(t.Context(), c, one)
		guest := actors.CallUsing(t.Context(), c, props.Thread, one)
		kid := child(t, c)
		ofKid := actors.CallSoon(t.Context(), kid, asleep)
		synctest.Wait()
		close(w.ended)
		<-c.Stopped()
		for name, err := range map[string]error{
			"waiting": failure(waiting), "resumed": failure(resumed), "queued": failure(queued), "guest": failure(guest),
		} {
			require.ErrorIs(t, err, pending.ErrStopped, name)
			require.ErrorContains(t, err, "the host window has ended", name)
		}
		require.ErrorIs(t, failure(ofKid), pending.ErrStopped)
		assert.Equal(t, actors.StateStopped, kid.State())
		require.ErrorContains(t, failure(actors.CallSoon(t.Context(), c, one)), "the host window has ended")
	})
}

func TestHostThatEndsIsReportedAsTheCauseOfTheStop(t *testing.T) {
	hosted(t, func(t *testing.T, w *window, c *actors.Caller) {
		log := logEvents(c.System())
		close(w.ended)
		<-c.Stopped()
		assert.Equal(t, []string{"gui stopped: actors: the host window has ended"}, log.all("gui"))
	}, props.Name("gui"))
}

// Functions were abandoned by then, and the caller waits for its children.
func TestHostThatEndsAfterItsLoopWasGivenUp(t *testing.T) {
	hosted(t, func(t *testing.T, w *window, c *actors.Caller) {
		kid := child(t, c, props.StopTimeout(time.Hour))
		stubborn := do(t.Context(), kid, func(context.Context) { time.Sleep(time.Minute) })
		waiting := actors.CallSoon(t.Context(), c, asleep)
		w.settle()
		c.Stop()
		time.Sleep(2 * time.Second)
		require.ErrorIs(t, waiting.Err(), pending.ErrStopped)
		close(w.ended)
		synctest.Wait()
		assert.Equal(t, actors.StateStopping, c.State())
		<-c.Stopped()
		require.NoError(t, failure(stubborn))
	}, props.StopTimeout(time.Second))
}

func TestHostThatEndsStopsAnAdoptedActorToo(t *testing.T) {
	if again() {
		return
	}
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		w := newWindow()
		ended := false
		receive := func(ctx actor.Context) {
			if _, ok := ctx.Message().(*actor.Stopped); ok {
				ended = true
			}
		}
		c := adopted(t, system, nil, "gui", receive, []props.Option{props.HostedBy(w)})
		w.settle()
		assert.Equal(t, actors.StateRunning, c.State())
		system.Root.Send(c.PID(), "message")
		synctest.Wait()
		close(w.ended)
		<-c.Stopped()
		synctest.Wait()
		assert.True(t, ended)
	})
}

func TestRestartOnAHostWaitsForItsLoop(t *testing.T) {
	hosted(t, func(t *testing.T, w *window, c *actors.Caller) {
		crash := actors.CallSoon(t.Context(), c, panics)
		next := actors.CallSoon(t.Context(), c, func(context.Context) (bool, error) { return w.busy, nil })
		w.settle()
		require.ErrorIs(t, failure(crash), errBoom)
		assert.True(t, result(t, next))
	}, props.Supervision(supervision.Restart()))
}

func TestPostThatBlocksHoldsNobodyUp(t *testing.T) {
	if again() {
		return
	}
	held := make(chan struct{})
	host := newLoop(t)
	c, err := actors.Start(newSystem(t), props.HostedBy(late{host, held}))
	require.NoError(t, err)
	for range 100 {
		actors.CallSoon(t.Context(), c, one)
	}
	p := actors.CallSoon(t.Context(), c, one)
	require.NoError(t, c.StopWait(t.Context()))
	require.ErrorIs(t, failure(p), pending.ErrStopped)
	close(held)
}

// late is a host whose Post blocks until it may go on.
type late struct {
	props.Host
	held chan struct{}
}

func (l late) Post(fn func()) {
	<-l.held
	l.Host.Post(fn)
}

func TestGoexitInAHostedFunctionEndsTheGoroutineOfTheLoop(t *testing.T) {
	if again() {
		return
	}
	c, err := actors.Start(newSystem(t), props.HostedBy(newLoop(t))) // which begins again
	require.NoError(t, err)
	stopAtEnd(t, c)
	waiting := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
		return actors.ToThread(ctx, c, one).Wait(ctx)
	})
	for range 10 {
		require.ErrorIs(t, failure(do(t.Context(), c, func(context.Context) { exitGoroutine() })), pending.ErrCancelled)
		assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, one)))
	}
	assert.Equal(t, 1, result(t, waiting))
}
