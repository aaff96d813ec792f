package steps

import (
	"slices"
	"sync"
	"sync/atomic"
)

// exploring are the choosers of the tests that run, nil for none.
var exploring struct {
	choosers atomic.Pointer[[]Chooser]
	mu       sync.Mutex // held to change them
}

// Enter says that a test chooses the order of steps, until leave is called.
func Enter(c Chooser) (leave func()) {
	change(func(all []Chooser) []Chooser { return append(all, c) })
	return func() {
		change(func(all []Chooser) []Chooser {
			return slices.DeleteFunc(all, func(other Chooser) bool { return other == c })
		})
	}
}

func change(how func(all []Chooser) []Chooser) {
	exploring.mu.Lock()
	defer exploring.mu.Unlock()
	var all []Chooser
	if now := exploring.choosers.Load(); now != nil {
		all = slices.Clone(*now)
	}
	if all = how(all); len(all) == 0 {
		exploring.choosers.Store(nil)
	} else {
		exploring.choosers.Store(&all)
	}
}

// Exploring reports whether a test of this process chooses the order of steps.
func Exploring() bool { return exploring.choosers.Load() != nil }

// TouchAll is [Chooser.Touch] for whoever cannot know which test it is part of. To touch too
// much is no mistake.
func TouchAll(of any) {
	if all := exploring.choosers.Load(); all != nil {
		for _, c := range *all {
			c.Touch(of)
		}
	}
}
