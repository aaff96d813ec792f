package pending

import "context"

// Turn is the right to run that a function of a caller holds. A wait finds it
// in the context and gives it away while it waits. Package actors implements
// it; programs need not.
type Turn interface {
	// Park gives the turn away, blocks until Resume is called, and takes the
	// turn back before it returns. With keep, it does not give the turn away. A
	// Resume since the last Park makes it return at once. So the code that
	// parks must check its condition again.
	//
	// Park fails with [ErrDeadlock], without blocking, when on needs the
	// function that parks. A nil Handle stands for something that is no
	// pending.
	Park(on Handle, keep bool) error

	// Resume ends the current Park, or else the next one. It never blocks. It
	// may be called from any goroutine, any number of times.
	Resume()
}

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
