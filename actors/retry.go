package actors

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// RetryOption changes how [Retry] tries again.
type RetryOption func(*retryPlan)

// retryPlan is the result of the options of Retry.
type retryPlan struct {
	attempts         int
	initial, longest time.Duration
	jitter           float64
	retryIf          func(error) bool // nil for any error
	invalid          error
}

// Attempts sets how often the function is called at most. The default is 3. A number that is
// not positive is an error of the pending.
func Attempts(n int) RetryOption {
	return func(r *retryPlan) {
		if n <= 0 {
			r.reject("Attempts(%d): must be positive", n)
		}
		r.attempts = n
	}
}

// RetryBackoff sets the time between attempts: initial at first, and twice the time
// before from then on, up to longest. The defaults are 100 milliseconds and 10 seconds. An
// initial time that is not positive, or is more than longest, is an error of the pending.
func RetryBackoff(initial, longest time.Duration) RetryOption {
	return func(r *retryPlan) {
		switch {
		case initial <= 0:
			r.reject("RetryBackoff(%v, %v): the initial time must be positive", initial, longest)
		case longest < initial:
			r.reject("RetryBackoff(%v, %v): the longest time must not be less than the initial one", initial, longest)
		}
		r.initial, r.longest = initial, longest
	}
}

// RetryJitter shortens each time between attempts by a random part, of at most share. The
// default is 0.2. A share that is not between 0 and 1 is an error of the pending.
func RetryJitter(share float64) RetryOption {
	return func(r *retryPlan) {
		if !(share >= 0 && share <= 1) { // also if it is not a number
			r.reject("RetryJitter(%v): must be between 0 and 1", share)
		}
		r.jitter = share
	}
}

// RetryIf has the function called again only after errors for which again returns true. It
// runs on the turn of the function. By default any error counts. A nil function panics here.
func RetryIf(again func(error) bool) RetryOption {
	if again == nil {
		panic("actors: RetryIf with a nil function")
	}
	return func(r *retryPlan) { r.retryIf = again }
}

func (r *retryPlan) reject(format string, args ...any) {
	r.invalid = errors.Join(r.invalid, fmt.Errorf("actors: "+format, args...))
}

// Retry has the function of the call called again when it returns an error, after a time
// that grows. The function gives its turn away in between, as by [Sleep]. It is one call,
// whose span has an event for each attempt. Each one after the first has a span of its own
// too, below that of the call, with a link to the attempt before.
//
// The call ends with the first result. After the last attempt its error wraps that of the
// attempt, and says how many there were. The end of the context, [Timeout], a stop and a
// restart end the call without another attempt. The error then wraps that of the last
// attempt too. A panic is not tried again.
//
// An option that makes no sense is an error of the pending, and nothing is called.
func Retry(opts ...RetryOption) CallOption {
	requireOptions(opts, "Retry")
	r := &retryPlan{attempts: 3, initial: 100 * time.Millisecond, longest: 10 * time.Second, jitter: 0.2}
	for _, opt := range opts {
		opt(r)
	}
	return func(o *callOptions) { o.retry = r }
}

// withRetry returns fn as a function that calls it as often as needed.
func withRetry[T any](c *Caller, fn func(context.Context) (T, error), r *retryPlan) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) {
		traces := c.instruments().Retries()
		var last error
		for n := 1; ; n++ {
			value, err := try(traces.Call(ctx, last), fn, traces)
			if err == nil || ctx.Err() != nil {
				return value, err
			}
			if n == r.attempts || r.retryIf != nil && !r.retryIf(err) {
				if n > 1 {
					err = fmt.Errorf("actors: attempt %d of %d: %w", n, r.attempts, err)
				}
				return value, err
			}
			if ended := Sleep(ctx, r.delay(n, c.registry.random())); ended != nil {
				err = fmt.Errorf("actors: no more than attempt %d of %d: %w", n, r.attempts, err)
				if call, ok := pending.Current(ctx); ok && call.Cancelled() {
					call.Cancel(err) // it has its error, to which this one is added
				}
				return value, fmt.Errorf("%w: %w", ended, err)
			}
			last = err
		}
	}
}

// try calls fn, and ends the span of that.
func try[T any](
	ctx context.Context, fn func(context.Context) (T, error), traces *instrument.Retries,
) (value T, err error) {
	returned := false
	defer func() {
		if returned {
			traces.End(err, false)
			return
		}
		crash := recover() // goes on
		if crash == nil {
			traces.End(errFunctionGoexit, false)
			return
		}
		traces.End(&pending.PanicError{Value: crash, Stack: debug.Stack()}, true)
		panic(crash)
	}()
	value, err = fn(ctx)
	returned = true
	return value, err
}

// delay returns the time after the attempt n, which counts from 1. The jitter takes chance
// of it, from 0 to 1.
func (r *retryPlan) delay(n int, chance float64) time.Duration {
	d := r.initial
	for range n - 1 {
		if d > r.longest/2 { // twice that might overflow
			d = r.longest
			break
		}
		d *= 2
	}
	return d - time.Duration(chance*r.jitter*float64(d))
}
