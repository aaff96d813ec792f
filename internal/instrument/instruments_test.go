package instrument_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"

	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

func TestATelemetryHasTheMethodsOfItsOwnAlone(t *testing.T) {
	core := reflect.TypeFor[*instrument.Core]()
	assert.Zero(t, core.NumMethod(), "they would be those of a Telemetry too")
	tel := reflect.TypeFor[*telemetry.Telemetry]()
	for m := range reflect.TypeFor[*instrument.Instruments]().Methods() {
		if m.Name == "Named" || m.Name == "NewContext" {
			continue // Telemetry wraps them
		}
		_, has := tel.MethodByName(m.Name)
		assert.False(t, has, m.Name)
	}
}

func TestContextHasTheInstrumentsOfATelemetry(t *testing.T) {
	tel := telemetry.New()
	ctx := tel.NewContext(t.Context())
	assert.Same(t, instrument.Of(tel), instrument.FromContext(ctx))
	assert.Same(t, tel, telemetry.FromContext(ctx))
	assert.Nil(t, instrument.FromContext(t.Context()))
	assert.Nil(t, telemetry.FromContext(t.Context()))
}

func TestWithoutATelemetryNothingIsReported(t *testing.T) {
	none := instrument.Of((*telemetry.Telemetry)(nil))
	assert.Nil(t, none)
	ctx := t.Context()
	assert.Nil(t, none.Headers(ctx))
	assert.Equal(t, ctx, none.Extract(ctx, nil))
	assert.NotPanics(t, func() {
		none.LongTurn(ctx, time.Second, nil)
		none.Denied(ctx, "reason")
		none.Expelled(ctx)
	})
}

func TestNilPointerToAPanicIsAFailure(t *testing.T) {
	r := tracetest.NewRecorder()
	p := pending.New[int](t.Context(), pending.Named("it"), pending.ObservedBy(r.Telemetry()))
	p.SetError((*pending.PanicError)(nil))
	require.Len(t, r.Spans(), 1)
	span := r.Spans()[0]
	assert.Equal(t, codes.Error, span.Status().Code)
	assert.Contains(t, span.Attributes(), instrument.OutcomeKey.String("error"))
}
