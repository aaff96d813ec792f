package pending

import (
	"slices"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/internal/explore/instrument"
	"github.com/seed-7fcaac1b/protocaller/internal/explore/mutate"
)

// harmless are the mutants that change nothing that can be seen, with the reason.
var harmless = map[string]string{}

// TestMutants mutates the state of a pending.
func TestMutants(t *testing.T) {
	of := []string{"base.go", "cancel.go", "context.go", "pending.go", "task.go", "unseen.go", "wait.go", "waiter.go"}
	mutate.Subject{
		Package: "pending", Files: instrument.Files(t, "."), Instrumented: true, Harmless: harmless,
		Changes: func(name string) bool { return slices.Contains(of, name) },
	}.Test(t)
}

func TestMutant(t *testing.T) { mutate.Explore(t, explored(scripts), explored(allScripts())) }
