package supervision

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// RestartOption limits or delays the restarts of [Restart].
type RestartOption func(*restartPlan)

// MaxRestarts allows n restarts within a time. A caller that fails more than n times within it is
// stopped. By default there is no limit.
//
// If n is 0, the first failure stops the caller. If within is 0, all failures of the caller count,
// however old. Neither may be negative.
//
// The time includes the delays of [Backoff]. If these delay n restarts by that time or more, the limit
// could never be exceeded. [Policy.Validate] reports that.
func MaxRestarts(n int, within time.Duration) RestartOption {
	return func(r *restartPlan) {
		switch {
		case n < 0:
			r.reject("MaxRestarts(%d, %v): the number of restarts must not be negative", n, within)
		case within < 0:
			r.reject("MaxRestarts(%d, %v): the time must not be negative", n, within)
		default:
			r.limit = &restartLimit{restarts: n, within: within}
		}
	}
}

// Backoff delays each restart. The first delay is initial, and each further one twice the delay before
// it, up to longest. By default a restart happens at once.
//
// The delays begin with initial again when the caller has worked for longest without a failure since its
// last restart. The initial delay must be positive, and longest must not be less than it.
func Backoff(initial, longest time.Duration) RestartOption {
	return func(r *restartPlan) {
		switch {
		case initial <= 0:
			r.reject("Backoff(%v, %v): the initial delay must be positive", initial, longest)
		case longest < initial:
			r.reject("Backoff(%v, %v): the longest delay must not be less than the initial one", initial, longest)
		default:
			r.initialDelay, r.longestDelay = initial, longest
		}
	}
}

// Jitter shortens each delay of [Backoff] by a random part, so that callers that failed together do not
// restart together. The delay is drawn uniformly between delay*(1-fraction) and delay.
//
// The fraction must be between 0 and 1. The default is 0. Without [Backoff] it has no effect.
func Jitter(fraction float64) RestartOption {
	return func(r *restartPlan) {
		// In this form the condition rejects NaN too.
		if !(fraction >= 0 && fraction <= 1) {
			r.reject("Jitter(%v): the fraction must be between 0 and 1", fraction)
			return
		}
		r.jitter = fraction
	}
}

// restartPlan is the result of the options of Restart.
type restartPlan struct {
	limit        *restartLimit // nil for no limit
	initialDelay time.Duration
	longestDelay time.Duration // 0 for restarts at once
	jitter       float64
	invalid      error
}

// restartLimit allows a number of restarts within a time; 0 means forever. It never changes, because
// copies of a policy share it.
type restartLimit struct {
	restarts int
	within   time.Duration
}

func (l restartLimit) expired(failure, now time.Time) bool {
	return l.within > 0 && now.Sub(failure) >= l.within
}

func (r *restartPlan) reject(format string, args ...any) {
	r.invalid = errors.Join(r.invalid, fmt.Errorf("supervision: "+format, args...))
}

// delay returns the delay of the restart after that many failures in a row, which is at least one.
func (r restartPlan) delay(failures int, random func() float64) time.Duration {
	if r.longestDelay == 0 {
		return 0 // doubling it would take as many steps as there are failures
	}
	delay := r.initialDelay
	for range failures - 1 {
		// Comparing with the half keeps the doubling from overflowing.
		if delay > r.longestDelay/2 {
			delay = r.longestDelay
			break
		}
		delay *= 2
	}
	return delay - time.Duration(random()*r.jitter*float64(delay))
}

func (r restartPlan) String() string {
	var options []string
	if r.limit != nil {
		options = append(options, fmt.Sprintf("MaxRestarts(%d, %v)", r.limit.restarts, r.limit.within))
	}
	if r.longestDelay > 0 {
		options = append(options, fmt.Sprintf("Backoff(%v, %v)", r.initialDelay, r.longestDelay))
	}
	if r.jitter > 0 {
		options = append(options, fmt.Sprintf("Jitter(%v)", r.jitter))
	}
	return strings.Join(options, ", ")
}
