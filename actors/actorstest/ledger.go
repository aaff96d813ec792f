package actorstest

import (
	"cmp"
	"context"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"testing"
	"weak"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/testsystem"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

var _ steps.Recorder = (*ledger)(nil)

// ledger records what the functions in the systems of a test do. So the end of the test can
// say what was never done. It is safe for concurrent use.
type ledger struct {
	tb  testing.TB
	ctx context.Context // of the test

	left bool // guarded by the mu of ledgers

	mu          sync.Mutex
	number      int                                    // of the last call
	tasks       map[weak.Pointer[sched.Task]]*record   // that are not done
	requests    map[*future.Core][]uintptr             // without an answer, and where they were made
	promises    map[weak.Pointer[future.Core]]struct{} // that functions have made
	tidyAt      int                                    // how many entries are too many
	reported    map[*future.Core]bool                  // the promises
	mayStayOpen map[string]bool                        // the names of promises
	lasting     []string                               // the callers that have not ended with the test
	ended       bool                                   // the test has
	atEnd       []record                               // of the functions that had not returned then
}

// record is what is known of a function that has not returned.
type record struct {
	task   *sched.Task // nil in the ledger, which keeps nothing from being collected
	number int         // in the order of the calls
	made   []uintptr   // the stack of the call
	began  bool
	waits  bool
	leaves bool  // its wait was about to end when the test ended
	needs  needs // of the wait
}

// ledgers are those of the tests that run.
var ledgers struct {
	mu sync.Mutex
	of map[testing.TB]*ledger
}

// ledgerOf returns the ledger of a test, nil for a benchmark. All systems of a test share
// it, because a function of one may complete the promises of another.
func ledgerOf(tb testing.TB) *ledger {
	if _, measures := tb.(*testing.B); measures {
		return nil
	}
	ledgers.mu.Lock()
	defer ledgers.mu.Unlock()
	shared := reflect.TypeOf(tb).Comparable()
	if shared && ledgers.of[tb] != nil {
		return ledgers.of[tb]
	}
	l := &ledger{
		tb: tb, ctx: tb.Context(),
		tasks:       make(map[weak.Pointer[sched.Task]]*record),
		requests:    make(map[*future.Core][]uintptr),
		promises:    make(map[weak.Pointer[future.Core]]struct{}),
		reported:    make(map[*future.Core]bool),
		mayStayOpen: make(map[string]bool),
		tidyAt:      fewEntries,
	}
	if shared {
		if ledgers.of == nil {
			ledgers.of = make(map[testing.TB]*ledger)
		}
		ledgers.of[tb] = l
	}
	future.RecordMade(true)
	tb.Cleanup(func() { // after those of its systems
		l.leave()
		l.report()
	})
	return l
}

// existingLedger returns the ledger of a test, or nil if the test has no system.
func existingLedger(tb testing.TB) *ledger {
	ledgers.mu.Lock()
	defer ledgers.mu.Unlock()
	return ledgers.of[tb]
}

// ledgerIn returns the ledger of a system, nil for one that this package has not made. The
// methods that are called at the end of a test do nothing then.
func ledgerIn(system *actor.ActorSystem) *ledger {
	l, _ := testsystem.Recorder(system).(*ledger)
	return l
}

// recorder returns the ledger for a system.
func (l *ledger) recorder() steps.Recorder {
	if l == nil {
		return nil
	}
	return l
}

// leave forgets the test. Calls after the first one have no effect.
func (l *ledger) leave() {
	ledgers.mu.Lock()
	defer ledgers.mu.Unlock()
	if l.left {
		return
	}
	l.left = true
	future.RecordMade(false)
	if reflect.TypeOf(l.tb).Comparable() {
		delete(ledgers.of, l.tb)
	}
}

// fewEntries are so few that nothing is to be gained by looking which are done.
const fewEntries = 1000

// Made implements [steps.Recorder].
func (l *ledger) Made(of any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch of := of.(type) {
	case *sched.Task:
		l.number++
		l.tasks[weak.Make(of)] = &record{number: l.number, made: callers()}
	case *future.Core:
		l.promises[weak.Make(of)] = struct{}{}
	}
	if len(l.tasks)+len(l.requests)+len(l.promises) > l.tidyAt && (l.ended || l.ctx.Err() == nil) {
		l.tidy()
	}
}

// Note implements [steps.Recorder].
func (l *ledger) Note(of any, what string, on any) {
	if l.ctx.Err() != nil {
		l.end()
	}
	var n needs
	if w, waits := on.(future.Wait); waits && what == steps.Waits {
		n = l.needsOf(w) // without mu
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch of := of.(type) {
	case *sched.Task:
		l.note(of, what, n)
	case *future.Core:
		l.requests[of] = callers()
	}
}

// note is Note for a function. mu must be held.
func (l *ledger) note(t *sched.Task, what string, n needs) {
	key := weak.Make(t)
	r := l.tasks[key]
	if r == nil { // it was done already, or runs again
		r = &record{}
		l.tasks[key] = r
	}
	r.began, r.waits, r.needs = true, what == steps.Waits, n
	if what == steps.Drops || what == steps.Ends && t.Work().IsDone() {
		delete(l.tasks, key)
	}
}

// tidy forgets what is done. mu must be held.
func (l *ledger) tidy() {
	maps.DeleteFunc(l.tasks, func(key weak.Pointer[sched.Task], _ *record) bool {
		t := key.Value()
		return t == nil || t.Work().IsDone()
	})
	maps.DeleteFunc(l.requests, func(c *future.Core, _ []uintptr) bool { return c.IsDone() || c.Context().Err() != nil })
	maps.DeleteFunc(l.promises, func(p weak.Pointer[future.Core], _ struct{}) bool {
		c := p.Value()
		return c == nil || c.IsDone()
	})
	l.tidyAt = max(fewEntries, 2*(len(l.tasks)+len(l.requests)+len(l.promises)))
}

// end is called when the test has ended, before what that ends goes on. What functions do
// after the first call is of no interest.
func (l *ledger) end() {
	if l == nil {
		return
	}
	l.mu.Lock()
	if l.ended {
		l.mu.Unlock()
		return
	}
	l.ended = true
	open := l.open()
	l.mu.Unlock()
	for i := range open { // without mu: it asks contexts
		open[i].leaves = l.leaves(open[i].task)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.atEnd = open
}

// leaves reports whether a function was about to end its wait when the test ended. That is
// so if its call was cancelled, its caller stops, or its context has ended.
func (l *ledger) leaves(t *sched.Task) bool {
	own := future.TaskOf(t.Work())
	ctx := own.Context()
	switch {
	case own.Core().Cancelled():
		return true
	case ctx.Err() == nil:
		return false
	default:
		return l.ctx.Err() == nil || context.Cause(ctx) != context.Canceled //nolint:errorlint // That of the test is bare.
	}
}

// open returns what is known of the functions that have not returned, in the order of the
// calls. A call that the end of the test has dropped just now is one of them. mu must be held.
func (l *ledger) open() (all []record) {
	for key, r := range l.tasks {
		if t := key.Value(); t != nil && (!r.began || !t.Work().IsDone()) {
			known := *r
			known.task = t
			all = append(all, known)
		}
	}
	slices.SortFunc(all, func(a, b record) int { return cmp.Compare(a.number, b.number) })
	return all
}

// isBusy reports whether a function has not returned.
func (l *ledger) isBusy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open()) > 0
}

// outlasts notes that a caller has not ended with the test.
func (l *ledger) outlasts(id string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lasting = append(l.lasting, id)
}

// isLasting reports whether a function belongs to a caller that has not ended, of which the
// test was told already.
func (l *ledger) isLasting(t *sched.Task) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.lasting, func(id string) bool { return isIn(t, id) })
}

// callers returns the stack of who has called the method of the ledger.
func callers() []uintptr {
	const most = 24
	made := make([]uintptr, most)
	return made[:runtime.Callers(3, made)]
}
