package actors_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
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

// faulty is a window whose methods do something instead, if that is not nil.
type faulty struct {
	*window
	mu               sync.Mutex
	post, done, name func()
	last             func() // that was given to Post
}

func newFaulty() *faulty { return &faulty{window: newWindow()} }

// instead calls one of the functions, if it is set.
func (f *faulty) instead(which *func()) (called bool) {
	f.mu.Lock()
	fn := *which
	f.mu.Unlock()
	if fn != nil {
		fn()
	}
	return fn != nil
}

func (f *faulty) set(which *func(), fn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*which = fn
}

func (f *faulty) Post(fn func()) {
	f.set(&f.last, fn)
	if !f.instead(&f.post) {
		f.window.Post(fn)
	}
}

func (f *faulty) Done() <-chan struct{} {
	f.instead(&f.done)
	return f.window.Done()
}

// repair has the loop call what Post has lost: functions that were abandoned.
func (f *faulty) repair() {
	f.set(&f.post, nil)
	f.instead(&f.last)
	f.settle()
}

func (f *faulty) Name() string {
	f.instead(&f.name)
	return f.window.Name()
}

// faults are the ways in which a host may fail, and what is said of them.
var faults = map[string]struct {
	fault func()
	want  string
}{
	"panic":          {func() { panic(errBoom) }, "pending: panic: boom"},
	"closed channel": {func() { c := make(chan int); close(c); c <- 1 }, "pending: panic: send on closed channel"},
	"Goexit":         {runtime.Goexit, "runtime.Goexit was called"},
}

func TestHostWhosePostFailsEndsItsCallerAndNotTheProcess(t *testing.T) {
	if again() {
		return
	}
	for name, fault := range faults {
		for way, begin := range map[string]func(*testing.T, *actor.ActorSystem, *faulty, props.Option) *actors.Caller{
			"Start": func(t *testing.T, system *actor.ActorSystem, f *faulty, option props.Option) *actors.Caller {
				c, err := actors.Start(system, props.HostedBy(f), option)
				require.NoError(t, err)
				return c
			},
			"Child": func(t *testing.T, system *actor.ActorSystem, f *faulty, option props.Option) *actors.Caller {
				parent, err := actors.Start(system)
				require.NoError(t, err)
				stopAtEnd(t, parent)
				return child(t, parent, props.HostedBy(f), option)
			},
			"AsCaller": func(t *testing.T, system *actor.ActorSystem, f *faulty, option props.Option) *actors.Caller {
				asCaller, err := actors.AsCaller(props.HostedBy(f), option)
				require.NoError(t, err)
				pid := system.Root.Spawn(actor.PropsFromFunc(puppet, asCaller))
				c, _ := actors.Lookup(system, pid.GetId())
				return c
			},
			"restarted": func(t *testing.T, system *actor.ActorSystem, f *faulty, option props.Option) *actors.Caller {
				c, err := actors.Start(system, props.HostedBy(f), props.Supervision(supervision.Restart()), option)
				require.NoError(t, err)
				crash := actors.CallSoon(t.Context(), c, panics)
				f.settle()
				require.ErrorIs(t, failure(crash), errBoom)
				return c
			},
		} {
			t.Run(name+", "+way, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					f := newFaulty()
					defer f.repair()
					log, option := logged()
					c := begin(t, system, f, option)
					f.settle()
					waiting := actors.CallSoon(t.Context(), c, asleep)
					f.settle()
					delayed := actors.CallLater(t.Context(), c, time.Hour, one)
					q := actors.NewQueue(c, func(context.Context, int) error { return nil })
					f.set(&f.post, fault.fault)
					queued := actors.CallSoon(t.Context(), c, one)
					_ = q.Put(1) // the stop may have begun
					<-c.Stopped()
					for name, err := range map[string]error{
						"waiting": failure(waiting), "queued": failure(queued), "delayed": failure(delayed),
						"queue": failure(q.Pending()), "late": failure(actors.CallSoon(t.Context(), c, one)),
					} {
						require.ErrorIs(t, err, pending.ErrStopped, name)
						require.ErrorContains(t, err, "actors: post to the host window: "+fault.want, name)
					}
					assert.Contains(t, log.String(), "function abandoned, its host has ended")
				})
			})
		}
	}
}

func TestHostWhosePostFailsAtOnceEndsACallerThatIsStarted(t *testing.T) {
	if again() {
		return
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				f := newFaulty()
				f.post = fault.fault
				c, err := actors.New(system, props.HostedBy(f))
				require.NoError(t, err)
				early := actors.CallSoon(t.Context(), c, one)
				require.NoError(t, c.Start())
				require.ErrorContains(t, failure(early), fault.want)
				<-c.Stopped()
			})
		})
	}
}

// A loop may fail while it is slow: the stop has begun then.
func TestHostWhosePostFailsDuringAStopDoesNotHoldThatUp(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			hosted(t, func(t *testing.T, w *window, c *actors.Caller) {
				f := newFaulty()
				defer f.repair()
				kid := child(t, c, props.HostedBy(f), props.StopTimeout(0))
				waiting := actors.CallSoon(t.Context(), kid, asleep)
				f.settle()
				f.set(&f.post, fault.fault)
				kid.Stop() // which has the function go on, on the loop
				<-kid.Stopped()
				require.ErrorIs(t, failure(waiting), pending.ErrStopped)
			})
		})
	}
}

func TestHostWhoseDoneFailsCountsAsEnded(t *testing.T) {
	if again() {
		return
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				f := newFaulty()
				f.done = fault.fault
				c, err := actors.Start(system, props.HostedBy(f))
				require.NoError(t, err)
				<-c.Stopped()
				require.ErrorContains(t, failure(actors.CallSoon(t.Context(), c, one)),
					"actors: ask whether the host window has ended: "+fault.want)
			})
		})
	}
}

func TestHostWhoseNameFailsIsNamedByItsType(t *testing.T) {
	if again() {
		return
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				f := newFaulty()
				f.name = fault.fault
				c, err := actors.Start(system, props.Name("gui"), props.HostedBy(f))
				require.NoError(t, err)
				assert.Contains(t, c.String(), `host="*actors_test.faulty"`)
				_, err = c.Child(props.HostedBy(f), props.Backend(props.Thread))
				require.ErrorContains(t, err, `HostedBy("*actors_test.faulty")`)
				require.ErrorContains(t, c.Run(t.Context()), "running already")
				close(f.ended)
				<-c.Stopped()
				require.ErrorContains(t, failure(actors.CallSoon(t.Context(), c, one)), "the host *actors_test.faulty has ended")
			})
		})
	}
}

// A host may ask the caller whatever it likes: no lock of the library is held.
func TestHostMayUseItsCaller(t *testing.T) {
	if again() {
		return
	}
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		f := newFaulty()
		var hosted atomic.Pointer[actors.Caller]
		use := func() {
			if c := hosted.Load(); c != nil {
				_ = c.String()
				_, _ = c.Child(props.Name("kid"))
				actors.CallSoon(context.Background(), c, one)
				c.Idle()
			}
		}
		f.name = use
		f.done = use
		c, err := actors.Start(system, props.HostedBy(f))
		require.NoError(t, err)
		kid := child(t, c, props.Name("kid"), props.HostedBy(f))
		hosted.Store(c)
		_, err = c.Child(props.Name("kid"), props.HostedBy(newWindow()))
		require.Error(t, err)
		f.settle()
		f.set(&f.post, func() {
			use()
			kid.Stop()
			c.Stop()
		})
		actors.CallSoon(t.Context(), c, one)
		<-kid.Stopped()
		<-c.Stopped()
	})
}

func TestChannelHostWhoseChannelIsClosedEndsItsCaller(t *testing.T) {
	if again() {
		return
	}
	for range 20 {
		functions, done := make(chan func(), 1), make(chan struct{})
		c, err := actors.Start(newSystem(t), props.HostedBy(props.ChannelHost("main", functions, done)))
		require.NoError(t, err)
		p := actors.CallSoon(t.Context(), c, one)
		(<-functions)()
		assert.Equal(t, 1, result(t, p))
		close(functions)
		late := actors.CallSoon(t.Context(), c, one)
		<-c.Stopped()
		require.ErrorContains(t, failure(late), "actors: post to the host main: pending: panic: send on closed channel")
		close(done)
	}
}

func TestHostThatFailsForOneCallerFailsForNoOther(t *testing.T) {
	if again() {
		return
	}
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		f, w := newFaulty(), newWindow()
		f.post = func() { panic(errBoom) }
		parent, err := actors.Start(system, props.HostedBy(w))
		require.NoError(t, err)
		kid := child(t, parent, props.HostedBy(f))
		lost := actors.CallSoon(t.Context(), parent, func(ctx context.Context) (int, error) {
			return actors.CallSoon(ctx, kid, one).Wait(ctx)
		})
		w.settle()
		require.ErrorIs(t, failure(lost), errBoom)
		next := actors.CallSoon(t.Context(), parent, one)
		w.settle()
		assert.Equal(t, 1, result(t, next))
		parent.Stop()
		w.settle()
		synctest.Wait()
		assert.NotContains(t, parent.String(), "running")
	})
}

// The run loop was to go on there, where it would have handled the actor's stop.
func TestHostThatEndsAfterFunctionsWereAbandonedOnItDoesNotHoldUpAStop(t *testing.T) {
	if again() {
		return
	}
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		w := newWindow()
		asCaller, err := actors.AsCaller(props.HostedBy(w), props.StopTimeout(time.Second))
		require.NoError(t, err)
		c, _ := actors.Lookup(system, system.Root.Spawn(actor.PropsFromFunc(puppet, asCaller)).GetId())
		p := actors.CallSoon(t.Context(), c, asleep)
		w.settle()
		require.NoError(t, c.CallDirect(func() {}))
		c.Stop()
		time.Sleep(2 * time.Second)
		require.ErrorIs(t, p.Err(), pending.ErrStopped)
		close(w.ended)
		synctest.Wait()
		assert.Equal(t, actors.StateStopped, c.State())
		w.settle() // the function is left on it
	})
}

func TestFunctionThatIsAbandonedByAStopAndByTheEndOfItsHostIsAbandonedOnce(t *testing.T) {
	if again() {
		return
	}
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		w := newWindow()
		var once atomic.Bool
		_, log := badLogger(func() {
			if once.CompareAndSwap(false, true) {
				close(w.ended)
				time.Sleep(time.Second) // until all is done that follows from it
			}
		})
		c, err := actors.Start(system, props.HostedBy(w), props.StopTimeout(time.Second), props.Logger(log))
		require.NoError(t, err)
		p := actors.CallSoon(t.Context(), c, asleep)
		w.settle()
		c.Stop()
		time.Sleep(time.Minute)
		require.ErrorIs(t, p.Err(), pending.ErrStopped)
		assert.Equal(t, actors.StateStopped, c.State())
		w.settle() // the function is left on it
	})
}
