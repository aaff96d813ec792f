package pending

import "context"

// Handle is what every [Pending] has, whatever the type of its result. All
// methods may be called from any goroutine.
type Handle interface {
	// ID returns a number that no other pending of this process has. It is
	// given out when it is first asked for.
	ID() uint64

	// Name returns the name given at creation, else that of the function
	// behind the pending, else "".
	Name() string

	// Done returns a channel that is closed when the pending is done.
	Done() <-chan struct{}

	// IsDone reports whether the pending is done: it has a result, an error,
	// or it is cancelled and its function, if any, has returned. The seed's
	// done.
	IsDone() bool

	// Err returns nil when the pending is done with a result, the error it
	// failed with, an error matching [ErrCancelled] as soon as it is marked
	// cancelled, and [ErrNotDone] otherwise. The seed's exception.
	Err() error

	// Cancel marks the pending cancelled, with cause (which may be nil)
	// reachable through its error, and asks for its end: the context of its
	// function is cancelled if that is running, and its canceller is called if
	// it has one. It is done when the function has returned, or, without a
	// function, when SetResult or SetError was called. With nobody to ask it is done at once. Later causes are
	// joined to the first one and reach the canceller too. Cancel returns
	// whether the pending is cancelled, so false if it was already done
	// otherwise. The seed's cancel.
	Cancel(cause error) bool

	// CancelWait cancels and waits until the pending is done. It gives the
	// turn away like Wait. The error is that of ctx if ctx ended first, or
	// matches [ErrDeadlock] in the pending's own function; it is never that of
	// the pending. The seed's cancel_wait.
	CancelWait(ctx context.Context, cause error) error

	// Cancelled reports whether the pending is marked cancelled, done or not.
	Cancelled() bool

	// OnDone has fn called once the pending is done, on the goroutine that
	// completes it, after the callbacks registered earlier; at once, on this
	// goroutine, if it is done already. A panic in fn is logged and goes no
	// further. The function returned takes fn back and reports whether that
	// was in time. The seed's add_done_callback.
	//
	// fn should be short. It holds up the goroutine that completes the pending:
	// the callbacks and waits after it, and, for a call, the scheduler of the
	// caller, which still has the turn. So fn must not wait for anything that
	// needs that goroutine or that turn: another function of the same caller, the
	// end of that caller, or a lock that one of its functions holds. Such a wait
	// never ends, and is not reported as [ErrDeadlock], because a callback has no
	// turn that a wait could give away. Work that waits belongs in a call, or on a
	// goroutine that fn starts.
	OnDone(fn func(Handle)) (remove func() bool)

	// SetCanceller has fn called, with the joined causes, by every Cancel
	// from now on. A pending without a function is then done only when
	// SetResult or SetError is called, and one with a function only when its
	// turn comes.
	// It has no effect once the pending is done; nil takes the last one away.
	// A panic in fn is logged and goes no further. The seed's set_canceller.
	SetCanceller(fn func(cause error))

	// Metadata returns what is attached to the pending. The map is the
	// pending's own, so that it can be added to; like any map it is not safe
	// for use by several goroutines at a time.
	Metadata() Metadata

	// Context returns the context the pending was made with: its values, and
	// the cancellation that ends the pending.
	Context() context.Context

	// String describes the pending on one line, for logs.
	String() string

	// core keeps Handle closed: the waits of this package reach behind it.
	core() *base
}

// Metadata is what is attached to a pending under string keys. A call of
// package actors has "func", the name of its function, and "caller".
type Metadata map[string]any
