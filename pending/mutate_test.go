package pending

import (
	"slices"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/internal/explore/instrument"
	"github.com/seed-7fcaac1b/protocaller/internal/explore/mutate"
)

// harmless are the mutants that change nothing that can be seen, with the reason.
var harmless = map[string]string{
	"cancel.go: delete if was := b.flags.Load(); was&flags != 0 { ...": "a cancel that comes too late is cheap: markCancelled looks again",
	"cancel.go: delete return was&flagCancelled != 0, nil, nil":        "of the look before mu: as above",
	"context.go: delete if c, ok := ctx.(*runContext); ok { ...":       "of taskOf: Value says the same, and takes longer",
	"context.go: delete return c.base()":                               "of taskOf: as above",
	"unseen.go: delete runtime.KeepAlive(b)":                           "nothing is collected in an exploration, and it is for the time before Stop alone",
}

// others are functions of these files that are no operations of the state: options, names,
// metadata, and what contexts are made of.
var others = []string{
	"Named", "With", "DescribedBy", "TrackedBy", "Tracked", "Untracked", "CompletedBy", "ExplainedBy",
	"base.init", "base.track", "base.Name", "base.nameLocked", "base.function", "base.Metadata", "base.Context", "base.logger", "base.logPanic",
	"runContext.Deadline", "Current", "scheduleContext", "runContextBehind", "detachedContext.Value",
	"RunnerOf", "CompleterOf", "SetCompleter", "Origin", "Task.Wrap", "Task.HasExited", "Task.Release", "Task.End", "logUnseen", "textOf",
}

// TestMutants mutates the state of a pending.
func TestMutants(t *testing.T) {
	of := []string{"base.go", "cancel.go", "context.go", "pending.go", "task.go", "unseen.go", "wait.go", "waiter.go"}
	mutate.Subject{
		Package: "pending", Files: instrument.Files(t, "."), Instrumented: true, Harmless: harmless,
		Skips:   others,
		Changes: func(name string) bool { return slices.Contains(of, name) },
	}.Test(t)
}

func TestMutant(t *testing.T) { mutate.Explore(t, explored(scripts), explored(allScripts())) }
