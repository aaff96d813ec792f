package telemetry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

func handle(ctx context.Context, _ int) error { return actors.Sleep(ctx, 2*time.Second) }

func TestItemOfAQueueHasTimesAndAFunctionLikeACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t)
		q := actors.NewQueue(s.caller, handle, actors.QueueName("lines"))
		require.NoError(t, errors.Join(q.Put(1), q.Put(2), q.CloseWait(s.ctx)))
		s.close(t)
		spans := s.Spans()
		require.Len(t, spans, 3)
		last := attributesOf(spans[1])
		assert.Equal(t, map[attribute.Key]string{
			"protocaller.method": "Put", "protocaller.caller.id": "callers/it", "protocaller.caller.name": "it",
			"protocaller.queue.duration": "2", "protocaller.run.duration": "2", "protocaller.wait.duration": "2",
			"code.function.name": "github.com/seed-7fcaac1b/protocaller/telemetry_test.handle",
		}, last)
	})
}

// slowHost is a loop that runs nothing while it is held.
type slowHost struct {
	posted chan func()
	idle   chan struct{} // a lock: testing/synctest waits for no mutex
}

// Name implements [props.Host].
func (*slowHost) Name() string { return "slow" }

// Post implements [props.Host].
func (h *slowHost) Post(fn func()) { h.posted <- fn }

func (h *slowHost) run() {
	for fn := range h.posted {
		<-h.idle
		fn()
		h.idle <- struct{}{}
	}
}

func TestItemThatWasTakenJustBeforeAStopEndsLikeAnyOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, r := newMeters(), tracetest.NewRecorder()
		h := &slowHost{posted: make(chan func(), 10), idle: make(chan struct{}, 1)}
		h.idle <- struct{}{}
		go h.run()
		c, err := actors.Start(newSystem(), props.Telemetry(r.Telemetry(telemetry.MeterProvider(m))), props.HostedBy(h))
		require.NoError(t, err)
		q := actors.NewQueue(c, handle, actors.QueueName("lines"))
		end := make(chan struct{})
		actors.CallUsing(t.Context(), c, props.Thread, func(context.Context) (int, error) { <-end; return 0, nil })
		synctest.Wait()
		require.NoError(t, errors.Join(q.Put(1), q.Put(2)))
		<-h.idle
		close(end) // the first item is taken, and is to move to the host
		synctest.Wait()
		c.Stop()
		synctest.Wait()
		assert.Empty(t, r.Open())
		h.idle <- struct{}{}
		<-c.Stopped()
		close(h.posted)
		assert.Contains(t, m.collect(t), "pending.done{method=Put,outcome=cancelled} 2")
		time.Sleep(time.Second)
	})
}

func TestItemThatAStopMeetsEndsLikeAnyOther(t *testing.T) {
	for _, beside := range []bool{false, true} {
		name := "alone"
		if beside {
			name = "beside CallUsing"
		}
		t.Run(name, func(t *testing.T) {
			ctx, m, r := t.Context(), newMeters(), tracetest.NewRecorder()
			tel := r.Telemetry(telemetry.MeterProvider(m))
			system := newSystem()
			for n := range 400 {
				c, err := actors.Start(system, props.Telemetry(tel))
				require.NoError(t, err)
				q := actors.NewQueue(c, func(context.Context, int) error { return nil })
				for range n % 4 {
					_ = q.Put(1)
					if beside {
						actors.CallUsing(ctx, c, props.Thread, nothing)
					}
				}
				c.Stop()
				<-c.Stopped()
				require.Empty(t, r.Open())
				r.Reset()
			}
			lines := m.collect(t)
			assert.Equal(t, total(lines, "pending.started{"), total(lines, "pending.done{"))
		})
	}
}

func TestItemThatAStopAbandonsEndsThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, props.StopTimeout(time.Second))
		free := make(chan struct{})
		q := actors.NewQueue(s.caller, func(context.Context, int) error { <-free; return nil }, actors.QueueName("lines"))
		require.NoError(t, q.Put(1))
		synctest.Wait()
		require.NoError(t, s.caller.StopWait(s.ctx))
		s.root.End()
		assert.Empty(t, s.Open(), "its function has not returned yet")
		assert.Contains(t, s.Tree(), "lines cancelled")
		close(free)
		time.Sleep(time.Second)
		assert.Len(t, s.Spans(), 2)
	})
}

func TestLongTurnOfAnItemIsOnItsSpan(t *testing.T) {
	play(t, `
		lines [turn lasts long]
		root
		  waiting
	`, func(t *testing.T, s *scene) {
		q := actors.NewQueue(s.caller, func(context.Context, int) error { time.Sleep(time.Minute); return nil }, actors.QueueName("lines"))
		require.NoError(t, q.Put(1))
		s.call(s.ctx, "waiting", func(context.Context) error { return nil })
		time.Sleep(time.Hour)
		require.NoError(t, q.CloseWait(s.ctx))
	}, props.TurnWarning(time.Second))
}

func TestItemCarriesTheSamplingAndTheBaggageOfItsPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSceneOf(t, tracetest.NewRecorder(sdk.WithSampler(sdk.ParentBased(except{"unsampled"}))))
		member, err := baggage.NewMember("order", "7")
		require.NoError(t, err)
		bag, err := baggage.New(member)
		require.NoError(t, err)
		var carried []string
		q := actors.NewQueue(s.caller, func(ctx context.Context, _ int) error {
			carried = append(carried, baggage.FromContext(ctx).Member("order").Value())
			actors.CallSoon(ctx, s.caller, nothing)
			return nil
		}, actors.QueueName("lines"))
		_, err = s.call(context.Background(), "unsampled", func(ctx context.Context) error {
			return errors.Join(q.PutContext(baggage.ContextWithBaggage(ctx, bag), 1), q.PutContext(ctx, 2))
		}).Wait(s.ctx)
		require.NoError(t, err)
		require.NoError(t, q.CloseWait(s.ctx))
		s.close(t)
		assert.Equal(t, []string{"7", ""}, carried)
		s.AssertTree(t, "root")
	})
}
