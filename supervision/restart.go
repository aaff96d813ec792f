package supervision

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// RestartOption limits or delays the restarts of [Restart].
type RestartOption func(*restartPlan)

// MaxRestarts allows n restarts within a time: when a caller fails more than n times within it, it is
// stopped instead. A time of 0 counts all the failures the caller ever had, and 0 restarts stop it at
// its first failure. By default there is no limit. Neither n nor within may be negative.
//
// The time includes the delays of [Backoff]: a limit whose time is shorter than n delays is never
// reached.
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

// Backoff delays each restart: the first by initial, each further one by twice the delay before it,
// and none by more than longest. A caller that has worked for longest without a failure since its
// last restart begins with initial again. By default a restart happens at once. The initial delay
// must be positive, and the longest not less than it.
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

// Jitter shortens each delay of [Backoff] by a random part of it, so that callers that failed
// together do not restart together: the delay is drawn uniformly between delay*(1-fraction) and
// delay. The fraction is between 0, the default, and 1. Without [Backoff] it has no effect.
func Jitter(fraction float64) RestartOption {
	return func(r *restartPlan) {
		// Written this way round, NaN is refused as well.
		if !(fraction >= 0 && fraction <= 1) {
			r.reject("Jitter(%v): the fraction must be between 0 and 1", fraction)
			return
		}
		r.jitter = fraction
	}
}

// restartPlan is what the options of Restart have been put together to.
type restartPlan struct {
	limit        *restartLimit // nil: as often as it takes
	initialDelay time.Duration
	longestDelay time.Duration // 0: at once
	jitter       float64
	invalid      error
}

// restartLimit allows a number of restarts within a time, where 0 is for ever. It never changes, as
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

// delay returns the time to wait before the restart after the given number of failures in a row, of
// which there is at least one.
func (r restartPlan) delay(failures int) time.Duration {
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
	return delay - time.Duration(rand.Float64()*r.jitter*float64(delay))
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
