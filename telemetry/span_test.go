package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

var errBoom = errors.New("boom")

// scene is a caller that is recorded, and a root span to be under.
type scene struct {
	*tracetest.Recorder
	telemetry *telemetry.Telemetry
	system    *actor.ActorSystem
	caller    *actors.Caller
	ctx       context.Context
	root      api.Span
}

// play runs a test with a scene in a bubble of testing/synctest, and compares
// the spans with a tree when the caller has stopped.
func play(t *testing.T, want string, test func(t *testing.T, s *scene), opts ...props.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, opts...)
		test(t, s)
		s.close(t)
		s.AssertTree(t, want, tracetest.Events())
		assert.Empty(t, s.Open())
	})
}

func newScene(t *testing.T, opts ...props.Option) *scene {
	t.Helper()
	s := &scene{Recorder: tracetest.NewRecorder(), system: newSystem()}
	s.telemetry = s.Telemetry()
	s.ctx, s.root = s.Tracer().Start(context.Background(), "root")
	var err error
	s.caller, err = actors.Start(s.system, append(opts, props.Name("it"), props.Telemetry(s.telemetry))...)
	require.NoError(t, err)
	return s
}

func (s *scene) close(t *testing.T) {
	t.Helper()
	s.root.End()
	require.NoError(t, s.caller.StopWait(context.Background()))
	time.Sleep(time.Second) // of virtual time, for the throttle of the dead letters
}

// call schedules a function that has no result under a name.
func (s *scene) call(ctx context.Context, name string, fn func(context.Context) error) *pending.Pending[any] {
	return actors.Schedule(ctx, s.caller, func(ctx context.Context) (any, error) { return nil, fn(ctx) }, actors.Named(name))
}

func nothing(context.Context) (int, error) { return 1, nil }

func asleep(ctx context.Context) error { return actors.Sleep(ctx, time.Minute) }

func TestEachKindOfCallHasASpan(t *testing.T) {
	tests := map[string]struct {
		do   func(t *testing.T, s *scene)
		want string
	}{
		"Schedule": {func(t *testing.T, s *scene) {
			_, err := s.call(s.ctx, "job", func(context.Context) error { return nil }).Wait(s.ctx)
			require.NoError(t, err)
		}, `
			root
			  job [started]
		`},
		"CallSoon, with the name of the function": {func(t *testing.T, s *scene) {
			_, err := actors.CallSoon(s.ctx, s.caller, nothing).Wait(s.ctx)
			require.NoError(t, err)
		}, `
			root
			  telemetry_test.nothing [started]
		`},
		"CallSoon in a function": {func(t *testing.T, s *scene) {
			_, err := s.call(s.ctx, "outer", func(ctx context.Context) error {
				_, err := s.call(ctx, "inner", asleep).Wait(ctx)
				return err
			}).Wait(s.ctx)
			require.NoError(t, err)
		}, `
			root
			  outer [started, suspended: inner, resumed]
			    inner [started, suspended: actors.Sleep, resumed]
		`},
		"CallLater": {func(t *testing.T, s *scene) {
			_, err := actors.CallLater(s.ctx, s.caller, time.Hour, nothing).Wait(s.ctx)
			require.NoError(t, err)
		}, `
			root
			  telemetry_test.nothing [started]
		`},
		"ToThread": {func(t *testing.T, s *scene) {
			_, err := actors.ToThread(s.ctx, s.caller, nothing).Wait(s.ctx)
			require.NoError(t, err)
		}, `
			root
			  telemetry_test.nothing [started]
		`},
		"Request": {func(t *testing.T, s *scene) {
			pid := s.system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(*ping); ok {
					time.Sleep(time.Second) // so that there is something to wait for
					ctx.Respond(&pong{})
				}
			}))
			defer func() { require.NoError(t, s.system.Root.StopFuture(pid).Wait()) }()
			_, err := s.call(s.ctx, "outer", func(ctx context.Context) error {
				_, err := actors.Request[*pong](ctx, s.system, pid, &ping{}).Wait(ctx)
				return err
			}).Wait(s.ctx)
			require.NoError(t, err)
		}, `
			root
			  outer [started, suspended: request *telemetry_test.ping, resumed]
			    request *telemetry_test.ping client
		`},
		"Invoke": {func(t *testing.T, s *scene) {
			_, err := s.call(s.ctx, "outer", func(ctx context.Context) error {
				_, err := actors.Request[int](ctx, s.system, s.caller.PID(), actors.Invoke(nothing)).Wait(ctx)
				return err
			}).Wait(s.ctx)
			require.NoError(t, err)
		}, `
			root
			  outer [started, suspended: request *actors.invocation, resumed]
			    request *actors.invocation client
			      telemetry_test.nothing [started]
		`},
		"items of a queue": {func(t *testing.T, s *scene) {
			q := actors.NewQueue(s.caller, func(ctx context.Context, n int) error {
				if n == 2 {
					return errBoom
				}
				_, err := s.call(ctx, "below", asleep).Wait(ctx)
				return err
			}, actors.QueueName("lines"))
			_, err := s.call(s.ctx, "put", func(ctx context.Context) error {
				return errors.Join(q.PutContext(ctx, 1), q.PutWait(ctx, 2))
			}).Wait(s.ctx)
			require.NoError(t, err)
			require.NoError(t, q.CloseWait(s.ctx))
		}, `
			lines error "boom" linked to put [started, exception: boom]
			lines linked to put [started, suspended: below, resumed]
			  below [started, suspended: actors.Sleep, resumed]
			root
			  put [started]
		`},
		"items that a close drops": {func(t *testing.T, s *scene) {
			q := actors.NewQueue(s.caller, func(ctx context.Context, n int) error { return asleep(ctx) }, actors.QueueName("lines"))
			for n := range 2 {
				require.NoError(t, q.Put(n))
			}
			synctest.Wait()
			q.Close()
			synctest.Wait()
		}, `
			lines cancelled
			lines cancelled [started, suspended: actors.Sleep, cancel requested: actors: queue closed, resumed]
			root
		`},
		"a pending of one's own": {func(t *testing.T, s *scene) {
			p := pending.New[int](s.ctx, pending.Named("own"), pending.ObservedBy(s.telemetry))
			p.SetError(errBoom)
		}, `
			root
			  own error "boom" [exception: boom]
		`},
		"a group, if asked for": {func(t *testing.T, s *scene) {
			assert.ErrorIs(t, pending.Run(s.ctx, func(ctx context.Context) error {
				s.call(ctx, "good", asleep)
				s.call(ctx, "bad", func(context.Context) error { return errBoom })
				return nil
			}, pending.WithObserver(s.telemetry.Named("both"))), errBoom)
		}, `
			root
			  both error "pending: group: boom" [cancel requested: boom, exception: pending: group: boom]
			    bad error "boom" [started, exception: boom]
			    good cancelled [started, suspended: actors.Sleep, cancel requested: boom, resumed]
		`},
		"a group in a function": {func(t *testing.T, s *scene) {
			_, err := s.call(s.ctx, "outer", func(ctx context.Context) error {
				return pending.Run(ctx, func(ctx context.Context) error {
					s.call(ctx, "member", asleep)
					return nil
				}, pending.WithObserver(s.telemetry))
			}).Wait(s.ctx)
			require.NoError(t, err)
		}, `
			root
			  outer [started, suspended: pending.Group, resumed]
			    pending.Group
			      member [started, suspended: actors.Sleep, resumed]
		`},
		"a loop, if asked for": {func(t *testing.T, s *scene) {
			jobs := []*pending.Pending[any]{s.call(s.ctx, "a", asleep), s.call(s.ctx, "b", asleep)}
			for _, err := range pending.AsCompletedOf(s.ctx, jobs, pending.LoopObservedBy(s.telemetry.Named("loop"))) {
				require.NoError(t, err)
			}
		}, `
			root
			  a [started, suspended: actors.Sleep, resumed]
			  b [started, suspended: actors.Sleep, resumed]
			  loop
		`},
		"no span without telemetry": {func(t *testing.T, s *scene) {
			child, err := s.caller.Child(props.Telemetry(nil))
			require.NoError(t, err)
			_, err = actors.CallSoon(s.ctx, child, nothing).Wait(s.ctx)
			require.NoError(t, err)
		}, `
			root
		`},
		"telemetry is inherited": {func(t *testing.T, s *scene) {
			child, err := s.caller.Child()
			require.NoError(t, err)
			_, err = actors.CallSoon(s.ctx, child, nothing).Wait(s.ctx)
			require.NoError(t, err)
		}, `
			root
			  telemetry_test.nothing [started]
		`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { play(t, tt.want, tt.do) })
	}
}

func TestSpanSaysWhyItEnded(t *testing.T) {
	tests := map[string]struct {
		do   func(t *testing.T, s *scene)
		want string
		opts []props.Option
	}{
		"an error": {do: func(t *testing.T, s *scene) {
			_, err := s.call(s.ctx, "job", func(context.Context) error { return errBoom }).Wait(s.ctx)
			require.ErrorIs(t, err, errBoom)
		}, want: `
			root
			  job error "boom" [started, exception: boom]
		`},
		"a panic": {do: func(t *testing.T, s *scene) {
			_, err := s.call(s.ctx, "job", func(context.Context) error { panic(errBoom) }).Wait(s.ctx)
			require.ErrorIs(t, err, errBoom)
		}, want: `
			root
			  job panic "pending: panic: boom" [started, exception: pending: panic: boom]
		`},
		"the end of its goroutine": {do: func(t *testing.T, s *scene) {
			_, err := s.call(s.ctx, "job", func(context.Context) error { runtime.Goexit(); return nil }).Wait(s.ctx)
			require.ErrorIs(t, err, pending.ErrCancelled)
		}, want: `
			root
			  job cancelled [started]
		`},
		"a cancel while it was queued": {do: func(t *testing.T, s *scene) {
			s.call(s.ctx, "first", func(context.Context) error {
				s.call(s.ctx, "job", asleep).Cancel(errBoom)
				return nil
			})
			synctest.Wait()
		}, want: `
			root
			  first [started]
			  job cancelled [cancel requested: boom]
		`},
		"a cancel while it waited": {do: func(t *testing.T, s *scene) {
			p := s.call(s.ctx, "job", asleep)
			synctest.Wait()
			p.Cancel(nil)
			p.Cancel(errBoom)
			synctest.Wait()
		}, want: `
			root
			  job cancelled [started, suspended: actors.Sleep, cancel requested, cancel requested: boom, resumed]
		`},
		"a stop": {do: func(t *testing.T, s *scene) {
			s.call(s.ctx, "waiting", asleep)
			synctest.Wait()
			s.call(s.ctx, "running", func(context.Context) error {
				s.call(s.ctx, "queued", asleep)
				actors.CallLater(s.ctx, s.caller, time.Hour, nothing)
				s.caller.Stop()
				return nil
			})
			synctest.Wait()
			s.call(s.ctx, "late", asleep)
		}, want: `
			root
			  late cancelled
			  queued cancelled [cancel requested: pending: caller stopped]
			  running [started]
			  telemetry_test.nothing cancelled [cancel requested: pending: caller stopped]
			  waiting cancelled [started, suspended: actors.Sleep, resumed]
		`},
		"a restart": {do: func(t *testing.T, s *scene) {
			s.call(s.ctx, "waiting", asleep)
			synctest.Wait()
			s.call(s.ctx, "crash", func(context.Context) error {
				s.call(s.ctx, "queued", func(context.Context) error { return nil })
				panic(errBoom)
			})
			synctest.Wait()
		}, want: `
			root
			  crash panic "pending: panic: boom" [started, exception: pending: panic: boom]
			  queued [started]
			  waiting cancelled [started, suspended: actors.Sleep, cancel requested: pending: panic: boom, resumed]
		`, opts: []props.Option{props.Supervision(supervision.Restart())}},
		"being abandoned": {do: func(t *testing.T, s *scene) {
			free := make(chan struct{})
			s.call(s.ctx, "stuck", func(context.Context) error {
				<-free
				return nil
			})
			synctest.Wait()
			s.caller.Stop()
			<-s.caller.Stopped()
			close(free)
			synctest.Wait()
		}, want: `
			root
			  stuck cancelled [started, cancel requested: pending: caller stopped]
		`, opts: []props.Option{props.StopTimeout(time.Second)}},
		"a turn that lasts long, which is no end": {do: func(t *testing.T, s *scene) {
			s.call(s.ctx, "slow", func(context.Context) error { time.Sleep(time.Minute); return nil })
			time.Sleep(time.Hour)
		}, want: `
			root
			  slow [started, turn lasts long]
		`, opts: []props.Option{props.TurnWarning(time.Second)}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { play(t, tt.want, tt.do, tt.opts...) })
	}
}

func TestDelayedCallIsNoChildOfASpanThatHasEnded(t *testing.T) {
	tests := map[string]struct {
		do   func(t *testing.T, s *scene)
		want string
	}{
		"it is linked": {func(t *testing.T, s *scene) {
			s.call(s.ctx, "job", func(ctx context.Context) error {
				actors.CallLater(ctx, s.caller, time.Hour, func(ctx context.Context) (any, error) {
					return s.call(ctx, "below", asleep).Wait(ctx)
				})
				return nil
			})
			time.Sleep(3 * time.Hour)
		}, `
			root
			  job [started]
			telemetry_test.TestDelayedCallIsNoChildOfASpanThatHasEnded.func1.1.1 linked to job [started, suspended: below, resumed]
			  below [started, suspended: actors.Sleep, resumed]
		`},
		"it is a child of one that is open": {func(t *testing.T, s *scene) {
			_, err := s.call(s.ctx, "job", func(ctx context.Context) error {
				_, err := actors.Schedule(ctx, s.caller, nothing, actors.Delay(time.Hour), actors.Named("later")).Wait(ctx)
				return err
			}).Wait(s.ctx)
			require.NoError(t, err)
		}, `
			root
			  job [started, suspended: later, resumed]
			    later [started]
		`},
		"cancelled in time it is a moment": {func(t *testing.T, s *scene) {
			actors.Schedule(s.ctx, s.caller, nothing, actors.Delay(time.Hour), actors.Named("later")).Cancel(errBoom)
		}, `
			root
			  later cancelled [cancel requested: boom]
		`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { play(t, tt.want, tt.do) })
	}
}

// one returns the only span of that name.
func (s *scene) one(t *testing.T, name string) sdk.ReadOnlySpan {
	t.Helper()
	var found []sdk.ReadOnlySpan
	for _, span := range s.Spans() {
		if span.Name() == name {
			found = append(found, span)
		}
	}
	require.Len(t, found, 1)
	return found[0]
}

func TestTimesOfASpanAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.call(s.ctx, "first", func(context.Context) error { time.Sleep(2 * time.Second); return nil })
		s.call(s.ctx, "job", func(ctx context.Context) error {
			time.Sleep(time.Second)
			return actors.Sleep(ctx, 4*time.Second)
		})
		actors.Schedule(s.ctx, s.caller, nothing, actors.Named("later"), actors.Delay(time.Minute))
		gone := actors.Schedule(s.ctx, s.caller, nothing, actors.Named("gone"))
		time.Sleep(time.Second)
		gone.Cancel(errBoom)
		time.Sleep(time.Hour)
		s.close(t)

		job := s.one(t, "job")
		assert.Equal(t, 7*time.Second, job.EndTime().Sub(job.StartTime()))
		assert.Equal(t, map[attribute.Key]string{
			"protocaller.method": "Schedule", "protocaller.caller.id": "callers/it", "protocaller.caller.name": "it",
			"protocaller.queue.duration": "2", "protocaller.run.duration": "5", "protocaller.wait.duration": "4",
			"code.function.name": "github.com/seed-7fcaac1b/protocaller/telemetry_test.(*scene).call.func1",
		}, attributesOf(job))
		later := s.one(t, "later")
		assert.Equal(t, "60", attributesOf(later)["protocaller.delay"])
		assert.Equal(t, time.Minute, later.StartTime().Sub(job.StartTime()), "the delay is before the span")
		never := attributesOf(s.one(t, "gone"))
		assert.Equal(t, "1", never["protocaller.queue.duration"])
		assert.NotContains(t, never, attribute.Key("protocaller.run.duration"))
		assert.Equal(t, "cancelled", never["protocaller.outcome"])
		assert.Contains(t, never["protocaller.cause"], "boom")
	})
}

func TestSpanOfAWorkersFunctionSaysWhichWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		worker, err := actors.ToThread(s.ctx, s.caller, func(ctx context.Context) (string, error) {
			c, _ := actors.Current(ctx)
			return c.ID(), nil
		}).Wait(s.ctx)
		require.NoError(t, err)
		s.close(t)
		a := attributesOf(s.Spans()[0])
		assert.Equal(t, worker, a["protocaller.worker.id"])
		assert.Equal(t, "callers/it", a["protocaller.caller.id"])
		assert.Equal(t, "ToThread", a["protocaller.method"])
	})
}

func TestPanicIsAnExceptionWithItsStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		s.call(s.ctx, "job", func(context.Context) error { panic("bang") })
		synctest.Wait()
		s.close(t)
		job := s.one(t, "job")
		assert.Equal(t, codes.Error, job.Status().Code)
		assert.NotEmpty(t, attributesOf(job)["error.type"])
		event := job.Events()[len(job.Events())-1]
		assert.Equal(t, "exception", event.Name)
		stack := ""
		for _, a := range event.Attributes {
			if a.Key == "exception.stacktrace" {
				stack = a.Value.AsString()
			}
		}
		assert.Contains(t, stack, "TestPanicIsAnExceptionWithItsStack")
	})
}

func TestTracesNeverMix(t *testing.T) {
	const traces = 1000
	s := newScene(t)
	s.root.End()
	other, err := actors.Start(s.system, props.Name("other"), props.Telemetry(s.telemetry))
	require.NoError(t, err)
	queue := actors.NewQueue(other, func(ctx context.Context, n int) error {
		_, err := actors.Schedule(ctx, s.caller, nothing, actors.Named(fmt.Sprint("queued ", n))).Wait(ctx)
		return err
	}, actors.QueueName("items"))

	one := func(n int) error {
		named := func(what string) actors.CallOption { return actors.Named(fmt.Sprint(what, " ", n)) }
		ctx, root := s.Tracer().Start(context.Background(), fmt.Sprint("root ", n))
		defer root.End()
		_, err := actors.Schedule(ctx, s.caller, func(ctx context.Context) (any, error) {
			deep := actors.Schedule(ctx, other, func(ctx context.Context) (any, error) {
				return actors.Schedule(ctx, s.caller, nothing, named("later"), actors.Delay(time.Microsecond)).Wait(ctx)
			}, named("other"))
			if err := queue.PutContext(ctx, n); err != nil {
				return nil, err
			}
			if _, err := actors.Request[int](ctx, s.system, other.PID(), actors.Invoke(nothing)).Wait(ctx); err != nil {
				return nil, err
			}
			if _, err := actors.ToThread(ctx, s.caller, nothing).Wait(ctx); err != nil {
				return nil, err
			}
			return deep.Wait(ctx)
		}, named("main")).Wait(ctx)
		return err
	}
	var wg sync.WaitGroup
	for n := range traces {
		wg.Go(func() { assert.NoError(t, one(n)) })
	}
	wg.Wait()
	require.NoError(t, queue.CloseWait(context.Background()))
	require.NoError(t, other.StopWait(context.Background()))
	require.NoError(t, s.caller.StopWait(context.Background()))
	assert.Empty(t, s.Open())

	byTrace := make(map[api.TraceID][]sdk.ReadOnlySpan)
	for _, span := range s.Spans() {
		id := span.SpanContext().TraceID()
		byTrace[id] = append(byTrace[id], span)
	}
	want := make(map[string]int)
	for n := range traces {
		want[fmt.Sprintf("root %[1]d\n"+
			"  main %[1]d\n"+
			"    other %[1]d\n"+
			"      later %[1]d\n"+
			"    request *actors.invocation client\n"+
			"      telemetry_test.nothing\n"+
			"    telemetry_test.nothing\n", n)]++
		want[fmt.Sprintf("items linked to elsewhere\n  queued %d\n", n)]++
	}
	want["root\n"]++
	got := make(map[string]int)
	for _, spans := range byTrace {
		got[tracetest.Tree(spans)]++
	}
	if !assert.Len(t, got, len(want)) {
		return
	}
	for tree, n := range want {
		require.Equal(t, n, got[tree], "%s", tree)
	}
}
