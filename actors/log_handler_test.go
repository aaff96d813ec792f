package actors_test

import (
	"context"
	"log/slog"
	"strings"
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
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// badHandler is a log handler that does something else than to log, and counts that.
type badHandler struct {
	slog.Handler
	mishap  func()
	enabled *atomic.Bool
	hits    *atomic.Int64
}

// badLogger returns a logger whose handler does mishap, and its handler.
func badLogger(mishap func()) (badHandler, *slog.Logger) {
	h := badHandler{slog.DiscardHandler, mishap, &atomic.Bool{}, &atomic.Int64{}}
	h.enabled.Store(true)
	return h, slog.New(h)
}

func (h badHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (h badHandler) Handle(context.Context, slog.Record) error {
	if h.enabled.Load() {
		h.hits.Add(1)
		h.mishap()
	}
	return nil
}

// incidents are what a caller logs, on whatever goroutine. Each returns when it has
// happened.
var incidents = map[string]struct {
	opts []props.Option
	stop bool // the caller stops by it
	do   func(t *testing.T, c *actors.Caller)
}{
	"direct call that panics": {do: func(t *testing.T, c *actors.Caller) {
		require.NoError(t, c.CallDirect(func() { panic(errBoom) }))
	}},
	"direct call that ends its goroutine": {do: func(t *testing.T, c *actors.Caller) {
		require.NoError(t, c.CallDirect(exitGoroutine))
	}},
	"callback that panics": {do: func(t *testing.T, c *actors.Caller) {
		release := occupy(t, c)
		p := actors.CallSoon(t.Context(), c, one)
		p.OnDone(func(pending.Handle) { panic(errBoom) })
		last := make(chan struct{})
		p.OnDone(func(pending.Handle) { close(last) })
		release()
		<-last
	}},
	"item of a queue that fails": {do: func(t *testing.T, c *actors.Caller) {
		q := actors.NewQueue(c, func(context.Context, int) error { return errBoom })
		require.NoError(t, q.Put(1))
		require.NoError(t, q.CloseWait(t.Context()))
	}},
	"restart": {opts: []props.Option{props.Supervision(supervision.Restart())}, do: func(t *testing.T, c *actors.Caller) {
		require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, panics)), errBoom)
	}},
	"failures before a restart": {
		opts: []props.Option{props.Supervision(supervision.Restart())}, do: func(t *testing.T, c *actors.Caller) {
			waits := func(ctx context.Context) (int, error) {
				_ = actors.Sleep(ctx, time.Hour)
				panic(errBoom)
			}
			first, second := actors.CallSoon(t.Context(), c, waits), actors.CallSoon(t.Context(), c, waits)
			require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, panics)), errBoom)
			require.Error(t, failure(first))
			require.Error(t, failure(second))
		},
	},
	"stop by a failure": {
		opts: []props.Option{props.Supervision(supervision.Stop())}, stop: true, do: func(t *testing.T, c *actors.Caller) {
			require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, panics)), errBoom)
		},
	},
	"escalation to the root": {
		opts: []props.Option{props.Supervision(supervision.Escalate())}, stop: true, do: func(t *testing.T, c *actors.Caller) {
			require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, panics)), errBoom)
		},
	},
	"long turn": {opts: []props.Option{props.TurnWarning(time.Second)}, do: func(t *testing.T, c *actors.Caller) {
		long := do(t.Context(), c, func(context.Context) { time.Sleep(2 * time.Second) })
		result(t, do(t.Context(), c, func(context.Context) {})) // waits for the long one
		result(t, long)
	}},
	"work that a stop drops": {stop: true, do: func(t *testing.T, c *actors.Caller) {
		release := occupy(t, c)
		require.NoError(t, c.CallDirect(func() { t.Error("it ran") }))
		q := actors.NewQueue(c, func(context.Context, int) error { return nil })
		require.NoError(t, q.Put(1))
		queued := actors.CallSoon(t.Context(), c, one)
		c.Stop()
		require.ErrorIs(t, failure(queued), pending.ErrStopped)
		require.ErrorIs(t, failure(q.Pending()), pending.ErrStopped)
		release()
	}},
	"function that does not return": {
		opts: []props.Option{props.StopTimeout(time.Second)}, stop: true, do: func(t *testing.T, c *actors.Caller) {
			release := occupy(t, c)
			c.Stop()
			time.Sleep(2 * time.Second)
			release()
		},
	},
	"publication that is not closed": {
		opts: []props.Option{props.Publisher((&press{closeErr: errBoom}).publisher)}, stop: true,
		do: func(_ *testing.T, c *actors.Caller) { c.Stop() },
	},
	"publication whose closing panics": {
		opts: []props.Option{props.Publisher((&press{onClose: func() { panic(errBoom) }}).publisher)}, stop: true,
		do: func(_ *testing.T, c *actors.Caller) { c.Stop() },
	},
	"message that is nil": {do: func(_ *testing.T, c *actors.Caller) {
		process, _ := c.System().ProcessRegistry.Get(c.PID())
		process.SendUserMessage(c.PID(), (*parcel)(nil))
	}},
	"handler of an event that panics": {
		opts: []props.Option{props.Supervision(supervision.Stop())}, stop: true, do: func(t *testing.T, c *actors.Caller) {
			c.System().EventStream.Subscribe(func(event any) {
				if _, ok := event.(supervision.Stopped); ok {
					panic(errBoom)
				}
			})
			require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, panics)), errBoom)
		},
	},
}

func TestLogHandlerThatFailsEndsNeitherTheProcessNorWhatIsLogged(t *testing.T) {
	handlers := map[string]func() (badHandler, []props.Option){
		"panic": func() (badHandler, []props.Option) {
			h, l := badLogger(func() { panic(errBoom) })
			return h, []props.Option{props.Logger(l)}
		},
		"panic, with telemetry": func() (badHandler, []props.Option) {
			h, l := badLogger(func() { panic(errBoom) })
			return h, []props.Option{props.Logger(l), props.Telemetry(telemetry.New())}
		},
		"Goexit": func() (badHandler, []props.Option) {
			h, l := badLogger(exitGoroutine)
			return h, []props.Option{props.Logger(l)}
		},
	}
	for what, incident := range incidents {
		for way, handler := range handlers {
			if way == "Goexit" && what == "message that is nil" {
				continue // it is logged on the goroutine of the test
			}
			t.Run(what+", "+way, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					h, opts := handler()
					parent, err := actors.Start(system)
					require.NoError(t, err)
					stopAtEnd(t, parent)
					for _, c := range []*actors.Caller{
						start(t, system, append(opts, incident.opts...)...),
						child(t, parent, on(t, append(opts, append(incident.opts, props.Name("kid"))...))...),
					} {
						if what == "escalation to the root" && c.Parent() != nil {
							c.Stop()
							continue // its parent decides
						}
						before := h.hits.Load()
						done := aside(func() { incident.do(t, c) })
						<-done
						synctest.Wait()
						assert.Greater(t, h.hits.Load(), before, "nothing was logged")
						if incident.stop {
							<-c.Stopped()
							continue
						}
						assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, one)))
						h.enabled.Store(false)
						require.NoError(t, c.Drain(t.Context()))
						h.enabled.Store(true)
					}
				})
			})
		}
	}
}

// aside calls a function on a goroutine that it may end, and returns what is closed
// then.
func aside(fn func()) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		fn()
	}()
	return ended
}

// badSystem returns an actor system whose logger is bad from now on.
func badSystem(mishap func()) (badHandler, *actor.ActorSystem) {
	h, l := badLogger(mishap)
	h.enabled.Store(false)
	system := actor.NewActorSystem(quiet, actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return l }))
	h.enabled.Store(true)
	return h, system
}

// Protoactor logs a failure, with the logger of the system, before it tells the
// supervisor.
func TestLogHandlerOfTheSystemThatFailsKeepsNoFailureFromTheSupervisor(t *testing.T) {
	for way, mishap := range mishaps {
		t.Run("a parent that is an actor, "+way, func(t *testing.T) {
			h, system := badSystem(mishap)
			strategy := actor.NewOneForOneStrategy(10, time.Minute, func(any) actor.Directive { return actor.RestartDirective })
			parent := adopted(t, system, nil, "parent", puppet, nil, actor.WithSupervisor(strategy))
			restarted := make(chan struct{}, 1)
			c := adopted(t, system, parent, "kid", func(ctx actor.Context) {
				if _, ok := ctx.Message().(*actor.Restarting); ok {
					restarted <- struct{}{}
				}
				puppet(ctx)
			}, nil)
			for range 3 {
				system.Root.Send(c.PID(), func(actor.Context) { mishap() })
				<-restarted
				assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, one)))
			}
			assert.NotZero(t, h.hits.Load())
			h.enabled.Store(false)
		})
		t.Run("no parent, "+way, func(t *testing.T) {
			h, system := badSystem(mishap)
			c := adopted(t, system, nil, "gopher", puppet, nil)
			system.Root.Send(c.PID(), func(actor.Context) { mishap() })
			<-c.Stopped()
			assert.NotZero(t, h.hits.Load())
			h.enabled.Store(false)
		})
		t.Run("a parent that is a caller, "+way, func(t *testing.T) {
			h, system := badSystem(mishap)
			grandparent := start(t, system, props.Supervision(supervision.Stop()))
			parent := child(t, grandparent, on(t, []props.Option{props.Supervision(supervision.Escalate())})...)
			kid := child(t, parent, on(t, []props.Option{props.Supervision(supervision.Escalate())})...)
			require.ErrorIs(t, failure(actors.CallSoon(t.Context(), kid, panics)), errBoom)
			<-grandparent.Stopped()
			assert.NotZero(t, h.hits.Load())
			h.enabled.Store(false)
		})
	}
}

func TestLogHandlerThatFailsDoesNotEndTheRun(t *testing.T) {
	h, l := badLogger(func() { panic(errBoom) })
	c := runnable(t, newSystem(t), props.Logger(l))
	ended := make(chan error, 1)
	go func() { ended <- c.Run(t.Context()) }()
	require.NoError(t, c.CallDirect(func() { panic(errBoom) }))
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, one)))
	assert.NotZero(t, h.hits.Load())
	require.NoError(t, c.StopWait(t.Context()))
	require.NoError(t, <-ended)
}

func TestPublicationOfAnAdoptedActorThatFailsStopsItWhateverTheLogHandlerDoes(t *testing.T) {
	for way, mishap := range mishaps {
		t.Run(way, func(t *testing.T) {
			h, l := badLogger(mishap)
			system := newSystem(t)
			publisher := props.Publisher(func(string) (props.Publication, error) { return nil, errBoom })
			asCaller, err := actors.AsCaller(on(t, []props.Option{publisher, props.Logger(l)})...)
			require.NoError(t, err)
			stopped := make(chan struct{})
			<-aside(func() {
				system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
					if _, ok := ctx.Message().(*actor.Stopped); ok {
						close(stopped)
					}
				}, asCaller))
			})
			<-stopped
			assert.NotZero(t, h.hits.Load())
		})
	}
}

// It runs on the goroutine of the actor, for the children of the caller too.
func TestSpawnMiddlewareOfAnAdoptedActorThatFailsEndsTheChild(t *testing.T) {
	for way, mishap := range map[string]func() error{
		"error":  func() error { return errBoom },
		"panic":  func() error { panic(errBoom) },
		"Goexit": func() error { exitGoroutine(); return nil },
	} {
		t.Run(way, func(t *testing.T) {
			system := newSystem(t)
			log, option := logged()
			broken := actor.WithSpawnMiddleware(func(actor.SpawnFunc) actor.SpawnFunc {
				return func(*actor.ActorSystem, string, *actor.Props, actor.SpawnerContext) (*actor.PID, error) {
					return nil, mishap()
				}
			})
			strategy := actor.NewOneForOneStrategy(10, time.Minute, func(any) actor.Directive { return actor.ResumeDirective })
			parent := adopted(t, system, nil, "parent", puppet, nil, actor.WithSupervisor(strategy))
			c := adopted(t, system, parent, "gopher", puppet, []props.Option{option}, broken)
			kid, err := c.Child()
			if err == nil {
				<-kid.Stopped()
			}
			assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, one)))
			require.NoError(t, c.StopWait(t.Context()))
			assert.Equal(t, way != "Goexit", strings.Contains(log.String(), "boom"))
		})
	}
}

// The failure of a child is decided on, and logged, on the goroutine that starts its parent.
func TestCallerThatALogHandlerEndsTheStartOfGoesOnOrStops(t *testing.T) {
	for way, begin := range map[string]func(*testing.T, *actors.Caller){
		"Start": func(_ *testing.T, c *actors.Caller) { _ = c.Start() },
		"Run":   func(t *testing.T, c *actors.Caller) { _ = c.Run(t.Context()) },
	} {
		t.Run(way, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				h, log := badLogger(exitGoroutine)
				c := runnable(t, system, props.Logger(log), props.Supervision(supervision.Restart()))
				kid := child(t, c, props.Supervision(supervision.Escalate()))
				_ = actors.CallSoon(t.Context(), kid, panics)
				synctest.Wait()
				before := h.hits.Load()
				go begin(t, c)
				synctest.Wait()
				assert.Greater(t, h.hits.Load(), before)
				p := actors.CallSoon(t.Context(), c, one)
				synctest.Wait()
				assert.True(t, p.IsDone())
				c.Stop()
				synctest.Wait()
				assert.Equal(t, actors.StateStopped, c.State())
			})
		})
	}
}
