package pending

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// Handle is what every [Pending] has, whatever the type of its result. It is
// safe for concurrent use.
type Handle interface {
	// ID returns a number that is unique in this process. It is assigned by the
	// first call of ID.
	ID() uint64

	// Name returns the name given at creation. Without one it returns the name
	// of the function behind the pending, or "".
	Name() string

	// Done returns a channel that is closed when the pending is done.
	Done() <-chan struct{}

	// IsDone reports whether the pending is done: it has a result, has an
	// error, or is cancelled. A cancelled pending is done when its function, if
	// any, has returned.
	IsDone() bool

	// Err returns nil when the pending is done with a result, and the error it
	// failed with. As soon as the pending is marked cancelled, the error
	// matches [ErrCancelled]. Otherwise it is [ErrNotDone].
	Err() error

	// Cancel marks the pending cancelled. Its error then matches cause, which
	// may be nil. Cancel also requests the end of the work: it cancels the
	// context of a running function, and calls a canceller.
	//
	// The pending is done when the function has returned. Without a function,
	// but with a canceller, it is done when SetResult or SetError is called. In
	// all other cases it is done at once. Later causes are joined to the first
	// one and reach the canceller too.
	//
	// Cancel returns whether the pending is cancelled. It returns false if the
	// pending was done otherwise before.
	Cancel(cause error) bool

	// CancelWait cancels the pending and waits until it is done. It gives the
	// turn away like Wait. It returns the error of ctx if ctx ended first. In
	// the pending's own function it returns an error that matches
	// [ErrDeadlock]. It never returns the error of the pending.
	CancelWait(ctx context.Context, cause error) error

	// Cancelled reports whether the pending is marked cancelled, done or not.
	Cancelled() bool

	// OnDone makes the goroutine that completes the pending call fn, after the
	// callbacks registered earlier. If the pending is done already, OnDone
	// calls fn at once, on this goroutine. A panic in fn is logged and goes no
	// further. The returned function removes fn and reports whether it was in
	// time.
	//
	// fn should be short. It delays the goroutine that completes the pending,
	// and so the later callbacks and waits. For a call that goroutine runs the
	// scheduler of the caller, and still has the turn. So fn must not wait for
	// anything that needs this goroutine or turn. Examples are another function
	// of the caller, its end, and a lock that one of its functions holds. Such
	// a wait never ends. It is not reported as [ErrDeadlock], because a
	// callback has no turn to give away. Work that waits belongs in a call, or
	// on a goroutine that fn starts.
	OnDone(fn func(Handle)) (remove func() bool)

	// SetCanceller makes every later Cancel call fn, with the joined causes. A
	// pending without a function is then done only when SetResult or SetError
	// is called. A pending whose function has not started is then done only
	// when its turn comes.
	//
	// It has no effect once the pending is done. A nil fn removes the
	// canceller. A panic in fn is logged and goes no further.
	SetCanceller(fn func(cause error))

	// Metadata returns the map of values attached to the pending. The map is
	// not a copy: code may add to it. Like any map it is not safe for
	// concurrent use.
	Metadata() Metadata

	// Context returns the context the pending was made with. It carries the
	// values, and its end cancels the pending.
	Context() context.Context

	// String describes the pending on one line, for logs.
	String() string

	sealed // keeps Handle closed: waits need what is behind it
}

// sealed is what embeds a core.
type sealed = future.Sealed

// core is a pending without its value.
type core = future.Core

// handleOf returns the pending of a core.
func handleOf(c *core) Handle { return future.Handle(c).(Handle) }

// handlesOf returns the pendings of a set of cores, in no order.
func handlesOf[V any](cores map[*core]V) []Handle {
	handles := make([]Handle, 0, len(cores))
	for c := range cores {
		handles = append(handles, handleOf(c))
	}
	return handles
}

// Current returns the pending whose function runs with ctx. Outside of a function it
// returns nil and false. For the caller of the function, use [actors.Current].
//
// [actors.Current]:
// https://pkg.go.dev/github.com/seed-7fcaac1b/protocaller/actors#Current
func Current(ctx context.Context) (Handle, bool) {
	requireContext(ctx, "Current")
	if task := future.Running(ctx); task != nil {
		return handleOf(task.Core()), true
	}
	return nil, false
}

// Metadata is what is attached to a pending under string keys. A call of
// package actors has "func", the name of its function, and "caller".
type Metadata map[string]any
