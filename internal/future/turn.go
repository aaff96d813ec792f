package future

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// Turn is the right to run that a function of a caller holds. A wait finds it in the context
// and gives it away while it waits.
type Turn interface {
	// Park gives the turn away, blocks until Resume is called, and takes the
	// turn back before it returns. With keep, it does not give the turn away. A
	// Resume since the last Park makes it return at once. So the code that
	// parks must check its condition again.
	//
	// Park fails with [ErrDeadlock] when the wait could never end: what it
	// needs waits for the function that parks.
	Park(w Wait, keep bool) error

	// Resume ends the current Park, or else the next one. It never blocks. It
	// may be called from any goroutine, any number of times.
	Resume()

	// Recheck says that the wait for which the function is parked, if it is,
	// needs node now. Nothing else has ended or begun, so that nobody has looked
	// whether the wait can still end. It never blocks.
	Recheck(node Node)
}

// Runner runs the function behind a pending. It is the turn of that function as well.
type Runner interface {
	Turn
	// Logger returns where to report failures that no wait returns.
	Logger() *slog.Logger
	// Describe adds what the runner knows of the function to the metadata.
	Describe(metadata map[string]any)
	// IsWaiting reports whether the function waits, with its turn or without.
	IsWaiting() bool
	// Awaited is called when something begins to wait for what the function holds. It
	// never blocks. It may be called from any goroutine.
	Awaited()
	// Left is called when the function has returned, just before the pending is
	// done. crash is not nil if the function panicked.
	Left(crash error)
	// Failed is called when the pending is done and has an error. started says whether
	// its function was called.
	Failed(started, cancelled bool)
	// Dropped is called when the pending is done and its function was never
	// called, and never will be.
	Dropped()
}

// RunnerOf returns the runner of the function behind a pending, or nil if there is none.
func RunnerOf(h Sealed) Runner { return h.sealed().runner }

// Wait says what a wait needs. One that needs neither a pending nor a node may
// end at any time.
type Wait struct {
	// On is the pending that is waited for, or nil.
	On *Core
	// For is what is waited for if it is no pending.
	For Node
	// Bounded says that the wait ends by itself.
	Bounded bool
	// Began is a number that grows from wait to wait. A function that parks again
	// for the same wait keeps it.
	Began uint64
}

// waits is how many waits of functions have begun.
var waits atomic.Uint64

// Waits returns the number of the wait of a function that began last.
func Waits() uint64 { return waits.Load() }

type turnKey struct{}

// turnContext is a context whose waits use another turn, or none if turn is
// nil. As a type of its own it does not nest contexts in a chain of calls: see
// scheduleContext.
type turnContext struct {
	context.Context
	turn Turn
}

// Value implements [context.Context].
func (c *turnContext) Value(key any) any {
	if key == (turnKey{}) {
		return c.turn
	}
	return c.Context.Value(key)
}

// WithTurn returns a copy of ctx whose waits give away t. With a nil t they
// hold no turn and block the goroutine.
func WithTurn(ctx context.Context, t Turn) context.Context {
	if b := running(ctx); b != nil {
		b.noteCall()
	}
	if c, ok := ctx.(*turnContext); ok {
		ctx = c.Context
	}
	return &turnContext{ctx, t}
}

// TurnOf returns the turn that a wait with ctx gives away, or nil.
func TurnOf(ctx context.Context) Turn {
	t, _ := ctx.Value(turnKey{}).(Turn)
	return t
}
