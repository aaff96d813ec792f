package pending

import "time"

// Mode says what a [Group] does when a member is cancelled. When a member
// fails, every group cancels the others and reports the failure.
type Mode int

const (
	// IgnoreCancelled lets the others go on, and reports nothing. The default;
	// the seed's mode 0.
	IgnoreCancelled Mode = iota
	// CancelAndReport cancels the group, and reports [ErrCancelled]. The
	// seed's mode 1.
	CancelAndReport
	// CancelQuietly cancels the group, and reports nothing. The seed's mode 2.
	CancelQuietly
	// ReportCancelled lets the others go on, and reports [ErrCancelled] in the
	// end. The seed's mode 3.
	ReportCancelled
)

// cancels reports whether a cancelled member ends the group.
func (m Mode) cancels() bool { return m == CancelAndReport || m == CancelQuietly }

// reports reports whether a cancellation is an error of the group.
func (m Mode) reports() bool { return m == CancelAndReport || m == ReportCancelled }

// DefaultCancelTimeout is how long the wait for a cancelled group goes on for
// members that ignore it.
const DefaultCancelTimeout = 10 * time.Second

type groupOptions struct {
	mode          Mode
	shield        bool
	limited       bool
	timeout       time.Duration
	cancelTimeout time.Duration
	observer      Observer
}

// GroupOption changes how a group ends.
type GroupOption func(*groupOptions)

// WithMode sets what the group does when a member is cancelled.
func WithMode(m Mode) GroupOption { return func(o *groupOptions) { o.mode = m } }

// WithShield keeps the end of the outer context from the group.
func WithShield() GroupOption { return func(o *groupOptions) { o.shield = true } }

// WithTimeout cancels the group after d, and has it report an error that
// matches [context.DeadlineExceeded].
func WithTimeout(d time.Duration) GroupOption {
	return func(o *groupOptions) { o.limited, o.timeout = true, d }
}

// WithObserver has o told of the group as if it were a pending, from now until
// Wait returns. What is called under the group's context is called under the
// one that o returns.
func WithObserver(o Observer) GroupOption { return func(g *groupOptions) { g.observer = o } }

// WithCancelTimeout sets how long the wait for a cancelled group goes on for
// members that ignore it, instead of [DefaultCancelTimeout].
func WithCancelTimeout(d time.Duration) GroupOption {
	return func(o *groupOptions) { o.cancelTimeout = d }
}
