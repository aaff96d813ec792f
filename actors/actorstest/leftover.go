package actorstest

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// report says, when all systems of the test have ended, what was never done. See "The end of a
// test" in README.md for the rules.
func (l *ledger) report() {
	l.end()
	l.reportPromises()
	l.mu.Lock()
	open := l.open()
	l.tidy()
	requests, promises := maps.Clone(l.requests), slices.Collect(maps.Keys(l.promises))
	l.mu.Unlock()
	for _, r := range open {
		if !r.task.Work().IsDone() && !l.isLasting(r.task) {
			l.say(true, "%s was never done%s", nameOf(r.task), madeAt(r.made))
		}
	}
	for p, made := range requests {
		l.say(true, "%s was never done%s", future.Label(p), madeAt(made))
	}
	for _, w := range promises {
		if p := w.Value(); p != nil && l.isLost(p) && future.IsAwaited(p) && !l.isReported(p) {
			l.say(true, "nobody has completed %s, and something waits for it still%s", future.Label(p), madeAt(future.Made(p)))
		}
	}
}

// reportPromises says for which promises functions have waited until the test ended. It is no
// failure if something else went on then, which may have completed them later.
func (l *ledger) reportPromises() {
	l.mu.Lock()
	atEnd := l.atEnd
	l.mu.Unlock()
	fails := areAtRest(atEnd)
	for _, r := range atEnd {
		for _, p := range r.needs.promises {
			if !r.leaves && l.isLost(p) && !l.isReported(p) {
				l.say(fails, "%s has waited until the end of the test for %s, which nobody has completed%s",
					nameOf(r.task), future.Label(p), madeAt(future.Made(p)))
			}
		}
	}
}

// say says something of a test that was not skipped.
func (l *ledger) say(fails bool, format string, args ...any) {
	l.tb.Helper()
	switch {
	case l.tb.Skipped():
	case fails:
		l.tb.Errorf("actorstest: "+format, args...)
	default:
		l.tb.Logf("actorstest: "+format, args...)
	}
}

// MayStayOpen permits that nobody completes a promise of the given name in the test tb. It is
// for work that may never come. A promise is a pending of [pending.New], and [pending.Named]
// gives it a name. It may be called until the test ends.
func MayStayOpen(tb testing.TB, name string) {
	l := ledgerOf(tb)
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mayStayOpen[name] = true
}

// isLost reports whether it is a mistake that nobody has completed a promise.
func (l *ledger) isLost(p *future.Core) bool {
	l.mu.Lock()
	mayStayOpen := l.mayStayOpen[p.Name()]
	l.mu.Unlock()
	return !mayStayOpen && isOfProgram(p) && future.IsForgotten(p)
}

// isReported reports whether it was called with a promise before.
func (l *ledger) isReported(p *future.Core) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.reported[p]
	l.reported[p] = true
	return known
}

// areAtRest reports whether functions wait for nothing but promises of the program, and for
// each other. Then none of them completes such a promise.
func areAtRest(open []record) bool {
	return !slices.ContainsFunc(open, func(r record) bool { return !r.isAtRest() })
}

func (r *record) isAtRest() bool {
	if !r.waits { // it runs, or is to run
		recurs, ok := r.task.Work().(sched.Recurring)
		return ok && !recurs.HasWork()
	}
	return !r.leaves && !r.needs.live && !slices.ContainsFunc(r.needs.promises, func(c *future.Core) bool { return !isOfProgram(c) && future.IsForgotten(c) })
}

// needs are what a wait needs besides functions.
type needs struct {
	promises []*future.Core // that nobody known completes
	live     bool           // the wait may end whatever happens
}

// needsOf returns what a wait needs.
func (l *ledger) needsOf(w future.Wait) (of needs) {
	const most = 1000 // nodes that are looked at
	n := future.Needs{Unknown: func(c *future.Core) { of.promises = append(of.promises, c) }}
	n.AddWait(w)
	of.live = w.Bounded || w.On == nil && w.For == nil
	nodes := slices.Clone(n.Nodes)
	for i := 0; i < len(nodes) && !of.live; i++ {
		if t, isFunction := nodes[i].(*sched.Task); isFunction {
			of.live = t.Recorder() != steps.Recorder(l) // of a system that is not known here
			continue
		}
		n.Reset()
		found := len(of.promises)
		nodes[i].Needs(&n)
		of.live = n.Live && found == len(of.promises) || len(nodes) > most
		nodes = append(nodes, n.Nodes...)
	}
	return of
}

// isOfProgram reports whether a promise was made by the program, and not by this module.
func isOfProgram(c *future.Core) bool {
	frame, ok := maker(future.Made(c))
	return ok && !isLibrary(frame)
}

// module is the path of this module.
const module = "github.com/seed-7fcaac1b/protocaller/"

// maker returns the frame that has called pending.New.
func maker(made []uintptr) (runtime.Frame, bool) {
	for frames := runtime.CallersFrames(made); ; {
		frame, more := frames.Next()
		if frame.Function != "" && !strings.HasPrefix(frame.Function, module+"pending.New") {
			return frame, true
		}
		if !more {
			return runtime.Frame{}, false
		}
	}
}

// isLibrary reports whether a frame is of what programs use of this module.
func isLibrary(f runtime.Frame) bool {
	name, ok := strings.CutPrefix(f.Function, module)
	if !ok || strings.HasSuffix(f.File, "_test.go") {
		return false
	}
	return slices.ContainsFunc([]string{"pending.", "internal/", "actors.", "actors/rpc.", "actors/internal/"},
		func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// mostMade is how many frames say where something was made.
const mostMade = 4

// madeAt says where something was made: the innermost frames of the program.
func madeAt(made []uintptr) string {
	var b strings.Builder
	for frames, n := runtime.CallersFrames(made), 0; n < mostMade; {
		frame, more := frames.Next()
		if frame.Function != "" && !isLibrary(frame) && !strings.HasPrefix(frame.Function, "runtime.") {
			fmt.Fprintf(&b, "\n\tmade by %s\n\t\t%s:%d", frame.Function, frame.File, frame.Line)
			n++
		}
		if !more {
			break
		}
	}
	return b.String()
}

// nameOf names a function and its caller.
func nameOf(t *sched.Task) string {
	return callerName(t.Owner().Name()) + " " + shortName(t.Work().Name())
}

// isIn reports whether a function belongs to a caller, or to one below it.
func isIn(t *sched.Task, id string) bool {
	return strings.HasPrefix(t.Owner().Name()+"/", id+"/")
}

// madeOf says where the calls were made whose functions a caller waits for.
func (l *ledger) madeOf(c *actors.Caller) string {
	if l == nil {
		return ""
	}
	l.mu.Lock()
	open := l.open()
	l.mu.Unlock()
	var b strings.Builder
	for _, r := range open {
		if isIn(r.task, c.ID()) && !r.task.Work().IsDone() {
			fmt.Fprintf(&b, "\n%s was never done%s", nameOf(r.task), madeAt(r.made))
		}
	}
	return b.String()
}
