package actors

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/goroutine"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/watchdog"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// mostWaiting bounds how many of the functions that wait for a turn are named.
const mostWaiting = 4

// mostStacks bounds how many stacks are shown where it is not clear which one it is.
const mostStacks = 4

// TurnLimit implements [sched.Owner].
func (m *mailbox) TurnLimit() time.Duration { return m.config.TurnWarning }

// Watchdog implements [sched.Owner].
func (m *mailbox) Watchdog() *watchdog.Watchdog { return &m.registry.watchdog }

// SlowTurn implements [sched.Owner].
func (m *mailbox) SlowTurn(turn sched.SlowTurn) (report func()) {
	c := m.caller()
	waiting := c.waitsForTurn(turn)
	if turn.Task != nil {
		waiting = append(waiting, c.waitsForTask(turn.Task)...)
	}
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
	case c.draining.Load():
		waiting = append(waiting, "a drain")
	case turn.Closed:
		waiting = append(waiting, "a stop")
	case restart:
		waiting = append(waiting, "a restart")
	}
	return waiting
}

// waitsForTask says what waits for a task that does not wait for its turn. Who waits for
// the job of a worker has asked for something long, and keeps nobody waiting.
func (c *Caller) waitsForTask(t *sched.Task) (waiting []string) {
	w := workOf(t)
	waiting = w.heldUp()
	if c.worker != nil {
		if isJob, n := c.worker.pool.waitFor(c.worker, t); isJob {
			if n > 0 {
				waiting = append(waiting, fmt.Sprintf("%d calls that wait for a worker of %s", n, c.parent.path()))
			}
			return waiting
		}
	}
	seen := make(map[*sched.Task]bool)
	for _, turn := range pending.TurnsWaiting(w) {
		other, ok := turn.(*sched.Task)
		if !ok || seen[other] || !other.IsWaiting() {
			continue
		}
		seen[other] = true
		if len(seen) > mostWaiting {
			return append(waiting, "other functions")
		}
		waiting = append(waiting, fmt.Sprintf("the function %s of %s", other.Work().Name(), other.Owner().Name()))
	}
	return waiting
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
		ctx = turn.Task.Work().Context()
		telemetry.LongTurn(ctx, turn.Lasted, []byte(strings.Join(stack, "\n")))
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

func functionName(fn any) string { return nameAt(reflect.ValueOf(fn).Pointer()) }

// nameAt returns the name, as in a stack, of the function with an entry; "" for none.
func nameAt(entry uintptr) string {
	fn := runtime.FuncForPC(entry)
	if fn == nil {
		return ""
	}
	return strings.TrimSuffix(fn.Name(), "-fm")
}

// locate returns the function that has the turn, and the stacks that may be its.
func (c *Caller) locate(turn sched.SlowTurn) (function string, lines []string) {
	dump, t := turn.Dump(), turn.Task
	if t == nil {
		found := findCalls(dump, &c.sched, handlerFrames...).within(runFrame, 0, &c.sched)
		return found.userFunction(), found.lines()
	}
	found := findCalls(dump, t, nameAt(workOf(t).entry())).within(runTaskFrame, 1, t)
	if len(found) == 0 { // a method of an interface has another name
		found = findCalls(dump, t, runTaskFrame).within(runTaskFrame, 1, t)
	}
	return t.Work().Name(), found.lines()
}

// stacks are those of goroutines that run a function.
type stacks []stack

type stack struct {
	goroutine.Trace
	entry int // the frame of that function
}

// findCalls returns the stacks that run one of the functions, those with the pointer if
// there are any.
func findCalls(dump []byte, pointer any, functions ...string) (found stacks) {
	for _, function := range functions {
		for _, trace := range goroutine.Find(dump, function, fmt.Sprintf("%p", pointer)) {
			found = append(found, stack{trace, trace.Index(function)})
		}
	}
	return found
}

// within returns those that run within another function. It prefers those where that has
// got the pointer as its argument at an index.
func (found stacks) within(outer string, arg int, pointer any) stacks {
	inside := slices.DeleteFunc(found, func(s stack) bool { return s.Index(outer) < s.entry })
	formatted := fmt.Sprintf("%p", pointer)
	return inside.prefer(func(s stack) bool { return s.Frames[s.Index(outer)].HasArg(arg, formatted) })
}

// prefer returns those for which is holds, or all if it holds for none.
func (found stacks) prefer(is func(stack) bool) stacks {
	var preferred stacks
	for _, s := range found {
		if is(s) {
			preferred = append(preferred, s)
		}
	}
	if len(preferred) == 0 {
		return found
	}
	return preferred
}

// lines returns the stacks from where they are to the function that they were found by.
func (found stacks) lines() (lines []string) {
	for i, s := range found {
		if i == mostStacks {
			return append(lines, fmt.Sprintf("and %d more goroutines", len(found)-i))
		}
		lines = append(lines, s.Lines(s.entry)...)
	}
	return lines
}

// libraries are the packages between a handler of ours and what it calls of user code.
var libraries = []string{
	reflect.TypeFor[Caller]().PkgPath() + ".", strings.TrimSuffix(reflect.TypeFor[actor.PID]().PkgPath(), "actor"), "runtime.", "panic",
}

// userFunction returns the first function of user code that was called, if there is one.
func (found stacks) userFunction() string {
	if len(found) != 1 {
		return "one of several"
	}
	s := found[0]
frames:
	for i := s.entry - 1; i >= 0; i-- {
		for _, library := range libraries {
			if strings.HasPrefix(s.Frames[i].Function, library) {
				continue frames
			}
		}
		return s.Frames[i].Function
	}
	return s.Frames[s.entry].Function
}
