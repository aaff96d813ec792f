// Package poolexplore explores the pool of workers of package actors. The code of the pool is
// that of actors. The callers around it, with their schedulers, are a model.
package poolexplore

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/explore/instrument"
)

var schedNames = regexp.MustCompile(`\bsched\.(Scheduler|Task|Source|Options)\b`)

// poolFiles returns the files of the pool, as part of this package: what they use of package
// sched is a type of the model.
func poolFiles(t *testing.T) map[string]string {
	all := instrument.Files(t, "../..")
	of := make(map[string]string)
	for _, name := range []string{"pool.go", "worker.go", "lend.go", "pool_node.go"} {
		text := all[name]
		require.NotEmpty(t, text, name)
		text = strings.Replace(text, "package actors\n", "package poolexplore\n", 1)
		text = schedNames.ReplaceAllStringFunc(text, func(s string) string { return "sched" + strings.TrimPrefix(s, "sched.") })
		text = strings.Replace(text, "queue   list.List ", "queue   callList ", 1)
		of[name] = strings.Replace(text, `"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"`, "", 1)
	}
	return of
}

// TestExplore explores the pool. With -v it lists the scripts, with their states and orders.
func TestExplore(t *testing.T) {
	instrument.Explore(t, poolFiles(t), "^(TestScripts|TestPairs|TestTriples)$")
}

// TestReplay plays the order of -explore.order in the script of -explore.script.
func TestReplay(t *testing.T) { instrument.Explore(t, poolFiles(t), "^TestReplayed$") }
