package actors

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/watchdog"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// mostWaiting bounds how many of the functions that wait for a turn are named.
const mostWaiting = 4

// TurnLimit implements [sched.Owner].
func (m *mailbox) TurnLimit() time.Duration { return m.config.TurnWarning }

// Watchdog implements [sched.Owner].
func (m *mailbox) Watchdog() *watchdog.Watchdog { return &m.registry.watchdog }

// SlowTurn implements [sched.Owner].
func (m *mailbox) SlowTurn(turn sched.SlowTurn) (report func()) {
	c := m.caller()
	waiting := append(c.waitsForTurn(turn), c.waitsElsewhere(turn)...)
	if len(waiting) == 0 {
		return nil
	}
	return func() { c.reportSlowTurn(turn, waiting) }
}

// waitsForTurn says what waits for the turn.
func (c *Caller) waitsForTurn(turn sched.SlowTurn) (waiting []string) {
	add := func(n int, what string) {
		if n > 0 {
			waiting = append(waiting, fmt.Sprintf(what, n))
		}
	}
	add(turn.Queued, "%d queued calls or messages")
	add(turn.Runnable, "%d functions that want their turn back")
	failures, restart, others := 0, turn.Deferred != nil, 0
	for _, message := range turn.Control {
		switch message.(type) {
		case *actor.Failure:
			failures++
		case *actor.Restart, backoffOver:
			restart = true
		case registerChild, *actor.Stop, *actor.Watch, *actor.Unwatch, *actor.SuspendMailbox, *actor.ResumeMailbox:
		default:
			others++
		}
	}
	add(failures, "%d failures of children")
	if c.external {
		add(others, "%d messages of the actor system")
	}
	switch {
	case c.isDrained():
		waiting = append(waiting, "a drain")
	case turn.Closed:
		waiting = append(waiting, "a stop")
	case restart:
		waiting = append(waiting, "a restart")
	}
	return waiting
}

// waitsElsewhere says what waits for a turn, or for what its function holds. It leaves out
// what waits for the turn of the caller. Who waits for the job of a worker has asked for
// something long, and keeps nobody waiting.
func (c *Caller) waitsElsewhere(turn sched.SlowTurn) (waiting []string) {
	waiters, held, onLoop := turn.Elsewhere()
	if t := turn.Task; t != nil {
		waiting = workOf(t).heldUp()
		if c.worker != nil {
			if isJob, calls := c.worker.pool.waitFor(c.worker, t); isJob {
				waiters = nil
				if calls > 0 {
					waiting = append(waiting, fmt.Sprintf("%d calls that wait for a worker of %s", calls, c.parent.path()))
				}
			}
		}
	}
	waiting = append(waiting, nameWaiters(append(waiters, held...))...)
	if turn.Task != nil {
		waiting = append(waiting, future.TaskOf(turn.Task.Work()).WaitingOutside()...)
	}
	if onLoop > 0 {
		waiting = append(waiting, fmt.Sprintf("%d callers that need the loop of the host", onLoop))
	}
	return waiting
}

// nameWaiters names the functions that wait, each of them once.
func nameWaiters(waiters []sched.Waiter) (names []string) {
	seen := make(map[*sched.Task]bool)
	for _, w := range waiters {
		if seen[w.Task] {
			continue
		}
		seen[w.Task] = true
		if len(seen) > mostWaiting {
			return append(names, "other functions")
		}
		name := fmt.Sprintf("the function %s of %s", w.Task.Work().Name(), w.Task.Owner().Name())
		if w.For != "" {
			name += ", for " + w.For
		}
		names = append(names, name)
	}
	return names
}

// reportSlowTurn marks the span of a turn that lasts long, and logs the turn.
func (c *Caller) reportSlowTurn(turn sched.SlowTurn, waiting []string) {
	defer c.logPanic("report of a long turn") // the context of a call is user code
	function, stack := c.locate(turn)
	if len(stack) == 0 || !turn.Lasts() { // the stack may be that of what has followed
		return
	}
	ctx := context.Background()
	if turn.Task != nil {
		ctx = workOf(turn.Task).spanContext()
		c.instruments().LongTurn(ctx, turn.Lasted, []byte(strings.Join(stack, "\n")))
	}
	c.logSlowTurn(ctx, function, turn.Since, turn.Lasted, waiting, stack)
}

func (c *Caller) logSlowTurn(
	ctx context.Context, function string, since time.Time, lasted time.Duration, waiting, stack []string,
) {
	c.log().LogAttrs(ctx, slog.LevelWarn, "actors: turn lasts long",
		slog.String("caller", c.path()), slog.String("function", function),
		slog.Time("since", since), slog.Duration("lasted", lasted), slog.Duration("limit", c.config.TurnWarning),
		slog.Any("waiting", logLines(waiting)), slog.Any("stack", logLines(stack)))
}

// logLines is a list of lines in a record: a list in JSON, and one line of text.
type logLines []string

// String returns all lines on one.
func (l logLines) String() string { return strings.Join(l, " | ") }

// The functions that the stacks of turns are found by.
var (
	runFrame      = reflect.TypeFor[sched.Scheduler]().PkgPath() + ".(*Scheduler).run"
	runTaskFrame  = runFrame + "Task"
	eventFrame    = functionName((*events).run)
	handlerFrames = []string{
		functionName((*mailbox).Message), functionName((*mailbox).Call),
		functionName((*mailbox).Control), functionName((*mailbox).Quiesced),
	}
)

// locate returns the function that has the turn, and the stacks that may be its.
func (c *Caller) locate(turn sched.SlowTurn) (function string, lines []string) {
	dump, t := turn.Dump(), turn.Task
	if t == nil {
		found, _ := findCalls(dump, runFrame, 0, &c.sched, handlerFrames...)
		return found.userFunction(), found.lines()
	}
	found, certain := findCalls(dump, runTaskFrame, 1, t, nameAt(workOf(t).entry()))
	if !certain { // it has returned, and its callbacks run; or a method of an interface has another name
		if frames, sure := findCalls(dump, runTaskFrame, 1, t, runTaskFrame); sure || len(found) == 0 {
			found = frames
		}
	}
	return t.Work().Name(), found.lines()
}
