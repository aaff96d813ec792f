package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// exported are the errors that the page names.
var exported = map[string]error{
	"pending.ErrCancelled": pending.ErrCancelled, "pending.ErrStopped": pending.ErrStopped, "pending.ErrDeadlock": pending.ErrDeadlock,
	"pending.ErrNotDone": pending.ErrNotDone, "pending.ErrGroupOver": pending.ErrGroupOver,
	"*pending.PanicError":  &pending.PanicError{Value: "bang"},
	"actors.ErrOverloaded": actors.ErrOverloaded, "actors.ErrQueueClosed": actors.ErrQueueClosed,
	"actors.ErrNoPublisher": actors.ErrNoPublisher, "actors.ErrChildDiffers": actors.ErrChildDiffers,
	"rpc.ErrUnknownFunction": rpc.ErrUnknownFunction, "rpc.ErrNoCaller": rpc.ErrNoCaller, "rpc.ErrNodeDown": rpc.ErrNodeDown,
	"rpc.ErrTooLarge": rpc.ErrTooLarge, "rpc.ErrDenied": rpc.ErrDenied, "rpc.ErrEncoding": rpc.ErrEncoding,
	"rpc.ErrNoMember": rpc.ErrNoMember, "rpc.ErrActivation": rpc.ErrActivation, "rpc.ErrUncertain": rpc.ErrUncertain,
	"rpc.ErrStarted": rpc.ErrStarted, "rpc.ErrVersion": rpc.ErrVersion, "rpc.ErrExpelled": rpc.ErrExpelled,
	"rpc.ErrOwned": rpc.ErrOwned, "rpc.ErrLeaseLost": rpc.ErrLeaseLost,
	"context.Canceled": context.Canceled, "context.DeadlineExceeded": context.DeadlineExceeded,
	"actor.ErrTimeout": actor.ErrTimeout, "actor.ErrDeadLetter": actor.ErrDeadLetter, "actor.ErrNameExists": actor.ErrNameExists,
}

// namesOfThePage returns the name of each error in the table of the page.
func namesOfThePage(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("CONVENTIONS.md")
	require.NoError(t, err)
	_, text, _ := strings.Cut(string(page), "\n## Names of errors\n")
	names := make(map[string]string)
	for line := range strings.Lines(text) {
		found := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(line, -1)
		if !strings.HasPrefix(line, "| `") || strings.HasPrefix(line, "| `error.type`") {
			continue
		}
		for _, of := range found[1:] {
			names[of[1]] = found[0][1]
		}
	}
	return names
}

func TestErrorsHaveTheNamesOfThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tracetest.NewRecorder()
		tel := r.Telemetry()
		named := func(err error) string {
			r.Reset()
			pending.New[int](t.Context(), pending.ObservedBy(tel)).SetError(err)
			return attributesOf(r.Spans()[0])["error.type"]
		}
		names := namesOfThePage(t)
		for what, err := range exported {
			wanted := names[what]
			require.NotEmpty(t, wanted, what)
			delete(names, what)
			if errors.Is(err, context.Canceled) { // which is no failure
				wanted = ""
			}
			assert.Equal(t, wanted, named(fmt.Errorf("here: %w", err)), what)
		}
		assert.Empty(t, names)
	})
}

// lying is an error whose name panics.
type lying struct{ name func() string }

func (lying) Error() string       { return "lying" }
func (l lying) ErrorType() string { return l.name() }

func TestNameOfAnErrorIsItsOwnOrItsType(t *testing.T) {
	for want, err := range map[string]error{
		"mine":                errors.Join(errBoom, lying{func() string { return "mine" }}),
		"no\uFFFDtext":        lying{func() string { return noText }},
		"*errors.errorString": fmt.Errorf("here: %w", errBoom),
		"github.com/seed-7fcaac1b/protocaller/telemetry_test.lying": lying{func() string { panic("bang") }},
	} {
		r := tracetest.NewRecorder()
		pending.New[int](t.Context(), pending.ObservedBy(r.Telemetry())).SetError(err)
		assert.Equal(t, want, attributesOf(r.Spans()[0])["error.type"])
	}
}
