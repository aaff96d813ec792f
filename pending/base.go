package pending

import (
	"context"
	"log/slog"
	"maps"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/internal/entry"
	"github.com/seed-7fcaac1b/protocaller/internal/safelog"
	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// The states of a pending. Done is final. Cancelled may come before done, and
// only before it.
const (
	flagStarted  uint32 = 1 << iota // the function was called
	flagReturned                    // and has returned
	flagCancelled
	flagDone
	flagObserved // there is an observation; set before the pending is published
	flagCalled   // the function has scheduled something
	flagWaitsOn  // the function is in a wait that does not end with its context
	flagProtected
	flagSeen       // somebody has looked at the error
	flagTimed      // a timer will cancel it
	flagQueueTimed // a timer will cancel it if its function has not started
	flagDelayed    // a timer will schedule its function
	flagExited     // the function has ended its goroutine
	flagPanicked   // the function has panicked
	flagDerived    // made by Then
)

// base is a Pending without its value.
type base struct {
	mu    sync.Mutex
	flags atomic.Uint32 // flagCancelled and flagDone are set under mu

	handle Handle
	ctx    context.Context
	runner Runner  // nil without a function behind the pending
	pc     uintptr // of that function

	// Guarded by mu until the pending is done, constant after.
	err     error
	done    chan struct{} // made by the first Done
	waiters waiterList
	lazy    *lazyState // nil for most pendings

	// The cancellation of the running function's context, made when it is first
	// needed.
	cancellation atomic.Pointer[cancelContext]
}

// lazyState holds what few pendings have. It keeps the others small.
type lazyState struct {
	id          uint64
	name        string
	pc          uintptr // of the function that the names are about; 0 for the one behind the pending
	metadata    Metadata
	describe    func(Metadata)
	described   bool  // metadata is complete, and may be in use outside
	derived     bool  // made by Then
	later       int32 // the number of causes after the first one
	canceller   func(error)
	source      *base // cancelled with this pending, which Then made; nil with a canceller
	observation Observation
	unwatch     func() bool // stops watching ctx
	explain     func() string
	unseen      *runtime.Cleanup   // logs the error when the pending is collected; nil for none
	origin      Runner             // of the call that Then has made the pending of; nil after the end
	passed      *base              // whose error this pending has, which Then made; nil for none
	completer   Handle             // its function completes this pending
	needs       Node               // what else completes it
	contended   []*Semaphore       // that the function holds or has held, while goroutines waited
	progress    *snapshot.Progress // what the function says of it; nil for nothing
	options
}

type options struct {
	observer Observer
	track    func(Tracker) bool // nil for all trackers, if any
	tracked  bool

	protected bool
}

// Option changes how a pending is made. The calls of package actors have options of their
// own. [actors.PendingOptions] passes these on.
//
// [actors.PendingOptions]:
// https://pkg.go.dev/github.com/seed-7fcaac1b/protocaller/actors#PendingOptions
type Option func(*lazyState)

// Named gives the pending a name, for String, logs and spans. For a call, use
// [actors.Named].
//
// [actors.Named]: https://pkg.go.dev/github.com/seed-7fcaac1b/protocaller/actors#Named
func Named(name string) Option {
	return func(x *lazyState) { x.name = name }
}

// ImplementedBy says that fn is the function which the pending is about, in its names, in
// logs and spans, although another one calls it. It is for code that wraps functions.
func ImplementedBy(fn any) Option {
	pc := entry.Of(fn)
	return func(x *lazyState) { x.pc = pc }
}

// With attaches a value to the pending's metadata. For a call, use [actors.With].
//
// [actors.With]: https://pkg.go.dev/github.com/seed-7fcaac1b/protocaller/actors#With
func With(key string, value any) Option {
	return func(x *lazyState) {
		if x.metadata == nil {
			x.metadata = Metadata{}
		}
		x.metadata[key] = value
	}
}

// DescribedBy makes describe fill in the pending's metadata when the metadata is first
// asked for. It suits metadata that is seldom needed. Values attached in another way take
// precedence. Several functions are called in their order.
//
// describe may run on several goroutines at a time. It must not ask for the pending's
// metadata.
func DescribedBy(describe func(Metadata)) Option {
	if describe == nil {
		panic("pending: DescribedBy with a nil function")
	}
	return func(x *lazyState) {
		before := x.describe
		if before == nil {
			x.describe = describe
			return
		}
		x.describe = func(m Metadata) {
			before(m)
			describe(m)
		}
	}
}

// TrackedBy limits the trackers that see this pending to those for which keep returns
// true. The same limit applies to the calls that its function makes. For a call, use
// [actors.TrackedBy].
//
// [actors.TrackedBy]:
// https://pkg.go.dev/github.com/seed-7fcaac1b/protocaller/actors#TrackedBy
func TrackedBy(keep func(Tracker) bool) Option {
	if keep == nil {
		panic("pending: TrackedBy with a nil function")
	}
	return func(x *lazyState) { x.tracked, x.track = true, keep }
}

// Tracked adds a pending made by [New] to all trackers of the context. Without
// it, trackers see calls alone.
func Tracked() Option { return func(x *lazyState) { x.tracked = true } }

// Untracked hides the pending, and the calls its function makes, from all trackers. For a
// call, use [actors.Untracked].
//
// [actors.Untracked]:
// https://pkg.go.dev/github.com/seed-7fcaac1b/protocaller/actors#Untracked
func Untracked() Option { return TrackedBy(func(Tracker) bool { return false }) }

// CompletedBy names the function that completes a pending made by [New]: the one behind
// h. A wait for the pending then counts as a wait for h, and returns [ErrDeadlock] where
// a wait for h would. A nil h has no effect.
func CompletedBy(h Handle) Option {
	if isNil(h) {
		h = nil // a nil pointer becomes a nil interface
	}
	return func(x *lazyState) { x.completer = h }
}

// Protected makes a pending that no wait cancels, as if every wait for it were given
// [Protect]. Wait and WaitSync do not cancel it when they end early. [All], [Any] and
// [AsCompleted] do not cancel it when they return before it is done. What [Then] makes of
// it is protected too.
//
// Cancel still cancels the pending. So do the end of its context, a group around it, and
// a stop of its caller. A call gets it by actors.PendingOptions.
func Protected() Option {
	return func(x *lazyState) { x.protected = true }
}

// ExplainedBy makes explain say how far the work behind a pending made by [New] is. The
// error of a wait that ends early has that text after the name of the pending. A call
// needs no such option.
//
// explain may be called on any goroutine.
func ExplainedBy(explain func() string) Option {
	if explain == nil {
		panic("pending: ExplainedBy with a nil function")
	}
	return func(x *lazyState) { x.explain = explain }
}

// ObservedBy makes o observe the pending, besides the observers that it has. The context
// that an observer returns is that of the ones after it. A *telemetry.Telemetry is an
// observer. A nil o has no effect.
func ObservedBy(o Observer) Option {
	return func(x *lazyState) {
		all, several := x.observer.(observers)
		switch {
		case o == nil:
		case several:
			all = append(all, o)
			x.observer = all
		case x.observer != nil:
			x.observer = observers{x.observer, o}
		default:
			x.observer = o
		}
	}
}

// init makes b the inside of handle. It is called once, before handle is
// published.
func (b *base) init(ctx context.Context, handle Handle, opts []Option) {
	b.handle = handle
	b.ctx = scheduleContext(ctx)
	if len(opts) > 0 {
		b.apply(opts)
	}
	if b.runner != nil || b.lazy != nil && b.lazy.tracked {
		b.track()
	}
}

func (b *base) apply(opts []Option) {
	b.lazy = &lazyState{}
	for _, opt := range opts {
		opt(b.lazy)
	}
	if b.lazy.pc != 0 {
		b.pc = b.lazy.pc
	}
	if o := b.lazy.observer; o != nil {
		var made guarded
		b.ctx, made = observe(b.ctx, o, b.handle)
		b.lazy.observation = made.Observation
	}
	if b.lazy.observation != nil {
		b.set(flagObserved)
	}
	if b.lazy.protected {
		b.set(flagProtected)
	}
}

// track adds the pending to the trackers of its context. Trackers that the
// options leave out do not see the calls of its function either.
func (b *base) track() {
	trackers := trackersOf(b.ctx)
	if trackers == nil {
		return
	}
	if b.lazy != nil && b.lazy.track != nil {
		kept := trackers.keep(b.lazy.track)
		if kept != trackers {
			b.ctx = withTrackers(b.ctx, kept)
		}
		trackers = kept
	}
	trackers.add(b.handle)
}

func (b *base) core() *base { return b }

func (b *base) is(flag uint32) bool { return b.flags.Load()&flag != 0 }

func (b *base) set(flag uint32) { b.flags.Or(flag) }

func (b *base) unset(flag uint32) { b.flags.And(^flag) }

// ensureLazy returns the lazy state and makes it if necessary. mu must be held.
func (b *base) ensureLazy() *lazyState {
	if b.lazy == nil {
		b.lazy = &lazyState{}
	}
	return b.lazy
}

var lastID atomic.Uint64

// ID returns a number that is unique in this process. See [Handle].
func (b *base) ID() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	x := b.ensureLazy()
	if x.id == 0 {
		x.id = lastID.Add(1)
	}
	return x.id
}

// Name returns the name given at creation, or that of the function behind the pending.
// See [Handle].
func (b *base) Name() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.nameLocked()
}

func (b *base) nameLocked() string {
	if b.lazy != nil && b.lazy.name != "" {
		return b.lazy.name
	}
	return b.function()
}

// function returns the name of the function behind the pending, or "".
func (b *base) function() string {
	if fn := runtime.FuncForPC(b.pc); fn != nil {
		return fn.Name()
	}
	return ""
}

// Metadata returns the map of values attached to the pending, which is not a copy. See
// [Handle].
func (b *base) Metadata() Metadata {
	b.mu.Lock()
	x := b.ensureLazy()
	if x.described {
		defer b.mu.Unlock()
		return x.metadata
	}
	describe, named := x.describe, x.metadata["func"] != nil
	b.mu.Unlock()

	// mu is not held here: several goroutines may describe the pending, and the
	// first one wins.
	m := Metadata{}
	if describe != nil {
		describe(m)
		named = named || m["func"] != nil
	}
	if b.runner != nil && !named {
		m["func"] = b.function()
		b.runner.Describe(m)
	}

	b.mu.Lock()
	defer b.mu.Unlock()
	if !x.described {
		maps.Copy(m, x.metadata)
		x.metadata, x.describe, x.described = m, nil, true
	}
	return x.metadata
}

// Context returns the context that the pending was made with. See [Handle].
func (b *base) Context() context.Context { return b.ctx }

// IsDone reports whether the pending has a value, has an error, or was cancelled and has
// ended. See [Handle].
func (b *base) IsDone() bool { return b.is(flagDone) }

// Cancelled reports whether the pending is marked cancelled, done or not. See [Handle].
func (b *base) Cancelled() bool { return b.is(flagCancelled) }

// Err returns the error of the pending, nil if it has a value, or [ErrNotDone]. See
// [Handle].
func (b *base) Err() error {
	switch flags := b.flags.Load(); {
	case flags&flagDone != 0:
		if b.err != nil {
			b.seeError()
		}
		return b.err
	case flags&flagCancelled != 0:
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.err
	default:
		return ErrNotDone
	}
}

// closed is the Done channel of pendings that were done before Done was called.
var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Done returns a channel that is closed when the pending is done. See [Handle].
func (b *base) Done() <-chan struct{} {
	b.watch()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.is(flagDone):
		return closed
	case b.done == nil:
		b.done = make(chan struct{})
	}
	return b.done
}

// setOutcome gives the pending its outcome. A cancelled pending keeps its
// error. setOutcome reports whether err is the outcome now. mu must be held.
func (b *base) setOutcome(err error, cancelled bool) bool {
	if b.is(flagCancelled) {
		return false
	}
	if cancelled {
		b.set(flagCancelled)
	}
	b.err = err
	return true
}

// markDoneAndNotify makes the pending done and notifies its waiters. mu must be
// held, and is released.
func (b *base) markDoneAndNotify() { b.notify(b.markDone(), nil) }

// markDone makes the pending done and returns its waiters, which the caller of
// markDone must notify. mu must be held, and is released.
func (b *base) markDone() *waiter {
	b.set(flagDone)
	if b.done != nil {
		close(b.done)
	}
	waiters := b.waiters.take()
	var observation Observation
	var unwatch func() bool
	ran := b.is(flagStarted)
	if x := b.lazy; x != nil {
		observation, unwatch = x.observation, x.unwatch
		x.canceller, x.source, x.unwatch, x.needs, x.contended = nil, nil, nil, nil, nil
	}
	b.mu.Unlock()
	if b.runner != nil && !ran {
		b.runner.Dropped()
	}
	if b.runner != nil && b.err != nil {
		b.runner.Failed(ran, b.is(flagCancelled))
	}
	if unwatch != nil {
		b.guard("context", func() { unwatch() })
	}
	if observation != nil {
		b.guard("observer", func() { observation.Done(b.err) })
	}
	return waiters
}

// watch makes the pending end with its context. The first wait, Done or OnDone
// that needs this calls it. Other pendings do not pay for it. A queued function
// does not run under an ended context anyway.
func (b *base) watch() {
	if b.ctx.Done() == nil || b.is(flagDone|flagStarted) || b.isWatched() {
		return
	}
	// mu is not held here: the context may be user code.
	stop := context.AfterFunc(b.ctx, steps.Before(b.steps(b.ctx), b.handle, "sees its context end", func() {
		cause := context.Cause(b.ctx)
		defer func() { b.cancelUnless(flagDone|flagStarted, cause, true) }() // even if an explanation ends the goroutine
		cause = b.endOfContext()
	}))
	b.mu.Lock()
	needed := !b.is(flagDone) && b.ensureLazy().unwatch == nil
	if needed {
		b.lazy.unwatch = stop
	}
	b.mu.Unlock()
	if !needed {
		stop() // another goroutine was faster
	}
}

func (b *base) isWatched() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lazy != nil && b.lazy.unwatch != nil
}

// logger returns where to report a failure that no wait returns. Its handler is
// guarded, because it is called on the goroutine that completes the pending.
func (b *base) logger() *slog.Logger {
	if b.runner != nil {
		return safelog.Wrap(b.runner.Logger())
	}
	return safelog.Wrap(slog.Default())
}
