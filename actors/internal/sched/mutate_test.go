package sched

import (
	"strings"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/internal/explore/instrument"
	"github.com/seed-7fcaac1b/protocaller/internal/explore/mutate"
)

// harmless are the mutants that change nothing that can be seen, with the reason.
var harmless = map[string]string{
	"state.go: delete if c.last == source { ...":               "it saves writes of what is so already",
	"state.go: delete return":                                  "as above",
	"state.go: delete if limit == 0 && !s.closed.Load() { ...": "it saves a look at the limit that there is not",
	"state.go: delete return nil":                              "as above",
	"state_queue.go: delete if s.drops == 0 { ...":             "it saves a walk over the queue when nothing has ended",
	"state_queue.go: delete return s.queued()":                 "it saves a walk over the queue when nothing has ended",
	"state_queue.go: delete s.batch.Recycle()":                 "the chunk is left to the garbage collector",
	"state_stop.go: delete c.Recycle()":                        "the chunk is left to the garbage collector",
	"state_executor.go: delete if s.main.load() != p { ...":    "who has lost the executor before has made goroutines the main one, as this does again",
	"state_executor.go: delete return nil":                     "as above; and no task is abandoned on an executor that is neither main nor alternate",
}

// TestMutants mutates the operations of the state.
func TestMutants(t *testing.T) {
	mutate.Subject{
		Package: "sched", Files: instrument.Files(t, "."), Harmless: harmless,
		Changes: func(name string) bool { return strings.HasPrefix(name, "state") || name == "tasklist.go" },
	}.Test(t)
}

func TestMutant(t *testing.T) { mutate.Explore(t, explored(scripts), explored(allScripts())) }
