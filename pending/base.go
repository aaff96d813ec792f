package pending

import (
	"context"
	"log/slog"
	"maps"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/internal/safelog"
)

// The life of a pending. Done is final; cancelled may come before it, and
// only before it.
const (
	flagStarted  uint32 = 1 << iota // the function was called
	flagReturned                    // and has returned
	flagCancelled
	flagDone
	flagObserved // there is an observation, from the beginning
	flagWaiting  // the function waits, with its turn
	flagProtected
)

// base is a Pending without its value.
type base struct {
	mu    sync.Mutex
	flags atomic.Uint32 // those of a cancelled or done pending change under mu

	handle Handle
	ctx    context.Context
	runner Runner  // nil where no function stands behind the pending
	pc     uintptr // of that function

	// Under mu until the pending is done, constant after.
	err     error
	done    chan struct{} // made when first asked for
	waiters waiterList
	lazy    *lazyState // what few pendings have

	// The cancellation of the running function's context, made when first
	// needed.
	cancellation atomic.Pointer[cancelContext]
}

// lazyState holds what few pendings have, so that the others stay small.
type lazyState struct {
	id          uint64
	name        string
	metadata    Metadata
	describe    func(Metadata)
	described   bool // metadata is complete, and known outside
	canceller   func(error)
	source      *base // that a pending made by Then cancels, unless it has a canceller
	derived     bool  // made by Then
	observation Observation
	unwatch     func() bool // ends the watch over ctx
	later       int         // how many causes came after the first one
	completer   Handle      // whose function is to complete the pending
	options
}

type options struct {
	observer Observer
	track    func(Tracker) bool // nil for all trackers, if any
	tracked  bool

	protected bool
}

// Option changes how a pending is made.
type Option func(*lazyState)

// Named gives the pending a name, for String, logs and spans.
func Named(name string) Option {
	return func(x *lazyState) { x.name = name }
}

// With attaches a value to the pending's metadata.
func With(key string, value any) Option {
	return func(x *lazyState) {
		if x.metadata == nil {
			x.metadata = Metadata{}
		}
		x.metadata[key] = value
	}
}

// DescribedBy has describe make the pending's metadata when that is first asked for, and
// not before: for what few ask for. What is attached in another way stands above it.
// Several are asked in their order. They may run on several goroutines at a time,
// and must not ask for the pending's metadata.
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

// TrackedBy has those trackers told of the pending, and of what its function
// calls, for which keep returns true, out of the ones that its context carries.
// The seed's trackers.
func TrackedBy(keep func(Tracker) bool) Option {
	if keep == nil {
		panic("pending: TrackedBy with a nil function")
	}
	return func(x *lazyState) { x.tracked, x.track = true, keep }
}

// Tracked has all trackers of the context told of a pending made by [New],
// which they are not otherwise.
func Tracked() Option { return func(x *lazyState) { x.tracked = true } }

// Untracked has no tracker told of the pending, nor of what its function calls.
func Untracked() Option { return TrackedBy(func(Tracker) bool { return false }) }

// KeptBy says of a pending made by [New] that the function behind h, and nobody
// else, is to complete it. Whoever waits for it waits for that function, so that
// the wait is [ErrDeadlock] where one for h would be. A nil h says nothing.
func KeptBy(h Handle) Option {
	if isNil(h) {
		h = nil // for those who compare
	}
	return func(x *lazyState) { x.completer = h }
}

// Protected makes a pending that no wait cancels, as if every wait for it were
// given [Protect]: not Wait nor WaitSync when they end early, not [All], [Any] nor
// [AsCompleted] when they leave it behind. What [Then] makes of it is protected
// too.
//
// Cancel still cancels the pending, and so do the end of the context that it was
// made with, a group that it is a member of, and a stop of its caller. The seed's
// ProtectedPending. For a call it is given to package actors as a PendingOptions.
func Protected() Option {
	return func(x *lazyState) { x.protected = true }
}

// ObservedBy has o told of the pending.
func ObservedBy(o Observer) Option {
	return func(x *lazyState) { x.observer = o }
}

// init makes b the inside of handle. It is called once, before anybody else
// knows of handle.
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
	if o := b.lazy.observer; o != nil {
		b.ctx, b.lazy.observation = o.Observe(b.ctx, b.handle)
	}
	if b.lazy.observation != nil {
		b.set(flagObserved)
	}
	if b.lazy.protected {
		b.set(flagProtected)
	}
}

// track tells the trackers that the context carries of the pending. Those that
// the options leave out are not told of what its function calls either.
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

// ensureLazy returns what few pendings have, to be written to. The caller holds mu.
func (b *base) ensureLazy() *lazyState {
	if b.lazy == nil {
		b.lazy = &lazyState{}
	}
	return b.lazy
}

var lastID atomic.Uint64

// ID implements [Handle].
func (b *base) ID() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	x := b.ensureLazy()
	if x.id == 0 {
		x.id = lastID.Add(1)
	}
	return x.id
}

// Name implements [Handle].
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

func programCounter(fn any) uintptr { return reflect.ValueOf(fn).Pointer() }

// Metadata implements [Handle].
func (b *base) Metadata() Metadata {
	b.mu.Lock()
	x := b.ensureLazy()
	if x.described {
		defer b.mu.Unlock()
		return x.metadata
	}
	describe, named := x.describe, x.metadata["func"] != nil
	b.mu.Unlock()

	// Without mu, and so perhaps on several goroutines, of which the first wins.
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

// Context implements [Handle].
func (b *base) Context() context.Context { return b.ctx }

// IsDone implements [Handle].
func (b *base) IsDone() bool { return b.is(flagDone) }

// Cancelled implements [Handle].
func (b *base) Cancelled() bool { return b.is(flagCancelled) }

// Err implements [Handle].
func (b *base) Err() error {
	switch flags := b.flags.Load(); {
	case flags&flagDone != 0:
		return b.err
	case flags&flagCancelled != 0:
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.err
	default:
		return ErrNotDone
	}
}

// closed is the Done channel of pendings that were done before it was asked for.
var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Done implements [Handle].
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

// setOutcome gives the pending its outcome unless it is cancelled, whose error it
// keeps. It reports whether err is the outcome now. mu must be held.
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

// markDoneAndNotify makes the pending done, and notifies those who wait for it. mu must be
// held, and is released.
func (b *base) markDoneAndNotify() { b.notify(b.markDone(), nil) }

// markDone makes the pending done like markDoneAndNotify, but returns the waiters, who are still to be notified.
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
		x.canceller, x.source, x.unwatch = nil, nil, nil
	}
	b.mu.Unlock()
	if b.runner != nil && !ran {
		b.runner.Dropped()
	}
	if unwatch != nil {
		b.guard("context", func() { unwatch() })
	}
	if observation != nil {
		b.guard("observer", func() { observation.Done(b.err) })
	}
	return waiters
}

// watch has the pending end with its context. Nobody needs that before
// somebody looks at the pending, so it is only then that it is paid for; a
// function that waits its turn is not run under an ended context anyway.
func (b *base) watch() {
	if b.ctx.Done() == nil || b.is(flagDone|flagStarted) || b.isWatched() {
		return
	}
	// Without mu: the context may be one of user code.
	stop := context.AfterFunc(b.ctx, func() {
		b.cancelUnless(flagDone|flagStarted, context.Cause(b.ctx), true)
	})
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

// logger returns where to report a failure that concerns nobody who waits. It is
// called on whatever goroutine completes the pending, so that its handler is guarded.
func (b *base) logger() *slog.Logger {
	if b.runner != nil {
		return safelog.Wrap(b.runner.Logger())
	}
	return safelog.Wrap(slog.Default())
}
