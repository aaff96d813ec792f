package actors_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// The tests of this file have user code use the caller that calls it: no lock of the
// library may be held then.

// leaflet is a publication made of functions.
type leaflet struct {
	publish func(topic string) error
	close   func() error
}

func (l *leaflet) Publish(topic string, _ []byte) error { return l.publish(topic) }
func (l *leaflet) Close() error                         { return l.close() }

// use calls what anybody may call on a caller at any time.
func use(c *actors.Caller) {
	_ = c.String()
	_ = c.Publish("news", nil)
	_, _ = c.Child(props.Name("kid"), props.Publisher(nil))
	_ = c.CallDirect(func() {})
	actors.CallSoon(context.Background(), c, one)
	actors.ToThread(context.Background(), c, one)
	_ = actors.NewQueue(c, func(context.Context, int) error { return nil }).Put(1)
	c.Idle()
	c.Stopped()
	for range actors.All(c.System()) {
		c.State()
	}
}

// lifetimes are those in which a caller with these options may live.
var lifetimes = map[string]func(t *testing.T, system *actor.ActorSystem, opts ...props.Option) *actors.Caller{
	"Start": func(t *testing.T, system *actor.ActorSystem, opts ...props.Option) *actors.Caller {
		return start(t, system, opts...)
	},
	"Child": func(t *testing.T, system *actor.ActorSystem, opts ...props.Option) *actors.Caller {
		return child(t, start(t, system), on(t, opts)...)
	},
	"AsCaller": func(t *testing.T, system *actor.ActorSystem, opts ...props.Option) *actors.Caller {
		return adopted(t, system, nil, "gopher", puppet, opts)
	},
	"Run": func(t *testing.T, system *actor.ActorSystem, opts ...props.Option) *actors.Caller {
		c := runnable(t, system, opts...)
		go func() { _ = c.Run(context.Background()) }()
		result(t, actors.CallSoon(t.Context(), c, one))
		return c
	},
}

func TestPublicationThatPublishesWhenItIsClosed(t *testing.T) {
	for way, live := range lifetimes {
		t.Run(way, func(t *testing.T) {
			var c atomic.Pointer[actors.Caller]
			closed := make(chan error, 1)
			publisher := func(string) (props.Publication, error) {
				return &leaflet{
					publish: func(string) error { return nil },
					close: func() error {
						err := c.Load().Publish("news", []byte("farewell"))
						use(c.Load())
						closed <- err
						return nil
					},
				}, nil
			}
			c.Store(live(t, newSystem(t), props.Publisher(publisher)))
			require.NoError(t, c.Load().Publish("news", nil))
			require.NoError(t, c.Load().StopWait(t.Context()))
			require.ErrorIs(t, <-closed, pending.ErrStopped)
		})
	}
}

// callerHandler is a log handler that uses a caller.
type callerHandler struct {
	slog.Handler
	caller *atomic.Pointer[actors.Caller]
	hits   *atomic.Int64
}

func (h callerHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h callerHandler) Handle(context.Context, slog.Record) error {
	h.hits.Add(1)
	if c := h.caller.Load(); c != nil && h.hits.Load() < 10 { // it logs by that
		use(c)
	}
	return nil
}

func TestLogHandlerThatPublishesWhenItsCallerCloses(t *testing.T) {
	for way, live := range lifetimes {
		t.Run(way, func(t *testing.T) {
			h := callerHandler{slog.DiscardHandler, &atomic.Pointer[actors.Caller]{}, &atomic.Int64{}}
			p := &press{closeErr: errBoom}
			c := live(t, newSystem(t), props.Publisher(p.publisher), props.Logger(slog.New(h)))
			h.caller.Store(c)
			require.NoError(t, c.StopWait(t.Context()))
			assert.NotZero(t, h.hits.Load())
		})
	}
}

func TestLogHandlerMayUseItsCaller(t *testing.T) {
	for what, incident := range incidents {
		t.Run(what, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				h := callerHandler{slog.DiscardHandler, &atomic.Pointer[actors.Caller]{}, &atomic.Int64{}}
				opts := append([]props.Option{props.Logger(slog.New(h))}, incident.opts...)
				c := start(t, system, opts...)
				h.caller.Store(c)
				incident.do(t, c)
				require.NoError(t, c.StopWait(t.Context()))
				assert.NotZero(t, h.hits.Load())
			})
		})
	}
}

// The stop waits for the first, and the second must not wait for the stop.
func TestPublishWithinPublishDuringAStop(t *testing.T) {
	for way, live := range lifetimes {
		t.Run(way, func(t *testing.T) {
			var c *actors.Caller
			published, closed := make(chan struct{}), make(chan struct{})
			publisher := func(string) (props.Publication, error) {
				return &leaflet{
					publish: func(topic string) error {
						if topic == "inner" {
							return nil
						}
						close(published)
						for { // until the publication is about to be closed
							if err := c.Publish("inner", nil); err != nil {
								return err
							}
						}
					},
					close: func() error { close(closed); return nil },
				}, nil
			}
			c = live(t, newSystem(t), props.Publisher(publisher))
			outer := make(chan error, 1)
			go func() {
				outer <- c.Publish("outer", nil)
			}()
			<-published
			require.NoError(t, c.StopWait(t.Context()))
			require.ErrorIs(t, <-outer, pending.ErrStopped)
			<-closed
		})
	}
}

func TestPublishThatDoesNotReturnNormallyDoesNotHoldUpAStop(t *testing.T) {
	for way, mishap := range mishaps {
		t.Run(way, func(t *testing.T) {
			publisher := func(string) (props.Publication, error) {
				return &leaflet{func(string) error { mishap(); return nil }, func() error { return nil }}, nil
			}
			c := start(t, newSystem(t), props.Publisher(publisher))
			require.Error(t, failure(do(t.Context(), c, func(context.Context) { _ = c.Publish("news", nil) })))
			require.NoError(t, c.StopWait(t.Context()))
		})
	}
}

func TestPublisherMayUseTheCallersOfItsSystem(t *testing.T) {
	system := newSystem(t)
	var opened atomic.Int64
	require.NoError(t, actors.Defaults(system, props.Publisher(func(id string) (props.Publication, error) {
		opened.Add(1)
		c, ok := actors.Lookup(system, id)
		assert.True(t, ok)
		_ = c.String()
		same(t, c, actors.Main(system))
		actors.CallSoon(context.Background(), c, one)
		return &leaflet{func(string) error { return nil }, func() error {
			assert.NotNil(t, actors.Main(system))
			return nil
		}}, nil
	})))
	for range 2 {
		c := actors.Main(system)
		assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, one)))
		require.NoError(t, c.StopWait(t.Context(), actors.Force()))
	}
	assert.Equal(t, int64(2), opened.Load())
}

func TestHandlerOfAnEventMayUseTheCallerItIsAbout(t *testing.T) {
	for _, policy := range []supervision.Policy{supervision.Restart(), supervision.Stop(), supervision.Escalate()} {
		t.Run(policy.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				p := &press{}
				c := start(t, system, props.Supervision(policy), props.Publisher(p.publisher))
				var heard atomic.Int64
				system.EventStream.Subscribe(func(event any) {
					switch event.(type) {
					case supervision.Failed, supervision.Stopped, supervision.Restarted:
						heard.Add(1)
						use(c)
						c.Stop()
					}
				})
				require.ErrorIs(t, failure(actors.CallSoon(t.Context(), c, panics)), errBoom)
				<-c.Stopped()
				synctest.Wait() // events are published on a goroutine of their own
				assert.NotZero(t, heard.Load())
			})
		})
	}
}

// nosy is an error whose methods use a caller.
type nosy struct{ use func() }

func (n nosy) Error() string {
	n.use()
	return "nosy"
}

func (n nosy) Is(error) bool { n.use(); return false }

func (n nosy) Unwrap() error { n.use(); return nil }

func TestMethodsOfAnErrorMayUseTheCallerThatItStopped(t *testing.T) {
	for way, live := range lifetimes {
		if way == "Run" {
			continue // Run returns the error by itself
		}
		t.Run(way, func(t *testing.T) {
			c := live(t, newSystem(t), props.Supervision(supervision.Stop()), props.StopTimeout(0))
			q := actors.NewQueue(c, func(context.Context, int) error { return nil }, actors.QueueCapacity(1))
			e := nosy{func() {
				q.Len()
				c.Idle()
				_ = c.String()
			}}
			crash := actors.CallSoon(t.Context(), c, func(context.Context) (int, error) { panic(e) })
			var crashed *pending.PanicError
			require.ErrorAs(t, failure(crash), &crashed)
			<-c.Stopped()
			for _, err := range []error{
				q.Put(1), c.CallDirect(func() {}), failure(actors.CallSoon(t.Context(), c, one)),
				failure(actors.CallLater(t.Context(), c, time.Hour, one)), failure(actors.ToThread(t.Context(), c, one)),
				failure(actors.NewQueue(c, func(context.Context, int) error { return nil }).Pending()),
			} {
				require.ErrorIs(t, err, pending.ErrStopped)
			}
			assert.Equal(t, "pending: caller stopped: pending: panic: nosy", q.Put(1).Error())
			assert.ErrorAs(t, q.Put(1), &crashed)
		})
	}
}

// A function that was abandoned learns why when it waits again.
func TestMethodsOfAnErrorMayUseTheCallerThatHasAbandonedTheFunction(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.Supervision(supervision.Stop()), props.StopTimeout(time.Second))
		e := nosy{func() { c.Idle(); _ = c.String() }}
		ended := make(chan error, 1)
		do(t.Context(), c, func(ctx context.Context) {
			_ = actors.Sleep(ctx, time.Minute)
			time.Sleep(time.Minute) // it is abandoned
			ended <- actors.Sleep(context.WithoutCancel(ctx), time.Minute)
		})
		crash := actors.CallSoon(t.Context(), c, func(context.Context) (int, error) { panic(e) })
		require.Error(t, failure(crash))
		require.ErrorIs(t, <-ended, pending.ErrStopped)
		<-c.Stopped()
	})
}

// meterProvider is one whose meters call a function when a callback is registered.
type meterProvider struct {
	noop.MeterProvider
	registering func()
	mu          sync.Mutex
	open        int
}

func (p *meterProvider) Meter(string, ...metric.MeterOption) metric.Meter { return meter{provider: p} }

type meter struct {
	noop.Meter
	provider *meterProvider
}

func (m meter) RegisterCallback(metric.Callback, ...metric.Observable) (metric.Registration, error) {
	m.provider.registering()
	m.provider.mu.Lock()
	defer m.provider.mu.Unlock()
	m.provider.open++
	return registration{provider: m.provider}, nil
}

type registration struct {
	noop.Registration
	provider *meterProvider
}

func (r registration) Unregister() error {
	r.provider.registering()
	r.provider.mu.Lock()
	defer r.provider.mu.Unlock()
	r.provider.open--
	return nil
}

func TestMeterProviderMayUseTheCallersOfTheSystem(t *testing.T) {
	system := newSystem(t)
	p := &meterProvider{}
	var tel *telemetry.Telemetry
	depth := 0
	p.registering = func() {
		if depth++; depth < 3 {
			c, err := actors.Start(system, props.Telemetry(tel))
			assert.NoError(t, err)
			assert.NoError(t, c.StopWait(context.Background()))
		}
	}
	tel = telemetry.New(telemetry.MeterProvider(p))
	c, err := actors.Start(system, props.Telemetry(tel))
	require.NoError(t, err)
	depth = 0
	require.NoError(t, c.StopWait(t.Context()))
	p.mu.Lock()
	defer p.mu.Unlock()
	assert.Zero(t, p.open, "nothing is left")
}
