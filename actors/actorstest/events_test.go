package actorstest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

var errBoom = errors.New("boom")

func panics(context.Context) (any, error) { panic(errBoom) }

func TestEventsTellWhatBecomesOfACaller(t *testing.T) {
	system := actorstest.NewSystem(t)
	events := actorstest.RecordEvents(t, system)
	restarting := props.Supervision(supervision.Restart())
	c := actorstest.Start(t, system, props.Name("restarting"), restarting)
	other := actorstest.Start(t, system, props.Name("other"), restarting)

	actors.CallSoon(t.Context(), other, panics)
	actors.CallSoon(t.Context(), c, panics)

	failed := actorstest.ExpectEvent[supervision.Failed](t.Context(), events, "restarting")
	require.ErrorIs(t, failed.Err, errBoom)
	assert.Equal(t, supervision.ActionRestart, failed.Action)
	actorstest.ExpectEvent[supervision.Restarted](t.Context(), events, "restarting")
	actorstest.ExpectEvent[supervision.Restarted](t.Context(), events, "other")
	require.NoError(t, c.StopWait(t.Context()))
	stopped := actorstest.ExpectEvent[supervision.Stopped](t.Context(), events, "restarting")
	require.NoError(t, stopped.Err)

	left := events.Unread() // what was passed over
	require.Len(t, left, 1)
	assert.Equal(t, "other", left[0].(supervision.Failed).Name)
}

func TestEventThatDoesNotComeFailsTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		assert.Equal(t, `actorstest: no supervision.Stopped of "c" has come: context deadline exceeded`,
			fatal(t, func(tb testing.TB) {
				system := actorstest.NewSystem(tb)
				actorstest.ExpectEvent[supervision.Stopped](ctx, actorstest.RecordEvents(tb, system), "c")
			}))
	})
}
