package telemetry_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// hanging is a scene whose telemetry reports what is not done after ten seconds.
func hanging(t *testing.T, opts ...props.Option) *scene {
	t.Helper()
	s := &scene{Recorder: tracetest.NewRecorder(), system: newSystem()}
	s.telemetry = s.Telemetry(telemetry.Unfinished(10 * time.Second))
	s.ctx, s.root = s.Tracer().Start(context.Background(), "root")
	var err error
	s.caller, err = actors.Start(s.system, append(opts, props.Name("it"), props.Telemetry(s.telemetry))...)
	require.NoError(t, err)
	return s
}

// states returns the states in the unfinished spans of a name, in their order.
func (s *scene) states(name string) (states []string, spans []sdk.ReadOnlySpan) {
	for _, span := range s.Spans() {
		if span.Name() == name+" (unfinished)" {
			states = append(states, attributesOf(span)["protocaller.state"])
			spans = append(spans, span)
		}
	}
	return states, spans
}

func TestCallThatHangsIsSeenWhileItHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hanging(t, props.TurnWarning(0))
		other, err := actors.Start(s.system, props.Name("other"))
		require.NoError(t, err)
		never := actors.Schedule(context.Background(), other, func(ctx context.Context) (any, error) { return nil, asleep(ctx) }, actors.Named("answer"))
		waits := s.call(s.ctx, "waits", func(ctx context.Context) error {
			_, err := never.Wait(ctx, pending.Protect())
			return err
		})
		synctest.Wait()
		s.call(s.ctx, "runs", func(context.Context) error { time.Sleep(40 * time.Second); return nil })
		s.call(s.ctx, "first", func(context.Context) error { return nil })
		s.call(s.ctx, "queued", func(context.Context) error { return nil })
		time.Sleep(35 * time.Second)

		states, spans := s.states("waits")
		assert.Equal(t, []string{"waiting for answer on callers/other", "waiting for answer on callers/other"}, states)
		assert.Equal(t, s.root.SpanContext().SpanID(), spans[0].Parent().SpanID())
		assert.Equal(t, 10*time.Second, spans[0].EndTime().Sub(spans[0].StartTime()))
		assert.Equal(t, 30*time.Second, spans[1].EndTime().Sub(spans[1].StartTime()))
		states, _ = s.states("runs")
		assert.Equal(t, []string{"running on callers/it", "running on callers/it"}, states)
		states, _ = s.states("queued")
		assert.Equal(t, "queued on callers/it behind 1, while runs is running", states[0])

		_, err = waits.Wait(s.ctx)
		require.NoError(t, err)
		require.NoError(t, other.StopWait(s.ctx))
		s.close(t)
		own := s.one(t, "waits")
		assert.Equal(t, "2", attributesOf(own)["protocaller.unfinished"])
		assert.Equal(t, own.SpanContext(), spans[0].Links()[0].SpanContext)
		assert.Empty(t, s.Open())
		n := len(s.Spans())
		time.Sleep(time.Hour)
		assert.Len(t, s.Spans(), n)
	})
}

func TestRootThatHangsIsInItsOwnTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hanging(t)
		s.call(context.Background(), "job", asleep)
		time.Sleep(11 * time.Second)
		_, spans := s.states("job")
		require.Len(t, spans, 1)
		time.Sleep(time.Minute)
		s.close(t)
		assert.Equal(t, s.one(t, "job").SpanContext().TraceID(), spans[0].SpanContext().TraceID())
	})
}

func TestItemThatHangsIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hanging(t)
		q := actors.NewQueue(s.caller, func(ctx context.Context, _ int) error { return asleep(ctx) }, actors.QueueName("lines"))
		require.NoError(t, q.Put(1))
		require.NoError(t, q.Put(2))
		time.Sleep(11 * time.Second)
		states, _ := s.states("lines")
		assert.ElementsMatch(t, []string{"waiting for actors.Sleep", "queued"}, states)
		require.NoError(t, q.CloseWait(s.ctx))
		s.close(t)
		assert.Empty(t, s.Open())
	})
}

func TestCallsThatEndInTimeAreNotReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hanging(t)
		for range 100 {
			s.call(s.ctx, "job", func(ctx context.Context) error { return actors.Sleep(ctx, 9*time.Second) })
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		s.close(t)
		states, _ := s.states("job")
		assert.Empty(t, states)
	})
}

func TestWatchdogDeadlockAndAbandonmentAreInTheTraceOfTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hanging(t, props.TurnWarning(2*time.Second), props.StopTimeout(time.Second))
		free := make(chan struct{})
		stuck := s.call(s.ctx, "stuck", func(context.Context) error { <-free; return nil })
		synctest.Wait()
		s.call(s.ctx, "behind", func(context.Context) error { return nil })
		time.Sleep(4 * time.Second)
		_, spans := s.states("stuck")
		require.Len(t, spans, 1, "at the report of the watchdog")
		assert.Contains(t, attributesOf(spans[0])["code.stacktrace"], "TestWatchdogDeadlock")
		assert.False(t, stuck.IsDone())

		other, err := actors.Start(s.system, props.Name("other"), props.Telemetry(s.telemetry))
		require.NoError(t, err)
		_, err = actors.Schedule(s.ctx, other, func(ctx context.Context) (int, error) {
			return actors.CallSoon(ctx, other, nothing).WaitSync(ctx)
		}, actors.Named("circle")).Wait(s.ctx)
		require.ErrorIs(t, err, pending.ErrDeadlock)
		circle := s.one(t, "circle")
		var names []string
		for _, event := range circle.Events() {
			names = append(names, event.Name)
		}
		assert.Contains(t, names, telemetry.EventWaitFailed)

		require.NoError(t, other.StopWait(s.ctx))
		require.NoError(t, s.caller.StopWait(s.ctx))
		assert.Equal(t, telemetry.EventAbandoned, s.one(t, "stuck").Events()[1].Name)
		close(free)
		s.close(t)
	})
}
