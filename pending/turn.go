package pending

import "context"

// Turn is the right to run that a function of a caller holds. Waiting finds it
// in the context and gives it away for as long as it waits. Package actors
// implements it; nobody else needs to.
type Turn interface {
	// Park blocks until Resume is called, giving the turn away meanwhile and
	// taking it back before it returns; with keep, the turn stays. A Resume
	// that came since the last Park makes it return at once, so whoever parks
	// checks again what it waits for. It fails, without having blocked, with
	// [ErrDeadlock] when the pending waited for needs the function that
	// parks. A nil Handle stands for something that is no pending.
	Park(on Handle, keep bool) error

	// Resume ends the current Park, or else the next one. It never blocks and
	// may be called from any goroutine, any number of times.
	Resume()
}

type turnKey struct{}

// turnContext is a context whose waits use another turn, or none if it is nil. It
// is a type of its own so that a chain of calls does not nest its contexts: see
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

// WithTurn returns a copy of ctx whose waits use t; with nil they hold no
// turn, and simply block.
func WithTurn(ctx context.Context, t Turn) context.Context {
	requireContext(ctx, "WithTurn")
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
