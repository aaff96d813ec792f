package telemetry_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	api "go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

func number(t *testing.T, text string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	return n
}

func TestCallThatIsAbandonedWhileItWaitsHasTheTimeOfThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, props.StopTimeout(2*time.Second))
		forever := pending.New[int](context.Background(), pending.Named("forever"))
		s.call(s.ctx, "stuck", func(ctx context.Context) error {
			time.Sleep(time.Second)
			_, err := forever.Wait(ctx, pending.Shield())
			return err
		})
		time.Sleep(4 * time.Second)
		require.NoError(t, s.caller.StopWait(s.ctx))
		s.root.End()
		time.Sleep(time.Minute)
		a := attributesOf(s.one(t, "stuck"))
		assert.InDelta(t, 6, number(t, a["protocaller.run.duration"]), 1e-6)
		assert.InDelta(t, 5, number(t, a["protocaller.wait.duration"]), 1e-6)
		assert.Equal(t, "cancelled", a["protocaller.outcome"])
	})
}

func TestDelayedCallIsAChildOfASpanContextWhoseEndIsUnknown(t *testing.T) {
	play(t, `
		later
		root
	`, func(t *testing.T, s *scene) {
		sc := api.NewSpanContext(api.SpanContextConfig{TraceID: api.TraceID{1}, SpanID: api.SpanID{2}, TraceFlags: api.FlagsSampled})
		ctx := api.ContextWithSpanContext(context.Background(), sc)
		_, err := actors.Schedule(ctx, s.caller, nothing, actors.Named("later"), actors.Delay(time.Second)).Wait(ctx)
		require.NoError(t, err)
		later := s.one(t, "later")
		assert.Equal(t, sc.SpanID(), later.Parent().SpanID())
		assert.Empty(t, later.Links())
	})
}
