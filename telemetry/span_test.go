package telemetry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

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
			  job
		`},
		"CallSoon, with the name of the function": {func(t *testing.T, s *scene) {
			_, err := actors.CallSoon(s.ctx, s.caller, nothing).Wait(s.ctx)
			require.NoError(t, err)
		}, `
			root
			  telemetry_test.nothing
		`},
		"CallSoon in a function": {func(t *testing.T, s *scene) {
			_, err := s.call(s.ctx, "outer", func(ctx context.Context) error {
				_, err := s.call(ctx, "inner", asleep).Wait(ctx)
				return err
			}).Wait(s.ctx)
			require.NoError(t, err)
		}, `
			root
			  outer [suspended: inner, resumed]
			    inner [suspended: actors.Sleep, resumed]
		`},
		"CallLater": {func(t *testing.T, s *scene) {
			_, err := actors.CallLater(s.ctx, s.caller, time.Hour, nothing).Wait(s.ctx)
			require.NoError(t, err)
		}, `
			root
			  telemetry_test.nothing
		`},
		"ToThread": {func(t *testing.T, s *scene) {
			_, err := actors.ToThread(s.ctx, s.caller, nothing).Wait(s.ctx)
			require.NoError(t, err)
		}, `
			root
			  telemetry_test.nothing
		`},
		"CallUsing": {func(t *testing.T, s *scene) {
			_, err := actors.CallUsing(s.ctx, s.caller, props.Thread, nap).Wait(s.ctx)
			require.NoError(t, err)
			assert.Equal(t, "CallUsing", attributesOf(s.one(t, "telemetry_test.nap"))["protocaller.method"])
		}, `
			root
			  telemetry_test.nap [suspended: actors.Sleep, resumed]
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
			  outer [suspended: request *telemetry_test.ping, resumed]
			    request {id} client
		`},
		"Invoke": {func(t *testing.T, s *scene) {
			_, err := s.call(s.ctx, "outer", func(ctx context.Context) error {
				_, err := actors.Request[int](ctx, s.system, s.caller.PID(), actors.Invoke(nothing)).Wait(ctx)
				return err
			}).Wait(s.ctx)
			require.NoError(t, err)
		}, `
			root
			  outer [suspended: request *actors.invocation, resumed]
			    request callers/it client
			      telemetry_test.nothing
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
			lines error "boom" linked to put [exception: boom]
			lines linked to put [suspended: below, resumed]
			  below [suspended: actors.Sleep, resumed]
			root
			  put
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
			lines cancelled [suspended: actors.Sleep, cancel requested: actors: queue closed, resumed]
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
			    bad error "boom" [exception: boom]
			    good cancelled [suspended: actors.Sleep, cancel requested: boom, resumed]
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
			  outer [suspended: pending.Group, resumed]
			    pending.Group
			      member [suspended: actors.Sleep, resumed]
		`},
		"a loop, if asked for": {func(t *testing.T, s *scene) {
			jobs := []*pending.Pending[any]{s.call(s.ctx, "a", asleep), s.call(s.ctx, "b", asleep)}
			for _, err := range pending.AsCompletedOf(s.ctx, jobs, pending.LoopObservedBy(s.telemetry.Named("loop"))) {
				require.NoError(t, err)
			}
		}, `
			root
			  a [suspended: actors.Sleep, resumed]
			  b [suspended: actors.Sleep, resumed]
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
			  telemetry_test.nothing
		`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { play(t, tt.want, tt.do) })
	}
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
