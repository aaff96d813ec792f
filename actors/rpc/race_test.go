package rpc_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// raceVariable has the options of the race detector.
const raceVariable = "GORACE"

// failOnRaces returns a variable for the environment of another process. With it, a
// race that is found there fails the test, also if the process is killed. It is
// called before the clean-up that ends the process is given to the test.
func failOnRaces(t testing.TB) string {
	path := filepath.Join(t.TempDir(), "race")
	t.Cleanup(func() { assert.Empty(t, racesIn(t, path), "races in a node") })
	return logRaces(path)
}

// logRaces returns the environment of a process that writes races to files whose names
// begin with path.
func logRaces(path string) string {
	return raceVariable + "=" + os.Getenv(raceVariable) + " log_path=" + path
}

// racesIn returns what has been written there.
func racesIn(t testing.TB, path string) (reports []string) {
	files, err := filepath.Glob(path + ".*") // one for each process
	require.NoError(t, err)
	for _, file := range files {
		report, err := os.ReadFile(file)
		require.NoError(t, err)
		reports = append(reports, string(report))
	}
	return reports
}

// withoutOthersRaces returns a variable for the environment of another process. With it,
// that process and the nodes that it starts do not report the known races of protoactor
// and gRPC. They do not wait for a second at the end either.
func withoutOthersRaces() string {
	return raceVariable + "=" + os.Getenv(raceVariable) + " suppressions=testdata/races.txt atexit_sleep_ms=10"
}
