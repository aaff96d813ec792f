package actorstest

import (
	"testing"

	"go.uber.org/goleak"
)

// NoLeaks fails the test if a goroutine runs at its end that does not run now.
// Call it first in a test, so that it checks after all other cleanups. It does not
// work in tests that run in parallel.
func NoLeaks(tb testing.TB) {
	tb.Helper()
	before := goleak.IgnoreCurrent()
	tb.Cleanup(func() { goleak.VerifyNone(tb, before) })
}
