//go:build race

package sched

// raceEnabled makes explorations ten times as slow.
const raceEnabled = true
