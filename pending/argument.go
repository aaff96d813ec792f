package pending

import (
	"context"
	"reflect"
)

// requireContext panics if ctx is nil, with the name of the function that ctx was
// given to. All arguments are checked where they are given: a later use could not
// say where the nil comes from.
func requireContext(ctx context.Context, name string) {
	if ctx == nil {
		panic("pending: " + name + " with a nil context")
	}
}

func requireOptions[O ~func(*X), X any](opts []O, name string) {
	for _, opt := range opts {
		if opt == nil {
			panic("pending: " + name + " with a nil option")
		}
	}
}

func requirePending(h Handle, name string) {
	if isNil(h) {
		panic("pending: " + name + " of a nil pending")
	}
}

func requirePendings[H Handle](items []H, name string) {
	for _, h := range items {
		requirePending(h, name)
	}
}

// isNil reports whether v is nil, or a nil pointer.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	value := reflect.ValueOf(v)
	return value.Kind() == reflect.Pointer && value.IsNil()
}
