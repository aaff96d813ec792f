package supervision

import (
	"math/rand/v2"
	"time"
)

// Record counts the failures of one caller. The zero value is a caller that has never failed.
//
// With [MaxRestarts] of n a Record keeps the times of the last n failures at most, otherwise none. The
// cost of a failure does not depend on n.
//
// A Record must not be copied after its first use. It is not safe for concurrent use.
type Record struct {
	failures  times     // the last ones, no more than the limit needs
	inARow    int       // failures since the caller last worked for the longest delay
	restartAt time.Time // when the restart after the last failure is due
}

// Decide adds a failure at the time now, and returns the action that p takes and the delay before it.
//
// If the failure exceeds [MaxRestarts], the action is [ActionStop]. Only failures under [Restart] count.
// The delay is 0 unless the action is [ActionRestart] and p has a [Backoff].
//
// The times given to successive calls must not go backwards.
func (r *Record) Decide(p Policy, now time.Time) (Action, time.Duration) {
	return r.DecideWith(p, now, rand.Float64)
}

// DecideWith is [Record.Decide] with another source for the chance of [Jitter]: it returns a random
// number from 0 to 1, without 1.
func (r *Record) DecideWith(p Policy, now time.Time, random func() float64) (Action, time.Duration) {
	if p.action != ActionRestart {
		return p.action, 0
	}
	if p.restart.limit != nil && r.exceeds(*p.restart.limit, now) {
		return ActionStop, 0
	}

	// The quiet time counts from the restart. Counted from the failure, the longest delay alone would
	// always be quiet time enough.
	if now.Sub(r.restartAt) >= p.restart.longestDelay {
		r.inARow = 0
	}
	r.inARow++
	delay := p.restart.delay(r.inARow, random)
	r.restartAt = now.Add(delay)
	return ActionRestart, delay
}

// exceeds adds a failure and reports whether there are more within the limit's time than the limit
// allows.
//
// Each time is added once and dropped once, so the cost of a failure does not depend on the limit.
// The newest times, as many as the limit allows restarts, are all that the next failure needs.
func (r *Record) exceeds(limit restartLimit, now time.Time) bool {
	for r.failures.n > 0 && limit.expired(r.failures.oldest(), now) {
		r.failures.dropOldest()
	}
	exceeded := r.failures.n >= limit.restarts
	for r.failures.n > 0 && r.failures.n >= limit.restarts {
		r.failures.dropOldest()
	}
	if limit.restarts > 0 {
		r.failures.add(now, limit.restarts)
	}
	return exceeded
}
