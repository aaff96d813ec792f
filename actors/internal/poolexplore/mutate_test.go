package poolexplore

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/explore/mutate"
)

// harmless are the mutants that change nothing that can be seen, with the reason.
var harmless = map[string]string{
	"pool.go: delete p.advance()":             "of accept: it keeps the order of the calls; those that wait are not left behind",
	"pool.go: delete return":                  "of assign: a call that has failed does not run; of reassign: the job goes to a worker again",
	"pool.go: delete w.isIdle = false":        "of takeIdle: stopWorker is about to find the worker that stops",
	"pool.go: delete p.remove(w)":             "of takeIdle: stopWorker is about to do so",
	"pool.go: delete p.workers[end] = nil":    "the worker is left to the garbage collector",
	"pool.go: delete if end == 0 { ...":       "the memory is left to the garbage collector",
	"pool.go: delete p.workers = nil":         "the memory is left to the garbage collector",
	"pool.go: delete runtime.Gosched()":       "it is for speed",
	"pool.go: delete t.Tag |= tagReleased":    "the second release finds that the job is over",
	"pool.go: delete p.timer = nil":           "a pool that is closed keeps no worker",
	"pool.go: delete if p.timer != nil { ...": "a round of a pool that is closed finds no idle worker",
	"pool.go: delete p.timer.Stop()":          "a round of a pool that is closed finds no idle worker",
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
