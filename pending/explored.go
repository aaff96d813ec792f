//go:build explored

package pending

import "fmt"

// What follows shows the state of a package to an exploration.

// UsedLock says how a lock is held or waited for, "" if it is not.
func UsedLock(s *Semaphore) string {
	if s.held == 0 && len(s.queue) == 0 && len(s.holders) == 0 && s.others == 0 && s.unclear == 0 {
		return ""
	}
	return fmt.Sprintf("%s is held by %d, and %d wait for it", s.what, s.held, len(s.queue))
}

// LockOf returns what a mutex is inside.
func LockOf(m *Mutex) *Semaphore { return &m.s }

// WaitLimits reports whether options limit the time of a wait, and shield it.
func WaitLimits(opts ...WaitOption) (limited, shielded bool) {
	o := joinOptions(opts).wait
	return o.Limited, o.Shield
}
