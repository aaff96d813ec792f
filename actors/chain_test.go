package actors_test

import (
	"context"
	"runtime"
	"testing"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// bottom is a context that notes from how deep it is asked for a value.
type bottom struct {
	context.Context
	frames int
}

func (b *bottom) Value(key any) any {
	b.frames = runtime.Callers(0, make([]uintptr, 1000))
	return b.Context.Value(key)
}

func TestFunctionMayScheduleItselfForEver(t *testing.T) {
	type key struct{}
	for name, derive := range map[string]func(context.Context) context.Context{
		"with its context": func(ctx context.Context) context.Context { return ctx },
		"detached":         actors.Detach,
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, newSystem(t))
			ctx := &bottom{Context: t.Context()}
			n := fewer(t, 20_000)
			first := make(chan weak.Pointer[pending.Pending[int]], 1)
			end := pending.New[int](t.Context())
			var self func(ctx context.Context) (int, error)
			self = func(own context.Context) (int, error) {
				if n--; n > 0 {
					p := actors.CallSoon(derive(own), c, self)
					select {
					case first <- weak.Make(p):
					default:
					}
					return n, nil
				}
				own.Value(key{})
				end.SetResult(ctx.frames)
				return n, own.Err()
			}
			actors.CallSoon(ctx, c, self)
			frames := result(t, end)
			assert.Less(t, frames, 50)
			result(t, actors.CallSoon(t.Context(), c, returns(1)))
			runtime.GC()
			require.Nil(t, (<-first).Value())
		})
	}
}
