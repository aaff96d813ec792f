package telemetry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// noText is no valid UTF-8.
const noText = "no\xfftext"

func TestWhatIsNoTextComesCleanIntoEverySpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tracetest.NewRecorder()
		tel := r.Telemetry()
		system := newSystem()
		c, err := actors.Start(system, props.Telemetry(tel))
		require.NoError(t, err)
		bad := errors.New(noText)
		call := func(fn func(context.Context) (int, error)) *pending.Pending[int] {
			return actors.Schedule(t.Context(), c, fn, actors.Named(noText), actors.Retry(actors.Attempts(2), actors.RetryBackoff(time.Millisecond, time.Millisecond)))
		}
		call(func(context.Context) (int, error) { return 0, bad })
		call(func(context.Context) (int, error) { panic(noText) })
		call(nap).Cancel(bad)
		p := call(func(ctx context.Context) (int, error) {
			_, err := pending.New[int](ctx, pending.Named(noText)).Wait(ctx)
			return 0, err
		})
		synctest.Wait()
		p.Cancel(bad)
		q := actors.NewQueue(c, func(context.Context, int) error { panic(bad) }, actors.QueueName(noText))
		require.NoError(t, errors.Join(q.Put(1), q.CloseWait(t.Context())))
		pid, err := tel.Root(t.Context(), system.Root).SpawnNamed(actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*ping); ok {
				panic(noText)
			}
		}), noText)
		require.NoError(t, err)
		tel.Root(t.Context(), system.Root).Send(pid, &ping{})
		require.Error(t, pending.Run(t.Context(), func(context.Context) error { return bad }, pending.WithObserver(tel.Named(noText))))
		_, err = actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			actors.Progress(ctx, 1, 2, noText)
			return 1, nil
		}).Wait(t.Context())
		require.NoError(t, err)
		ctx, span := r.Tracer().Start(t.Context(), "own")
		retries := instrument.Of(tel).RemoteRetries()
		retries.Send(ctx, noText, noText)
		retries.Send(ctx, noText, noText)
		retries.End(bad, false)
		instrument.Of(tel).LongTurn(ctx, time.Second, []byte(noText))
		span.End()
		synctest.Wait()
		require.NoError(t, system.Root.StopFuture(pid).Wait())
		require.NoError(t, c.StopWait(t.Context()))
		time.Sleep(time.Second)

		text := func(s string) { assert.True(t, utf8.ValidString(s), "%q", s) }
		all := func(attributes []attribute.KeyValue) {
			for _, a := range attributes {
				text(a.Value.String())
			}
		}
		require.GreaterOrEqual(t, len(r.Spans()), 8)
		for _, span := range r.Spans() {
			text(span.Name())
			text(span.Status().Description)
			all(span.Attributes())
			for _, event := range span.Events() {
				all(event.Attributes)
			}
		}
	})
}
