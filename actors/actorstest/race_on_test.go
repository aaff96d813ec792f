//go:build race

package actorstest_test

// raceEnabled says that the race detector looks on, which takes eight times as long.
const raceEnabled = true
