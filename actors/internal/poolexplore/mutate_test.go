package poolexplore

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/explore/mutate"
)

// harmless are the mutants that change nothing that can be seen, with the reason.
var harmless = map[string]string{}

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
		Changes: func(name string) bool { return strings.HasPrefix(name, "pool") || name == "worker.go" },
	}.Test(t)
}
