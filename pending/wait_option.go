package pending

import (
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// WaitOption changes how a wait ends.
type WaitOption struct {
	wait  future.WaitOptions
	until until // for WaitAll
}

// Protect prevents the wait from cancelling the pending when its context or its timeout
// ends it. [Protected] does so for all waits.
func Protect() WaitOption { return WaitOption{wait: future.WaitOptions{Protect: true}} }

// Shield makes the wait ignore the end of its context. A [Timeout] still counts.
func Shield() WaitOption { return WaitOption{wait: future.WaitOptions{Shield: true}} }

// Timeout ends the wait after d, with an error that matches [context.DeadlineExceeded]. A
// pending that is done is returned even if d is zero or less.
//
// It limits one wait. To limit a call, use [actors.Timeout].
//
// [actors.Timeout]:
// https://pkg.go.dev/github.com/seed-7fcaac1b/protocaller/actors#Timeout
func Timeout(d time.Duration) WaitOption {
	return WaitOption{wait: future.WaitOptions{Limited: true, Timeout: d}}
}

func joinOptions(opts []WaitOption) WaitOption {
	var all WaitOption
	for _, o := range opts {
		all.wait.Protect = all.wait.Protect || o.wait.Protect
		all.wait.Shield = all.wait.Shield || o.wait.Shield
		if o.wait.Limited {
			all.wait.Limited, all.wait.Timeout = true, o.wait.Timeout
		}
		all.until = max(all.until, o.until)
	}
	return all
}
