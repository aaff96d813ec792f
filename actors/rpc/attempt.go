package rpc

import (
	"errors"
	"math/rand/v2"
	"time"
)

const (
	// firstBackoff is about how long the third attempt at a call waits. The second
	// one is made at once. Each further one waits twice as long as the one before,
	// up to longestBackoff.
	firstBackoff   = 20 * time.Millisecond
	longestBackoff = time.Second
	// mostAttempts are made in about 10 seconds: longer than it takes for the nodes
	// of a cluster to agree on who has left.
	mostAttempts = 16
)

// backoff returns when the next attempt at a call is made that has failed so
// often, if it is.
func (n *node) backoff(failed int) (after time.Duration, again bool) {
	if failed >= mostAttempts {
		return 0, false
	}
	return n.pauseAfter(failed), true
}

// pauseAfter is how long nothing is attempted after so many failures.
func (n *node) pauseAfter(failed int) time.Duration {
	if failed == 1 {
		return 0
	}
	pause := min(firstBackoff<<min(failed-2, mostAttempts), longestBackoff)
	return pause/2 + time.Duration(n.random()*float64(pause))
}

// notRun is the error of a call whose function has not run, and will not.
type notRun struct{ error }

func (e notRun) Unwrap() error { return e.error }

// hasNotRun reports whether a call with that error has not run anywhere.
func hasNotRun(err error) bool {
	var here notRun
	var there *RemoteError
	return errors.As(err, &here) || errors.As(err, &there) && there.notRun
}

// random returns a random number from 0 to 1, without 1.
func (n *node) random() float64 {
	if s := n.steps(); s != nil {
		return s.Float64()
	}
	return rand.Float64() //nolint:gosec // Nothing is secret about it.
}
