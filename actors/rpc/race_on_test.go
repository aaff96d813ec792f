//go:build race

package rpc_test

// raceEnabled says that the race detector looks on.
const raceEnabled = true
