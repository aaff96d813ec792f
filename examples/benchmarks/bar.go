package main

import (
	"fmt"
	"strings"
)

// bar is what a figure has to reach. A limit of 0 is none.
type bar struct {
	faster float64 // theirs to ours, at least
	atMost float64 // ours to theirs
	allocs float64 // of ours, for a call
	bytes  float64 // of ours

	noAllocs bool
}

func (b bar) reached(c comparison) bool {
	return (b.faster == 0 || c.ratio <= 1/b.faster) &&
		(b.atMost == 0 || c.ratio <= b.atMost) &&
		(b.allocs == 0 || c.ours.allocs <= b.allocs) &&
		(b.bytes == 0 || c.ours.bytes <= b.bytes) &&
		(!b.noAllocs || c.ours.allocs == 0)
}

func (b bar) String() string {
	var limits []string
	add := func(limit float64, format string) {
		if limit > 0 {
			limits = append(limits, fmt.Sprintf(format, limit))
		}
	}
	add(b.faster, "≥ %g times faster")
	add(b.atMost, "≤ %g times")
	add(b.allocs, "≤ %g alloc.")
	add(b.bytes, "≤ %g B")
	if b.noAllocs {
		limits = append(limits, "no alloc.")
	}
	return strings.Join(limits, ", ")
}
