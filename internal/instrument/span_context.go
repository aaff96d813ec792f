package instrument

import (
	"context"

	"go.opentelemetry.io/otel/trace"
)

// spanContext is the context of an observed pending: the one that the tracer has
// returned. A function that schedules itself again makes a chain of them. The next one
// builds on base, so that the chain does not grow.
type spanContext struct {
	context.Context
	base context.Context // without the span
}

// parentContext adds to a base the span that is the parent of the next one.
type parentContext struct {
	context.Context
	span trace.Span
}

// Value implements [context.Context].
func (c *parentContext) Value(key any) any {
	if key == spanKey {
		return c.span
	}
	return c.Context.Value(key)
}

// spanKey is the key under which a context has its span. Package trace does not export it.
var spanKey = func() any {
	var c keyContext
	trace.SpanFromContext(&c)
	return c.asked
}()

// keyContext notes the key of the value that it is asked for.
type keyContext struct {
	context.Context
	asked any
}

// Value implements [context.Context].
func (c *keyContext) Value(key any) any {
	c.asked = key
	return nil
}

// isObserved reports whether ctx is that of an observed pending.
func isObserved(ctx context.Context) bool {
	switch ctx.(type) {
	case *spanContext, *parentContext:
		return true
	default:
		return false
	}
}

// set makes c the context that has the span of an observed one, and its base. It returns
// c, or ctx if that is not observed.
func (c *parentContext) set(ctx context.Context) context.Context {
	switch observed := ctx.(type) {
	case *spanContext:
		*c = parentContext{observed.base, trace.SpanFromContext(observed.Context)}
	case *parentContext:
		*c = *observed
	default:
		return ctx
	}
	return c
}
