package pending

import (
	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// Option changes how a pending is made. The calls of package actors have options of their
// own. Those of package rpc take these.
type Option func(*details)

type details = future.Details

// Named gives the pending a name, for String, logs and spans. For a call, use
// [actors.Named].
//
// [actors.Named]: https://pkg.go.dev/github.com/seed-7fcaac1b/protocaller/actors#Named
func Named(name string) Option {
	return func(d *details) { d.Name = name }
}

// With attaches a value to the pending's metadata. For a call, use [actors.With].
//
// [actors.With]: https://pkg.go.dev/github.com/seed-7fcaac1b/protocaller/actors#With
func With(key string, value any) Option {
	return func(d *details) {
		if d.Metadata == nil {
			d.Metadata = Metadata{}
		}
		d.Metadata[key] = value
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
	return func(d *details) {
		d.Tracked = true
		d.Track = func(t future.Tracker) bool { return keep(t.(tracking).Tracker) }
	}
}

// CompletedBy names the function that completes a pending made by [New]: the one behind
// h. A wait for the pending then counts as a wait for h. It returns [ErrDeadlock] where
// a wait for h would. A nil h has no effect.
func CompletedBy(h Handle) Option {
	var completer *core
	if !isNil(h) {
		completer = future.Of(h)
	}
	return func(d *details) { d.Completer = completer }
}

// Protected makes a pending that no wait cancels, as if every wait for it were given
// [Protect]. Wait and WaitSync do not cancel it when they end early. [All], [Any] and
// [AsCompleted] do not cancel it when they return before it is done. What [Then] makes of
// it is protected too.
//
// Cancel still cancels the pending. So do the end of its context, a group around it, and
// a stop of its caller. For a call, use [actors.Protected].
//
// [actors.Protected]: https://pkg.go.dev/github.com/seed-7fcaac1b/protocaller/actors#Protected
func Protected() Option {
	return func(d *details) { d.Protected = true }
}

// observer follows pendings, groups and loops from their beginning to their end.
type observer = future.Observer

// ObservedBy makes o observe the pending, besides the observers that it has. The context
// that an observer returns is that of the ones after it. A *telemetry.Telemetry is an
// observer. A nil o has no effect.
func ObservedBy(o observer) Option {
	return func(d *details) {
		if o != nil {
			d.AddObserver(o)
		}
	}
}
