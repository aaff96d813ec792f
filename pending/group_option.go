package pending

import "time"

// Mode says what a [Group] does when a member is cancelled. When a member fails, every
// group cancels the others and reports the failure.
type Mode int

const (
	// IgnoreCancelled lets the others go on, and reports nothing. It is the
	// default.
	IgnoreCancelled Mode = iota
	// CancelAndReport cancels the group, and reports [ErrCancelled].
	CancelAndReport
	// CancelQuietly cancels the group, and reports nothing.
	CancelQuietly
	// ReportCancelled lets the others go on, and reports [ErrCancelled] when
	// all are done.
	ReportCancelled
)

// cancels reports whether a cancelled member cancels the group.
func (m Mode) cancels() bool { return m == CancelAndReport || m == CancelQuietly }

// reports reports whether a cancellation is an error of the group.
func (m Mode) reports() bool { return m == CancelAndReport || m == ReportCancelled }

// defaultCancelTimeout is the time of [WithCancelTimeout].
const defaultCancelTimeout = 10 * time.Second

type groupOptions struct {
	mode          Mode
	shield        bool
	limited       bool
	timeout       time.Duration
	cancelTimeout time.Duration
	observer      observer
}

// GroupOption changes how a [Group] ends.
type GroupOption func(*groupOptions)

// WithMode sets what the group does when a member is cancelled. The default is
// [IgnoreCancelled].
func WithMode(m Mode) GroupOption { return func(o *groupOptions) { o.mode = m } }

// WithShield makes the group ignore the end of the outer context. [Group.Cancel] and
// [WithTimeout] still count.
func WithShield() GroupOption { return func(o *groupOptions) { o.shield = true } }

// WithTimeout cancels the group after d. The group then reports an error that matches
// [context.DeadlineExceeded].
func WithTimeout(d time.Duration) GroupOption {
	return func(o *groupOptions) { o.limited, o.timeout = true, d }
}

// WithObserver makes o observe the group as if it were a pending, from its
// start until Wait returns. Calls under the group's context are made under the
// context that o returns.
func WithObserver(o observer) GroupOption { return func(g *groupOptions) { g.observer = o } }

// WithCancelTimeout sets how long a cancelled group waits for members that do not end.
// The default is 10 seconds.
func WithCancelTimeout(d time.Duration) GroupOption {
	return func(o *groupOptions) { o.cancelTimeout = d }
}
