package actorstest

import (
	"testing"

	"go.uber.org/goleak"
)

// NoLeaks fails the test if there is a goroutine at its end that is not there
// now. It comes first in a test, so that it looks after all else has ended, and
// does not go with tests that run in parallel.
func NoLeaks(tb testing.TB) {
	tb.Helper()
	before := goleak.IgnoreCurrent()
	tb.Cleanup(func() { goleak.VerifyNone(tb, before) })
}
