package actors

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/internal/entry"
)

// NoResult makes a function without a result one that [CallSoon], [Schedule] and the
// others take:
//
//	actors.CallSoon(ctx, c, actors.NoResult(printer.Flush))
//
// The call is named after fn, as if fn itself had been given. A nil fn panics here.
func NoResult(fn func(context.Context) error) func(context.Context) (struct{}, error) {
	if fn == nil {
		panic("actors: NoResult with a nil function")
	}
	return entry.NoResult(fn)
}
