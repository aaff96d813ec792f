package telemetry_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

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
			  job error "boom" [exception: boom]
		`},
		"a panic": {do: func(t *testing.T, s *scene) {
			_, err := s.call(s.ctx, "job", func(context.Context) error { panic(errBoom) }).Wait(s.ctx)
			require.ErrorIs(t, err, errBoom)
		}, want: `
			root
			  job panic "pending: panic: boom" [exception: pending: panic: boom]
		`},
		"the end of its goroutine": {do: func(t *testing.T, s *scene) {
			_, err := s.call(s.ctx, "job", func(context.Context) error { runtime.Goexit(); return nil }).Wait(s.ctx)
			require.ErrorIs(t, err, pending.ErrCancelled)
		}, want: `
			root
			  job cancelled
		`},
		"a cancel while it was queued": {do: func(t *testing.T, s *scene) {
			s.call(s.ctx, "first", func(context.Context) error {
				s.call(s.ctx, "job", asleep).Cancel(errBoom)
				return nil
			})
			synctest.Wait()
		}, want: `
			root
			  first
			  job cancelled [cancel requested: boom]
		`},
		"a cancel while it waited": {do: func(t *testing.T, s *scene) {
			p := s.call(s.ctx, "job", asleep)
			synctest.Wait()
			s.call(s.ctx, "canceller", func(context.Context) error { // with the turn that it needs to go on
				p.Cancel(nil)
				p.Cancel(errBoom)
				return nil
			})
			synctest.Wait()
		}, want: `
			root
			  canceller
			  job cancelled [suspended: actors.Sleep, cancel requested, cancel requested: boom, resumed]
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
			  running
			  telemetry_test.nothing cancelled [cancel requested: pending: caller stopped]
			  waiting cancelled [suspended: actors.Sleep, resumed]
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
			  crash panic "pending: panic: boom" [exception: pending: panic: boom]
			  queued
			  waiting cancelled [suspended: actors.Sleep, cancel requested: pending: panic: boom, resumed]
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
			  stuck cancelled [abandoned, cancel requested: pending: caller stopped]
		`, opts: []props.Option{props.StopTimeout(time.Second)}},
		"a turn that lasts long, which is no end": {do: func(t *testing.T, s *scene) {
			s.call(s.ctx, "slow", func(context.Context) error { time.Sleep(time.Minute); return nil })
			s.call(s.ctx, "waiting", func(context.Context) error { return nil })
			time.Sleep(time.Hour)
		}, want: `
			root
			  slow [turn lasts long]
			  waiting
		`, opts: []props.Option{props.TurnWarning(time.Second)}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { play(t, tt.want, tt.do, tt.opts...) })
	}
}

// pointerError is an error that a nil pointer makes a bad one of.
type pointerError struct{ inner error }

func (e *pointerError) Error() string { return e.inner.Error() }
func (e *pointerError) Unwrap() error { return e.inner }

func TestErrorWhoseMethodsPanicIsRecordedLikeAnyOther(t *testing.T) {
	var bad *pointerError
	play(t, `
		root
		  job error "*telemetry_test.pointerError: <nil>" [exception: *telemetry_test.pointerError: <nil>]
		  stopped cancelled [cancel requested: *telemetry_test.pointerError: <nil>]
	`, func(t *testing.T, s *scene) {
		_, err := s.call(s.ctx, "job", func(context.Context) error { return bad }).Wait(s.ctx)
		assert.Equal(t, error(bad), err)
		p := actors.Schedule(s.ctx, s.caller, nothing, actors.Named("stopped"), actors.Delay(time.Hour))
		p.Cancel(bad)
		assert.True(t, p.IsDone())
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
