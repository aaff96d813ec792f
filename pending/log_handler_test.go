package pending_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// panicHandler is a log handler that panics.
type panicHandler struct{ slog.Handler }

func (panicHandler) Enabled(context.Context, slog.Level) bool { return true }

func (panicHandler) Handle(context.Context, slog.Record) error { panic("no log") }

// The callbacks of a pending that ends with its context run on a goroutine of the library.
func TestLogHandlerThatPanicsStopsNoCallback(t *testing.T) {
	before := slog.Default()
	slog.SetDefault(slog.New(panicHandler{slog.DiscardHandler}))
	defer slog.SetDefault(before)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	p := pending.New[int](ctx)
	called := make(chan struct{})
	p.OnDone(func(pending.Handle) { panic("no callback") })
	p.OnDone(func(pending.Handle) { close(called) })
	_, err := p.Wait(context.Background())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	<-called
	assert.True(t, p.Cancelled())
}
