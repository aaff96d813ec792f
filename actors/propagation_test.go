package actors_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// spawned returns an actor that is stopped when the test ends.
func spawned(tb testing.TB, system *actor.ActorSystem, props *actor.Props) *actor.PID {
	tb.Helper()
	pid := system.Root.Spawn(props)
	tb.Cleanup(func() { require.NoError(tb, system.Root.StopFuture(pid).Wait()) })
	return pid
}

type (
	inquiry struct{}
	reply   struct{}
)

// under runs a function under a span of the name root.
func under(t *testing.T, spans *tracetest.Recorder, fn func(ctx context.Context)) {
	t.Helper()
	ctx, root := spans.Tracer().Start(t.Context(), "root")
	defer root.End()
	fn(ctx)
}

func TestOneTraceFromAnHTTPHandlerToACallerAnActorAWorkerAndBack(t *testing.T) {
	spans := tracetest.NewRecorder()
	tel := spans.Telemetry()
	t.Run("", func(t *testing.T) {
		system := newSystem(t)
		c := start(t, system, props.Name("c"), props.Telemetry(tel))
		plain := spawned(t, system, actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*inquiry); !ok {
				return
			}
			work := actors.ToThread(telemetry.ContextOf(ctx), c, func(ctx context.Context) (*reply, error) {
				return actors.Schedule(ctx, c, returns(&reply{}), actors.Named("back")).Wait(ctx)
			})
			assert.NoError(t, actors.PipeTo(work, ctx.Sender()))
		}, tel.Traced()))
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, span := spans.Tracer().Start(r.Context(), "handler", trace.WithSpanKind(trace.SpanKindServer))
			defer span.End()
			_, err := actors.Schedule(ctx, c, func(ctx context.Context) (*reply, error) {
				return actors.Request[*reply](ctx, system, plain, &inquiry{}).Wait(ctx)
			}, actors.Named("ask")).Wait(ctx)
			assert.NoError(t, err)
		}))
		defer server.Close()
		response, err := server.Client().Get(server.URL)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	})

	spans.AssertTree(t, `
		handler server
		  ask
		    request {id} client
		      receive {id} server
		        actors_test.TestOneTraceFromAnHTTPHandlerToACallerAnActorAWorkerAndBack.func1.1.1
		          back
	`)
}

func TestARequestOutsideOfCallersIsTracedWithATelemetryInItsContext(t *testing.T) {
	spans := tracetest.NewRecorder()
	tel := spans.Telemetry()
	t.Run("", func(t *testing.T) {
		system := newSystem(t)
		pid := spawned(t, system, actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*inquiry); ok {
				ctx.Respond(&reply{})
			}
		}, tel.Traced()))
		under(t, spans, func(ctx context.Context) {
			_, err := actors.Request[*reply](tel.NewContext(ctx), system, pid, &inquiry{}).Wait(ctx)
			require.NoError(t, err)
		})
	})

	spans.AssertTree(t, `
		root
		  request {id} client
		    receive {id} server
	`)
}

func TestARequestInReceiveIsTraced(t *testing.T) {
	spans := tracetest.NewRecorder()
	tel := spans.Telemetry()
	t.Run("", func(t *testing.T) {
		system := newSystem(t)
		last := spawned(t, system, actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*inquiry); ok {
				ctx.Respond(&reply{})
			}
		}, tel.Traced()))
		first := spawned(t, system, actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*inquiry); ok {
				p := actors.Request[*reply](telemetry.ContextOf(ctx), system, last, ctx.Message())
				assert.NoError(t, actors.PipeTo(p, ctx.Sender()))
			}
		}, tel.Traced()))
		under(t, spans, func(ctx context.Context) {
			_, err := actors.Request[*reply](tel.NewContext(ctx), system, first, &inquiry{}).Wait(ctx)
			require.NoError(t, err)
		})
	})

	spans.AssertTree(t, `
		root
		  request {id} client
		    receive {id} server
		      request {id} client
		        receive {id} server
	`)
}

func TestAFailedRequestIsSeen(t *testing.T) {
	spans := tracetest.NewRecorder()
	system := newSystem(t)
	under(t, spans, func(ctx context.Context) {
		ctx = spans.Telemetry().NewContext(ctx)
		_, err := actors.Request[*reply](ctx, system, system.NewLocalPID("nobody"), &inquiry{}).Wait(ctx)
		require.ErrorIs(t, err, actor.ErrDeadLetter)
		silent := spawned(t, system, actor.PropsFromFunc(func(actor.Context) {}))
		_, err = actors.Request[*reply](ctx, system, silent, &reply{}).Wait(ctx, pending.Timeout(0))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})

	spans.AssertTree(t, `
		root
		  request nobody client error "actors: request *actors_test.inquiry to nobody: future: dead letter"
		  request {id} client cancelled
	`)
}

func TestAPipedResultCarriesItsTrace(t *testing.T) {
	spans := tracetest.NewRecorder()
	tel := spans.Telemetry()
	t.Run("", func(t *testing.T) {
		system := newSystem(t)
		c := start(t, system, props.Telemetry(tel))
		received := make(chan any, 2)
		sink := actor.PropsFromFunc(func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case *reply, error:
				received <- ctx.Message()
			}
		}, tel.Traced())
		a, b := spawned(t, system, sink), spawned(t, system, sink)
		under(t, spans, func(ctx context.Context) {
			p := actors.Schedule(ctx, c, returns(&reply{}), actors.Named("work"))
			require.NoError(t, actors.PipeTo(p, a, b))
			assert.Equal(t, &reply{}, <-received)
			assert.Equal(t, &reply{}, <-received)
		})
	})

	spans.AssertTree(t, `
		root
		  work
		    receive {id} consumer
		    receive {id} consumer
	`)
}

func TestInvocationsAreTracedThroughRouters(t *testing.T) {
	for _, test := range []struct {
		name   string
		copies int
		router func(routees ...*actor.PID) *actor.Props
	}{
		{"round robin", 1, router.NewRoundRobinGroup},
		{"broadcast", 2, router.NewBroadcastGroup},
	} {
		t.Run(test.name, func(t *testing.T) {
			spans := tracetest.NewRecorder()
			tel := spans.Telemetry()
			t.Run("", func(t *testing.T) {
				system := newSystem(t)
				a, b := start(t, system, props.Telemetry(tel)), start(t, system, props.Telemetry(tel))
				pid := system.Root.Spawn(test.router(a.PID(), b.PID()))
				defer func() { require.NoError(t, system.Root.PoisonFuture(pid).Wait()) }()
				called := make(chan trace.TraceID, test.copies)
				under(t, spans, func(ctx context.Context) {
					tel.Root(ctx, system.Root).Send(pid, actors.Invoke(func(ctx context.Context) (int, error) {
						called <- trace.SpanContextFromContext(ctx).TraceID()
						return 0, nil
					}))
					for range test.copies {
						assert.Equal(t, trace.SpanContextFromContext(ctx).TraceID(), <-called)
					}
				})
			})

			want := "root\n  send {id} producer\n"
			for range test.copies {
				want += "    actors_test.TestInvocationsAreTracedThroughRouters.func1.1.2.1\n"
			}
			spans.AssertTree(t, want)
		})
	}
}

func TestAnAdoptedActorIsPartOfTheTraceInBothWays(t *testing.T) {
	spans := tracetest.NewRecorder()
	tel := spans.Telemetry()
	t.Run("", func(t *testing.T) {
		system := newSystem(t)
		asCaller, err := actors.AsCaller(props.Telemetry(tel))
		require.NoError(t, err)
		pid := spawned(t, system, actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*inquiry); !ok {
				return
			}
			self, ok := actors.Of(ctx)
			require.True(t, ok)
			p := actors.Schedule(telemetry.ContextOf(ctx), self, returns(&reply{}), actors.Named("function"))
			assert.NoError(t, actors.PipeTo(p, ctx.Sender()))
		}, asCaller, tel.Traced()))
		self, ok := actors.Lookup(system, pid.GetId())
		require.True(t, ok)
		under(t, spans, func(ctx context.Context) {
			_, err := actors.Schedule(ctx, self, func(ctx context.Context) (*reply, error) {
				return actors.Request[*reply](ctx, system, pid, &inquiry{}).Wait(ctx)
			}, actors.Named("ask itself")).Wait(ctx)
			require.NoError(t, err)
		})
	})

	spans.AssertTree(t, `
		root
		  ask itself
		    request {id} client
		      receive {id} server
		        function
	`)
}

func TestTracesOfManyAtOnceDoNotMix(t *testing.T) {
	traces := fewer(t, 1000)
	spans := tracetest.NewRecorder()
	tel := spans.Telemetry()
	t.Run("", func(t *testing.T) {
		system := newSystem(t)
		c := start(t, system, props.Telemetry(tel))
		pid := spawned(t, system, actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*inquiry); ok {
				p := actors.Schedule(telemetry.ContextOf(ctx), c, returns(&reply{}), actors.Named("back"))
				assert.NoError(t, actors.PipeTo(p, ctx.Sender()))
			}
		}, tel.Traced()))
		var open []*pending.Pending[*reply]
		for range traces {
			under(t, spans, func(ctx context.Context) {
				open = append(open, actors.Schedule(ctx, c, func(ctx context.Context) (*reply, error) {
					return actors.Request[*reply](ctx, system, pid, &inquiry{}).Wait(ctx)
				}, actors.Named("ask")))
			})
		}
		for _, p := range open {
			_, err := p.Wait(t.Context())
			require.NoError(t, err)
		}
	})

	names := make(map[trace.TraceID][]string)
	for _, span := range spans.Spans() {
		id := span.SpanContext().TraceID()
		names[id] = append(names[id], span.Name())
		assert.Equal(t, codes.Unset, span.Status().Code)
	}
	require.Len(t, names, traces)
	for _, of := range names {
		assert.ElementsMatch(t, []string{
			"root", "ask", "request {id}", "receive {id}", "back",
		}, of)
	}
}
