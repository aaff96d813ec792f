package supervision

import (
	"math"
	"time"
)

// checkLimit rejects a limit that the delays keep from ever being exceeded.
func (r *restartPlan) checkLimit() {
	if r.limit == nil || r.limit.within == 0 || r.limit.restarts == 0 || r.longestDelay == 0 {
		return
	}
	n, within := r.limit.restarts, r.limit.within
	shortest := r.shortest(n)
	if shortest < float64(within) {
		return
	}
	r.reject("MaxRestarts(%d, %v): cannot be exceeded, because %d restarts with Backoff(%v, %v) take at least %v",
		n, within, n, r.initialDelay, r.longestDelay, toDuration(shortest))
	r.limit = nil
}

// toDuration returns the largest duration if there is none of so many nanoseconds.
func toDuration(nanoseconds float64) time.Duration {
	if nanoseconds >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(nanoseconds)
}

// shortest returns the shortest time, in nanoseconds, that n restarts can take. The caller
// fails at once after most of them. After some it works for the longest delay before it
// fails, so that the delays begin again. The restarts are then in several rows.
//
// The time is a convex function of the number of rows: a bisection finds its minimum.
func (r *restartPlan) shortest(n int) float64 {
	low, high := 1, n
	for low < high {
		middle := low + (high-low)/2
		if r.inRows(n, middle) <= r.inRows(n, middle+1) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return r.inRows(n, low)
}

// inRows returns the time that n restarts take in so many rows of about one length.
func (r *restartPlan) inRows(n, rows int) float64 {
	length, longer := n/rows, n%rows
	return float64(rows-longer)*r.row(length) + float64(longer)*r.row(length+1) + float64(rows-1)*float64(r.longestDelay)
}

// row returns the time that n restarts take if each failure follows at once.
func (r *restartPlan) row(n int) float64 {
	sum, delay := 0.0, float64(r.initialDelay)
	for n > 0 && delay < float64(r.longestDelay) {
		sum += delay
		delay *= 2
		n--
	}
	sum += float64(n) * float64(r.longestDelay)
	return sum * (1 - r.jitter)
}
