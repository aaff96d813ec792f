package future

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

// Core is a pending without its value. Its exported methods are those of every pending, except
// OnDone and those that know the type of the value. They are promoted to that pending, so there
// are no others: the rest are functions of this package, and the methods of [Task].
type Core struct {
	mu    sync.Mutex
	flags atomic.Uint32 // flagCancelled and flagDone are set under mu

	handle Sealed
	ctx    context.Context
	runner Runner  // nil without a function behind the pending
	pc     uintptr // of that function

	// Guarded by mu until the pending is done, constant after.
	err     error
	done    chan struct{} // made by the first Done
	waiters waiterList
	details *Details // nil for most pendings

	// The cancellation of the running function's context, made when it is first
	// needed.
	cancellation atomic.Pointer[cancelContext]
}

// Sealed is a pending of any type: what embeds a [Core].
type Sealed interface{ sealed() *Core }

func (c *Core) sealed() *Core { return c }

// Of returns the core of a pending.
func Of(h Sealed) *Core { return h.sealed() }

// Handle returns the pending that c is the core of.
func Handle(c *Core) Sealed { return c.handle }

// Details are what few pendings have. They keep the others small. The exported fields are set
// by options, before the pending is published. Later they are guarded by its mu.
type Details struct {
	Name      string
	PC        uintptr              // of the function that the names are about; 0 for the one behind the pending
	Metadata  map[string]any       // Describe adds to it when it is first asked for
	Describe  func(map[string]any) // nil for nothing to add
	Explain   func() string        // says how far the work is
	Completer *Core                // its function completes this pending
	Needs     Node                 // what else completes it
	Observer  Observer
	Track     func(Tracker) bool // nil for all trackers, if any
	Tracked   bool               // without a function too
	Protected bool

	noted    bool // a test wants to know where it is made, and who ends it
	hasEnder bool // the program has cancelled it, or tried to complete it when it was done

	id          uint64
	described   bool  // Metadata is complete, and may be in use outside
	derived     bool  // made by Then
	later       int32 // the number of causes after the first one
	canceller   func(error)
	source      *Core // cancelled with this pending, which Then made; nil with a canceller
	observation Observation
	unwatch     func() bool        // stops watching ctx
	unseen      *runtime.Cleanup   // logs the error when the pending is collected; nil for none
	origin      Runner             // of the call that Then has made the pending of; nil after the end
	passed      *Core              // whose error this pending has, which Then made; nil for none
	contended   []Lock             // that the function holds or has held, while goroutines waited
	progress    *snapshot.Progress // what the function says of it; nil for nothing
	maker       *snapshot.Maker    // nil if nobody looked when the pending was made, or no call has made it
}

// Apply returns the details that options ask for, or nil without options.
func Apply[O ~func(*Details)](opts []O) *Details { return ApplyObserved(nil, opts) }

// ApplyObserved is [Apply] with an observer before those of the options. A nil o is none.
func ApplyObserved[O ~func(*Details)](o Observer, opts []O) *Details {
	if o == nil && len(opts) == 0 {
		return nil
	}
	d := &Details{Observer: o}
	for _, opt := range opts {
		opt(d)
	}
	return d
}

// Tracked is an option. It adds a pending without a function to all trackers of its context.
// Without it, trackers see calls alone.
func Tracked(d *Details) { d.Tracked = true }

// ImplementedBy is an option. It makes fn the function of the pending in names, logs and spans,
// although another one calls it.
func ImplementedBy(fn any) func(*Details) {
	pc := entry.Of(fn)
	return func(d *Details) { d.PC = pc }
}

// ExplainedBy is an option. It makes explain say how far the work behind a pending without a
// function is. The error of a wait that ends early has that text after the name of the pending.
//
// explain may be called on any goroutine.
func ExplainedBy(explain func() string) func(*Details) {
	return func(d *Details) { d.Explain = explain }
}

// DescribedBy is an option. It makes describe fill in the metadata of the pending when the
// metadata is first asked for. Values attached in another way take precedence.
//
// describe may run on several goroutines at a time. It must not ask for the metadata.
func DescribedBy(describe func(metadata map[string]any)) func(*Details) {
	return func(d *Details) { d.Describe = describe }
}

// Needing is an option. It says what completes a pending without a function, for the search
// for waits that can never end.
func Needing(node Node) func(*Details) {
	return func(d *Details) { d.Needs = node }
}

// Init makes c the core of handle, a pending without a function. It is called once, before
// handle is published.
func Init(ctx context.Context, c *Core, handle Sealed, d *Details) {
	c.init(ctx, handle, nil, d)
	if recording.Load() != 0 {
		c.noteMade(ctx)
	}
}

// init makes c the core of handle. o is the observer of a pending without details, or nil.
func (c *Core) init(ctx context.Context, handle Sealed, o Observer, d *Details) {
	c.handle = handle
	c.ctx = scheduleContext(ctx)
	switch {
	case d != nil:
		c.apply(d)
	case o != nil:
		c.observe(o)
	}
	if c.runner != nil || d != nil && d.Tracked {
		c.track()
	}
	if c.runner != nil && snapshot.Looking() {
		c.noteMaker(ctx)
	}
}

func (c *Core) apply(d *Details) {
	c.details = d
	if d.PC != 0 {
		c.pc = d.PC
	}
	if d.Observer != nil {
		c.observe(d.Observer)
	}
	if d.Protected {
		c.set(flagProtected)
	}
	if d.derived {
		c.set(flagDerived)
	}
}

// observe has o observe the pending. A pending that turns out not to be observed gets no
// details for it.
func (c *Core) observe(o Observer) {
	var made Guarded
	c.ctx, made = Observe(c.ctx, o, c)
	if made.Observation == nil {
		return
	}
	c.mu.Lock() // o knows the pending, and other goroutines may by now
	defer c.mu.Unlock()
	if c.details == nil {
		c.details = roomOf(made.Observation)
	}
	c.details.observation = made.Observation
	c.set(flagObserved)
}

// track adds the pending to the trackers of its context. Trackers that the
// options leave out do not see the calls of its function either.
func (c *Core) track() {
	trackers := TrackersOf(c.ctx)
	if trackers == nil {
		return
	}
	if c.details != nil && c.details.Track != nil {
		kept := trackers.Keep(c.details.Track)
		if kept != trackers {
			c.ctx = WithTrackers(c.ctx, kept)
		}
		trackers = kept
	}
	trackers.add(c)
}

func (c *Core) is(flag uint32) bool { return c.flags.Load()&flag != 0 }

func (c *Core) set(flag uint32) { c.flags.Or(flag) }

func (c *Core) unset(flag uint32) { c.flags.And(^flag) }

// ensureDetails returns the details, and makes them if necessary. mu must be held.
func (c *Core) ensureDetails() *Details {
	if c.details == nil {
		c.details = &Details{}
	}
	return c.details
}

var lastID atomic.Uint64

// ID returns a number that is unique in this process.
func (c *Core) ID() uint64 {
	c.mu.Lock()
	id := c.ensureDetails().id
	c.mu.Unlock()
	if id != 0 {
		return id
	}
	id = c.nextID() // mu is not held: it asks the context
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.details.id == 0 { // else another goroutine was faster
		c.details.id = id
	}
	return c.details.id
}

func (c *Core) nextID() uint64 {
	if steps.Exploring() {
		if chooser := c.steps(c.ctx); chooser != nil {
			return chooser.NextID()
		}
	}
	return lastID.Add(1)
}

// Name returns the name given at creation, or that of the function behind the pending.
func (c *Core) Name() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nameLocked()
}

func (c *Core) nameLocked() string {
	if c.details != nil && c.details.Name != "" {
		return c.details.Name
	}
	return c.function()
}

// function returns the name of the function behind the pending, or "".
func (c *Core) function() string {
	if fn := runtime.FuncForPC(c.pc); fn != nil {
		return fn.Name()
	}
	return ""
}

// Metadata returns the map of values attached to the pending, which is not a copy.
func (c *Core) Metadata() map[string]any {
	c.mu.Lock()
	x := c.ensureDetails()
	if x.described {
		defer c.mu.Unlock()
		return x.Metadata
	}
	describe, named := x.Describe, x.Metadata["func"] != nil
	c.mu.Unlock()

	// mu is not held here: several goroutines may describe the pending, and the
	// first one wins.
	m := map[string]any{}
	if describe != nil {
		describe(m)
		named = named || m["func"] != nil
	}
	if c.runner != nil && !named {
		m["func"] = c.function()
		c.runner.Describe(m)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if !x.described {
		maps.Copy(m, x.Metadata)
		x.Metadata, x.Describe, x.described = m, nil, true
	}
	return x.Metadata
}

// Context returns the context that the pending was made with.
func (c *Core) Context() context.Context { return c.ctx }

// IsDone reports whether the pending has a value, has an error, or was cancelled and has
// ended.
func (c *Core) IsDone() bool { return c.is(flagDone) }

// Cancelled reports whether the pending is marked cancelled, done or not.
func (c *Core) Cancelled() bool { return c.is(flagCancelled) }

// Err returns the error of the pending, nil if it has a value, or [ErrNotDone].
func (c *Core) Err() error {
	switch flags := c.flags.Load(); {
	case flags&flagDone != 0:
		if c.err != nil {
			c.seeError()
		}
		return c.err
	case flags&flagCancelled != 0:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.err
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

// Done returns a channel that is closed when the pending is done.
func (c *Core) Done() <-chan struct{} {
	c.watch()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.is(flagDone):
		return closed
	case c.done == nil:
		c.done = make(chan struct{})
	}
	return c.done
}

// setOutcome gives the pending its outcome. A cancelled pending keeps its
// error. setOutcome reports whether err is the outcome now. mu must be held.
func (c *Core) setOutcome(err error, cancelled bool) bool {
	if c.is(flagCancelled) {
		return false
	}
	if cancelled {
		c.set(flagCancelled)
	}
	c.err = err
	return true
}

// markDoneAndNotify makes the pending done and notifies its waiters. mu must be
// held, and is released.
func (c *Core) markDoneAndNotify() { c.notify(c.markDone(), nil) }

// markDone makes the pending done and returns its waiters, which the caller of
// markDone must notify. mu must be held, and is released.
func (c *Core) markDone() *waiter {
	c.set(flagDone)
	if c.done != nil {
		close(c.done)
	}
	waiters := c.waiters.take()
	var observation Observation
	var unwatch func() bool
	ran := c.is(flagStarted)
	if x := c.details; x != nil {
		observation, unwatch = x.observation, x.unwatch
		x.canceller, x.source, x.unwatch, x.Needs, x.contended = nil, nil, nil, nil, nil
	}
	c.mu.Unlock()
	if c.runner != nil && !ran {
		c.runner.Dropped()
	}
	if c.runner != nil && c.err != nil {
		c.runner.Failed(ran, c.is(flagCancelled))
	}
	if unwatch != nil {
		c.guard("context", func() { unwatch() })
	}
	if observation != nil {
		c.guard("observer", func() { observation.Done(c.err) })
	}
	return waiters
}

// watch makes the pending end with its context. The first wait, Done or OnDone
// that needs this calls it. Other pendings do not pay for it. A queued function
// does not run under an ended context anyway.
func (c *Core) watch() {
	if c.ctx.Done() == nil || c.is(flagDone|flagStarted) || c.isWatched() {
		return
	}
	// mu is not held here: the context may be user code.
	stop := context.AfterFunc(c.ctx, steps.Before(c.steps(c.ctx), c.handle, "sees its context end", func() {
		cause := context.Cause(c.ctx)
		defer func() { c.cancelUnless(flagDone|flagStarted, cause, true) }() // even if an explanation ends the goroutine
		cause = c.endOfContext()
	}))
	c.mu.Lock()
	needed := !c.is(flagDone) && c.ensureDetails().unwatch == nil
	if needed {
		c.details.unwatch = stop
	}
	c.mu.Unlock()
	if !needed {
		stop() // another goroutine was faster
	}
}

func (c *Core) isWatched() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.details != nil && c.details.unwatch != nil
}

// logger returns where to report a failure that no wait returns. Its handler is
// guarded, because it is called on the goroutine that completes the pending.
func (c *Core) logger() *slog.Logger {
	if c.runner != nil {
		return safelog.Wrap(c.runner.Logger())
	}
	return safelog.Wrap(slog.Default())
}

// Origin returns the name that was given to a pending, or "". It also returns the entry of the
// function behind it, or 0 if there is none.
func Origin(c *Core) (given string, pc uintptr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.details != nil {
		given = c.details.Name
	}
	return given, c.pc
}

// IsProtected reports whether no wait cancels a pending.
func IsProtected(c *Core) bool { return c.is(flagProtected) }
