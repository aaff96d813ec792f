package actorstest

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// Event is an event of supervision about a caller.
type Event interface {
	supervision.Failed | supervision.Restarted | supervision.Stopped
}

// Events keeps the supervision events of a system, for [ExpectEvent]. It is made
// by [RecordEvents]. It is safe for concurrent use.
type Events struct {
	tb  testing.TB
	got feed[any]
}

// RecordEvents records the events of the callers of a system from now on.
func RecordEvents(tb testing.TB, system *actor.ActorSystem) *Events {
	e := &Events{tb: tb}
	system.EventStream.Subscribe(func(event any) {
		if _, _, ok := subject(event); ok {
			e.got.add(event)
		}
	})
	return e
}

// subject returns the caller that an event is about.
func subject(event any) (who *actor.PID, name string, ok bool) {
	switch event := event.(type) {
	case supervision.Failed:
		return event.Who, event.Name, true
	case supervision.Restarted:
		return event.Who, event.Name, true
	case supervision.Stopped:
		return event.Who, event.Name, true
	default:
		return nil, "", false
	}
}

// isAbout reports whether an event is about the caller of a name, or of the end of a path.
func isAbout(event any, caller string) bool {
	who, name, _ := subject(event)
	return name == caller || strings.Contains(caller, "/") && strings.HasSuffix("/"+who.GetId(), "/"+caller)
}

// Unread returns the events that no [ExpectEvent] has returned, as values.
func (e *Events) Unread() []any { return e.got.left() }

// ExpectEvent waits for the next event of type E about the caller of that name, and
// returns it. Other events are left for later. The name may have the names of parents
// before it, as in "parent/child", to tell callers of one name apart.
//
// The test fails at once if ctx ends first. It must be called on the goroutine of the
// test.
func ExpectEvent[E Event](ctx context.Context, e *Events, name string) E {
	e.tb.Helper()
	event, err := e.got.take(ctx, func(event any) bool {
		_, ok := event.(E)
		return ok && isAbout(event, name)
	})
	if err != nil {
		e.tb.Fatalf("actorstest: no %v of %q has come: %v", reflect.TypeFor[E](), name, err)
	}
	return event.(E)
}
