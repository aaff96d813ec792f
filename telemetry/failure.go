package telemetry

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/internal/safeerrors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// foreign are the errors of other packages that have a name here.
var foreign = [...]struct {
	err  error
	name string
}{
	{context.DeadlineExceeded, "deadline"},
	{context.Canceled, "cancelled"},
	{actor.ErrTimeout, "timeout"},
	{actor.ErrDeadLetter, "dead_letter"},
	{actor.ErrNameExists, "name_exists"},
}

// foreignName returns the name of such an error, or "".
func foreignName(err error) string {
	for _, known := range foreign {
		if safeerrors.Is(err, known.err) {
			return known.name
		}
	}
	return ""
}

// stackOf returns the stack of the panic in an error, or nil.
func stackOf(err error) []byte {
	crash, ok := safeerrors.As[*pending.PanicError](err)
	if !ok || crash == nil {
		return nil
	}
	return crash.Stack
}
