//go:build race

package session

// raceEnabled makes explorations ten times as slow.
const raceEnabled = true
