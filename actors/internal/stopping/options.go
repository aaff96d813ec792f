// Package stopping has what a stop of a caller can be asked for. Package rpc asks for more than
// programs can.
package stopping

// Options are those of a stop.
type Options struct {
	// Force is that protected callers stop too.
	Force bool
	// Cause is why the caller is stopped, nil for no reason.
	Cause error
}

// Because is an option. It says why the caller is stopped. What the stop cancels or rejects ends
// with an error that matches the cause too. The event that the caller has stopped has the cause
// as its error. If the caller is stopping already, the cause has no effect.
func Because(cause error) func(*Options) { return func(o *Options) { o.Cause = cause } }
