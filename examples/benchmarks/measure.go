package main

import (
	"math"
	"slices"
	"testing"
)

// measurement is what one call, or one object, costs.
type measurement struct {
	nanoseconds float64
	allocs      float64
	bytes       float64 // of heap; where that is measured, the rest says nothing
}

// cost is what is compared.
func (m measurement) cost() float64 {
	if m.bytes > 0 {
		return m.bytes
	}
	return m.nanoseconds
}

// measure runs a side once, for the time that the flag test.benchtime says.
func (s side) measure() measurement {
	if s.measured != nil {
		return s.measured()
	}
	if s.run == nil {
		return measurement{}
	}
	r := testing.Benchmark(s.run)
	n := float64(r.N * s.per)
	return measurement{
		nanoseconds: float64(r.T.Nanoseconds()) / n,
		allocs:      math.Round(float64(r.MemAllocs)/n*10) / 10,
		bytes:       r.Extra[heapUnit],
	}
}

// comparison is the result of a figure: the medians of all rounds.
type comparison struct {
	ours, theirs    measurement
	ratio           float64 // ours to theirs, each round by itself
	lowest, highest float64 // of the ratios
}

// compare measures the sides of a figure in turn, so that what else the
// machine does meets both.
func (f figure) compare(rounds int) comparison {
	var ours, theirs []measurement
	var ratios []float64
	for range rounds {
		o, t := f.ours.measure(), f.theirs.measure()
		ours, theirs = append(ours, o), append(theirs, t)
		ratios = append(ratios, o.cost()/t.cost())
	}
	return comparison{
		ours:    medians(ours),
		theirs:  medians(theirs),
		ratio:   median(ratios),
		lowest:  slices.Min(ratios),
		highest: slices.Max(ratios),
	}
}

// medians returns the median of each number by itself.
func medians(ms []measurement) measurement {
	of := func(number func(measurement) float64) float64 {
		var all []float64
		for _, m := range ms {
			all = append(all, number(m))
		}
		return median(all)
	}
	return measurement{
		nanoseconds: of(func(m measurement) float64 { return m.nanoseconds }),
		allocs:      of(func(m measurement) float64 { return m.allocs }),
		bytes:       of(func(m measurement) float64 { return m.bytes }),
	}
}

// median returns the middle one of an odd number of values. Of an even number
// it returns the higher of the two in the middle.
func median(values []float64) float64 {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}
