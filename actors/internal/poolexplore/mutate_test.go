package poolexplore

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/explore/mutate"
)

// harmless are the mutants that change nothing that can be seen, with the reason.
var harmless = map[string]string{
	"pool.go: delete runtime.Gosched()": "others may go on at each step anyway",
}

// TestMutants mutates the code of the pool.
func TestMutants(t *testing.T) {
	beside := make(map[string]string)
	for _, name := range []string{"caller_test.go", "sched_test.go", "world_test.go"} {
		text, err := os.ReadFile(name) //nolint:gosec // A file of this package.
		require.NoError(t, err)
		beside[name] = string(text)
	}
	files := poolFiles(t)
	mutate.Subject{
		Package: "poolexplore", Files: files, Beside: beside, Instrumented: true, Harmless: harmless,
		Skips:   []string{"ToThread", "Caller.workers", "pool.waitFor"}, // no operations of the state
		Changes: func(name string) bool { return name == "pool.go" || name == "worker.go" },
	}.Test(t)
}
