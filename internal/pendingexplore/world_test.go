//go:build explored

package pendingexplore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/seed-7fcaac1b/protocaller/internal/explore"
	"github.com/seed-7fcaac1b/protocaller/internal/explore/sim"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// exWorld is a few pendings and the goroutines around them. The code of the pendings is
// real. Each critical section, and each action without a lock, is a step.
type exWorld struct {
	*sim.World
	pendings  []*exPending
	contexts  []*exContext
	turns     []*exTurn
	locks     []*pending.Semaphore
	happened  int  // numbers what callbacks and their registrations do
	inside    int  // how many have a lock
	mayBeOpen bool // at the end
	reuses    bool // every waiter is free at the end
	derives   bool // Then was called
}

// script builds a world.
type script struct {
	name  string
	build func(w *exWorld)
}

func exploredScripts(scripts []script) []explore.Script {
	of := make([]explore.Script, 0, len(scripts))
	for _, s := range scripts {
		of = append(of, sim.Script(s.name, func(in *sim.World) {
			w := &exWorld{World: in}
			in.Always, in.AtEnd = w.check, w.checkEnd
			s.build(w)
		}))
	}
	return of
}

// exPending is a pending, and what is known of it.
type exPending struct {
	*pending.Pending[int]
	w    *exWorld
	name string
	task *scheduled.Call[int] // nil without a function
	turn *exTurn              // of the function

	values    []int   // with which it was completed
	failures  []error // with which it has failed
	causes    []error // with which it was cancelled before it was done
	late      []error // and with which it may have been
	refused   int     // completions and cancellations that came too late
	callbacks []*exCallback
	looked    bool // somebody has seen its outcome
	waiting   int  // goroutines that wait for it, without a turn

	runs, left, dropped int
	failed              int // how often the runner was told of an error
	observed, due       int // how often an observer was notified of the end, and of its time
	isObserved          bool
	started, requested  int  // and of a start, of a cancellation,
	suspended, resumed  int  // and of waits
	refusedWaits        int  // and of those that could never end
	done, cancelled     bool // as it was after the step before
	err                 error
	value               int
}

// exCallback is a callback of OnDone.
type exCallback struct {
	name               string
	began, registered  int // when the registration began and returned; 0 if it has not
	called, times      int // when, and how often
	removed, lateAdded bool
}

type exContext struct {
	context.Context
	cancel context.CancelCauseFunc
	ended  bool
}

var (
	errA   = errors.New("a")
	errB   = errors.New("b")
	errEnd = errors.New("the context ends")
)

// context makes a context.
func (w *exWorld) context() *exContext {
	ctx, cancel := sim.WithCancelCause(context.Background())
	c := &exContext{Context: ctx}
	c.cancel = func(cause error) {
		c.ended = true
		cancel(cause)
	}
	w.contexts = append(w.contexts, c)
	return c
}

func (w *exWorld) ends(c *exContext) { w.Go("context", func() { c.cancel(errEnd) }) }

// pending makes a pending without a function.
func (w *exWorld) pending(ctx context.Context, opts ...pending.Option) *exPending {
	return w.adopt(pending.New[int](ctx, opts...))
}

func (w *exWorld) adopt(of *pending.Pending[int]) *exPending {
	p := &exPending{w: w, name: fmt.Sprintf("pending %d", len(w.pendings)+1), Pending: of}
	w.pendings = append(w.pendings, p)
	return p
}

// call makes a pending with a function.
func (w *exWorld) call(ctx context.Context, fn func(context.Context) (int, error), opts ...pending.Option) *exPending {
	task := &scheduled.Call[int]{}
	p := w.adopt(&task.Pending)
	p.task = task
	p.turn = w.turn()
	task.Init(ctx, func(ctx context.Context) (int, error) {
		w.Note()
		p.runs++
		return fn(ctx)
	}, exRunner{p.turn, p}, opts...)
	return p
}

// then derives a pending, which looks at the outcome.
func (p *exPending) then(fn func(v int) (int, error)) *exPending {
	q := pending.Then(p.Pending, fn)
	p.w.Note()
	p.w.derives = true
	return p.w.adopt(q)
}

// exTurn is the turn of a function.
type exTurn struct {
	wake   chan struct{}
	parked bool
	parks  int   // how often it was given away
	woken  int   // and how often it was resumed
	fails  error // of a wait that could never end
}

func (w *exWorld) turn() *exTurn {
	t := &exTurn{wake: make(chan struct{}, 1)}
	w.turns = append(w.turns, t)
	return t
}

// Park implements [Turn].
func (t *exTurn) Park(future.Wait, bool) error {
	if t.fails != nil {
		return t.fails
	}
	t.parked = true
	t.parks++
	sim.Recv(t.wake)
	t.parked = false
	return nil
}

// Resume implements [Turn].
func (t *exTurn) Resume() {
	t.woken++
	if sim.Select(true, sim.OnSend(t.wake)) == 0 {
		t.wake <- struct{}{}
	}
}

// Recheck implements [Turn].
func (t *exTurn) Recheck(future.Node) {}

// exRunner is the runner of a function.
type exRunner struct {
	*exTurn
	p *exPending
}

var discard = slog.New(slog.DiscardHandler)

func (r exRunner) CallerName() string      { return "caller" }
func (r exRunner) Logger() *slog.Logger    { return discard }
func (r exRunner) Describe(map[string]any) {}
func (r exRunner) Awaited()                {}

func (r exRunner) IsWaiting() bool {
	sim.Step("does the function wait")
	r.p.w.Note()
	return r.parked
}

func (r exRunner) Left(error) {
	r.p.w.Note()
	r.p.left++
	if r.p.flagsNow()&future.FlagDone != 0 && !errors.Is(future.ErrNow(future.Of(r.p)), errAbandoned) {
		r.p.w.Failf("%s is done before its function has left", r.p.name)
	}
}

func (r exRunner) Failed(_, cancelled bool) {
	r.p.w.Note()
	r.p.failed++
	if isCancelled := r.p.flagsNow()&future.FlagCancelled != 0; cancelled != isCancelled {
		r.p.w.Failf("%s is cancelled: %v, and its runner was told %v", r.p.name, isCancelled, cancelled)
	}
}

func (r exRunner) Dropped() {
	r.p.w.Note()
	r.p.dropped++
}

// exObserver observes a pending.
type exObserver struct{ p **exPending }

func (o exObserver) Observe(ctx context.Context, _ *future.Core) (context.Context, future.Observation) {
	return ctx, o
}

func (o exObserver) note(n *int) {
	(*o.p).w.Note()
	*n++
}

func (o exObserver) Due()                   { o.note(&(*o.p).due) }
func (o exObserver) Started()               { o.note(&(*o.p).started) }
func (o exObserver) Suspended(*future.Core) { o.note(&(*o.p).suspended) }
func (o exObserver) WaitFailed(error)       { o.note(&(*o.p).refusedWaits) }
func (o exObserver) Resumed()               { o.note(&(*o.p).resumed) }
func (o exObserver) CancelRequested(error)  { o.note(&(*o.p).requested) }
func (o exObserver) Done(error)             { o.note(&(*o.p).observed) }

var errAbandoned = errors.New("abandoned")

// What follows are operations, which processes do.

func (p *exPending) completes(v int) {
	won := p.SetResult(v)
	p.w.Note()
	if won {
		p.values = append(p.values, v)
	} else {
		p.refused++
	}
}

func (p *exPending) fails(err error) {
	won := p.SetError(err)
	p.w.Note()
	if won {
		p.failures = append(p.failures, err)
	} else {
		p.refused++
	}
}

func (p *exPending) cancels(cause error) {
	wasDone := p.flagsNow()&(future.FlagDone|future.FlagCancelled) != 0
	cancelled := p.Cancel(cause)
	p.w.Note()
	switch {
	case !cancelled:
		p.refused++
	case p.flagsNow()&future.FlagDone == 0:
		p.causes = append(p.causes, cause)
	case !wasDone: // it may have been done meanwhile
		p.late = append(p.late, cause)
	}
	if cancelled != (p.flagsNow()&future.FlagCancelled != 0) {
		p.w.Failf("%s is cancelled: %v, and Cancel has returned %v", p.name, !cancelled, cancelled)
	}
}

// waits is waitsFor for those who need no result.
func (p *exPending) waits(ctx context.Context, opts ...pending.WaitOption) {
	_, _ = p.waitsFor(ctx, opts...)
}

// waitsFor waits for the pending, and looks whether what is returned is right.
func (p *exPending) waitsFor(ctx context.Context, opts ...pending.WaitOption) (int, error) {
	limited, shielded := pending.WaitLimits(opts...)
	timers := p.w.Timers(p.w.Current())
	own := future.Running(ctx)
	if own == nil {
		p.waiting++
	}
	v, err := p.Wait(ctx, opts...)
	if own == nil {
		p.waiting--
	}
	p.w.Note()
	if p.w.Timers(p.w.Current()) != timers {
		p.w.Failf("a wait for %s has left a timer", p.name)
	}
	flags := p.flagsNow()
	ended, isEnd := future.EndedWait(err)
	switch {
	case flags&future.FlagDone != 0 && v == p.valueNow() && err == p.errNow(): //nolint:errorlint // The very error.
		p.looked = true
	case isEnd && ended == future.Label(future.Of(p)):
		if isEnded := !shielded && ctx.Err() != nil; !isEnded && !limited {
			p.w.Failf("a wait for %s has ended with %v, and nothing has ended it", p.name, err)
		}
	case flags&future.FlagDone == 0:
		p.w.Failf("%s is not done, and a wait for it has returned %v, %v", p.name, v, err)
	default:
		p.w.Failf("%s has %v, %v, and a wait for it has returned %v, %v", p.name, p.valueNow(), p.errNow(), v, err)
	}
	return v, err
}

// calls registers a callback.
func (p *exPending) calls(name string, then func()) (remove func()) {
	c := &exCallback{name: name}
	p.w.Note()
	p.w.happened++
	c.began = p.w.happened
	p.callbacks = append(p.callbacks, c)
	forget := p.OnDone(func(h pending.Handle) {
		p.w.Note()
		p.w.happened++
		c.called = p.w.happened
		c.times++
		if p.flagsNow()&future.FlagDone == 0 || h != pending.Handle(p.Pending) {
			p.w.Failf("a callback of %s is called too early", p.name)
		}
		if then != nil {
			then()
		}
	})
	p.w.Note()
	p.w.happened++
	c.registered = p.w.happened
	c.lateAdded = p.flagsNow()&future.FlagDone != 0
	return func() {
		removed := forget()
		p.w.Note()
		if removed && (c.removed || c.times > 0) {
			p.w.Failf("callback %s of %s is removed, and was before, or was called", name, p.name)
		}
		c.removed = c.removed || removed
	}
}

// looks looks at the outcome.
func (p *exPending) looks() {
	err := p.Err()
	p.w.Note()
	if !errors.Is(err, pending.ErrNotDone) && p.flagsNow()&future.FlagDone != 0 {
		p.looked = true
	}
	if err == nil && p.errNow() != nil {
		p.w.Failf("%s has an error, and Err is nil", p.name)
	}
}

// asks asks for the result of a call that may not have returned, and reports whether it has.
func (p *exPending) asks() (returned bool) {
	wasDone := p.flagsNow()&future.FlagDone != 0
	returned, v, err := p.task.Returned()
	p.w.Note()
	switch {
	case !returned && (v != 0 || err != nil):
		p.w.Failf("%s has not returned, and its result is %v, %v", p.name, v, err)
	case returned && (v != p.valueNow() || err != p.errNow()): //nolint:errorlint // The very error.
		p.w.Failf("%s has %v, %v, and its result is %v, %v", p.name, p.valueNow(), p.errNow(), v, err)
	case returned && p.flagsNow()&future.FlagDone == 0, !returned && wasDone && !p.task.HasExited():
		p.w.Failf("%s is done: %v, and has returned: %v", p.name, wasDone, returned)
	}
	p.looked = p.looked || returned
	return returned
}

// observes waits for the channel of Done.
func (p *exPending) observes() {
	sim.Recv(p.Done())
	if p.flagsNow()&future.FlagDone == 0 {
		p.w.Failf("Done of %s is closed, and it is not done", p.name)
	}
}

// What follows is what must always be so.

func (p *exPending) flagsNow() uint32 { return future.FlagsNow(future.Of(p)) }

func (p *exPending) isHeld() bool { return future.IsHeld(future.Of(p)) }

func (p *exPending) valueNow() int { return future.ValueNow[int](p) }

func (p *exPending) errNow() error { return future.ErrNow(future.Of(p)) }

func (w *exWorld) check() {
	for _, p := range w.pendings {
		p.check()
	}
}

func (p *exPending) check() {
	flags := p.flagsNow()
	done, cancelled := flags&future.FlagDone != 0, flags&future.FlagCancelled != 0
	fail := func(format string, args ...any) { p.w.Failf(p.name+" "+format, args...) }
	switch {
	case p.done && !done:
		fail("was done, and is not")
	case p.cancelled && !cancelled:
		fail("was cancelled, and is not")
	case p.done && cancelled != p.cancelled:
		fail("is cancelled after it was done")
	case p.done && (p.err != p.errNow() || p.value != p.valueNow()): //nolint:errorlint // The very error.
		fail("has another outcome after it was done")
	}
	if p.isHeld() {
		return // what it guards may be under way
	}
	p.done, p.cancelled, p.err, p.value = done, cancelled, p.errNow(), p.valueNow()
	waiters, n, _ := future.Waiters(future.Of(p), fail)
	if n > p.waiting {
		fail("is waited for by %d goroutines, and not by %d: a function does not give its turn away", n, p.waiting)
	}
	switch {
	case done && waiters > 0:
		fail("is done, and has waiters")
	case cancelled && p.errNow() != nil && !errors.Is(p.errNow(), pending.ErrCancelled):
		fail("is cancelled, and its error is %v", p.errNow())
	case done && !cancelled && p.errNow() != nil && future.IsCancellation(p.errNow()):
		fail("is not cancelled, and its error is %v", p.errNow())
	case p.runs > 1, p.left > 1, p.dropped > 1, p.runs > 0 && p.dropped > 0:
		fail("has run %d times, left %d, and was dropped %d times", p.runs, p.left, p.dropped)
	case p.observed > 1:
		fail("has ended %d times", p.observed)
	case flags&future.FlagSeen != 0 && p.task == nil && flags&future.FlagDerived == 0:
		fail("notes who looks at its error, which is not logged")
	}
	if over := future.DoneNow(future.Of(p)); done && over != nil {
		select {
		case <-over:
		default:
			fail("is done, and its channel is open")
		}
	}
	if done && future.KeepsDetails(future.Of(p)) {
		fail("is done, and keeps what it does not need")
	}
}

func (w *exWorld) checkEnd() {
	open := w.mayBeOpen
	for _, p := range w.pendings {
		p.checkEnd()
		open = open || !p.done
	}
	if n, _ := w.Watches(); n > 0 && !open {
		w.Failf("%d contexts are watched for ever", n)
	}
	contexts, _ := w.Contexts()
	for _, c := range w.contexts {
		if !c.ended {
			contexts--
		}
	}
	if contexts > 0 && !open {
		w.Failf("%d contexts are derived, and do not end", contexts)
	}
	used, dirty := future.FreeWaiters()
	if w.reuses && used > 0 {
		w.Failf("%d waiters are not used again", used)
	}
	if dirty > 0 {
		w.Failf("%d free waiters keep what they do not need", dirty)
	}
	unseen := 0
	for _, p := range w.pendings {
		_, panicked := p.errNow().(*pending.PanicError) //nolint:errorlint // It was logged.
		if p.task != nil && p.done && !p.cancelled && p.errNow() != nil && !p.looked && !panicked {
			unseen++
		}
	}
	logged := w.Cleanups()
	if len(logged) != unseen && !w.derives { // else the error is that of what was derived
		w.Failf("%d errors are to be logged, and nobody has looked at %d", len(logged), unseen)
	}
	for _, e := range logged {
		if name, caller, text := future.Unseen(e); caller != "caller" || name == "" || text == "" {
			w.Failf("an error is to be logged of %q, %q: %q", caller, name, text)
		}
	}
	for _, s := range w.locks {
		if use := pending.UsedLock(s); use != "" {
			w.Failf("%s", use)
		}
	}
}

func (p *exPending) checkEnd() {
	p.check()
	fail := func(format string, args ...any) { p.w.Failf(p.name+" "+format, args...) }
	if !p.done {
		if !p.w.mayBeOpen {
			fail("is not done at the end")
		}
		listed := 0
		for _, c := range p.callbacks {
			if !c.removed {
				listed++
			}
		}
		all, _, callbacks := future.Waiters(future.Of(p), fail)
		if all > callbacks {
			fail("has %d waiters that nobody waits with", all-callbacks)
		}
		if listed != callbacks {
			fail("has %d callbacks in its list, and %d were registered", callbacks, listed)
		}
		return
	}
	wins := len(p.values) + len(p.failures)
	switch {
	case wins > 1:
		fail("was completed %d times", wins)
	case wins == 1 && len(p.causes)+len(p.late) > 0 && !p.isCancelledBy(p.failures):
		fail("was completed, and cancelled after that")
	case len(p.values) == 1 && (p.valueNow() != p.values[0] || p.errNow() != nil):
		fail("has %v, %v, and was completed with %v", p.valueNow(), p.errNow(), p.values[0])
	case len(p.failures) == 1 && !errors.Is(p.errNow(), p.failures[0]):
		fail("has the error %v, and has failed with %v", p.errNow(), p.failures[0])
	case p.isObserved && p.observed != 1:
		fail("has ended %d times", p.observed)
	}
	if p.isObserved && (p.started != p.runs || p.suspended != p.resumed ||
		p.cancelled && p.requested == 0 && wins == 0) {
		fail("has run %d times, and the observer knows of %d; %d waits began, %d ended; %d were cancelled",
			p.runs, p.started, p.suspended, p.resumed, p.requested)
	}
	for _, cause := range p.causes {
		if cause != nil && !errors.Is(p.errNow(), cause) {
			fail("was cancelled with %v, and its error is %v", cause, p.errNow())
		}
	}
	if p.task != nil {
		abandoned := errors.Is(p.errNow(), errAbandoned)
		switch {
		case p.runs+p.dropped != 1:
			fail("has run %d times, and was dropped %d times", p.runs, p.dropped)
		case p.runs == 1 && p.left != 1 && !abandoned:
			fail("has run, and left %d times", p.left)
		case (p.failed == 1) != (p.errNow() != nil), p.failed > 1:
			fail("has the error %v, and its runner was told of %d", p.errNow(), p.failed)
		case p.left == 1 && scheduled.KeepsFunction(p.task):
			fail("keeps its function")
		}
	}
	var called []*exCallback
	for _, c := range p.callbacks {
		want := 1
		if c.removed {
			want = 0
		}
		if c.times != want {
			fail("has called the callback %s %d times", c.name, c.times)
		}
		if want == 1 {
			called = append(called, c)
		}
	}
	for _, a := range called {
		for _, b := range called {
			if a.registered < b.began && !a.lateAdded && !b.lateAdded && a.called > b.called {
				fail("has called %s before %s, which was registered earlier", b.name, a.name)
			}
		}
	}
}

func (p *exPending) isCancelledBy(errs []error) bool {
	return slices.ContainsFunc(errs, future.IsCancellation)
}
