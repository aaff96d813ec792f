package pendingexplore

import (
	"slices"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/internal/explore/instrument"
	"github.com/seed-7fcaac1b/protocaller/internal/explore/mutate"
)

// harmless are the mutants that change nothing that can be seen, with the reason.
var harmless = map[string]string{
	"cancel.go: delete if was := c.flags.Load(); was&flags != 0 { ...": "a cancel that comes too late is cheap: markCancelled looks again",
	"cancel.go: delete return was&flagCancelled != 0, nil, nil":        "of the look before mu: as above",
	"context.go: delete if c, ok := ctx.(*runContext); ok { ...":       "of running: Value says the same, and takes longer",
	"context.go: delete return c.core()":                               "of running: as above",
	"unseen.go: delete runtime.KeepAlive(c)":                           "nothing is collected in an exploration, and it is for the time before Stop alone",
	"cancel.go: delete c.touchRunner()":                                ofExplore,
	"wait.go: delete if w.turn != nil { ...":                           ofExplore,
	"wait.go: negate w.turn != nil":                                    ofExplore,
	"wait.go: delete c.touch(w.turn)":                                  ofExplore,
	"cancel.go: delete if recording.Load() != 0 { ...":                 ofTests,
	"cancel.go: negate recording.Load() != 0":                          ofTests,
	"cancel.go: delete c.noteCancel()":                                 ofTests,
	"core.go: delete if recording.Load() != 0 { ...":                   ofTests,
	"core.go: negate recording.Load() != 0":                            ofTests,
	"core.go: delete c.noteMade(ctx)":                                  ofTests,
	"result.go: delete if steps.Exploring() { ...":                     ofExplore,
	"result.go: negate steps.Exploring()":                              ofExplore,
	"result.go: delete r.touchPromise()":                               ofExplore,
	"result.go: delete r.noteEnder()":                                  ofTests,
	"wait.go: delete c.step(ctx)":                                      ofExplore,
	"follower.go: delete ended = err":                                  "for a log handler that ends the goroutine: panics are not logged here",
	"follower.go: delete p.logPanic(\"function of Then\", crash)":      "panics are not logged here",
	"follower.go: delete returned = true":                              "the pending is completed again, and that comes too late",
}

const (
	ofExplore = "a point of actorstest.Explore, which chooses nothing here"
	ofTests   = "what a test of a program notes: what the state does is the same"
)

// others are functions of these files that are no operations of the state: options, names,
// metadata, and what contexts are made of.
var others = []string{
	"Tracked", "DescribedBy", "Needing", "Apply", "ApplyObserved", "Core.ID", "Core.nextID",
	"Core.init", "Core.observe", "Core.track", "Core.Name", "Core.nameLocked", "Core.function", "Core.Metadata", "Core.Context", "Core.logger", "Core.logPanic",
	"runContext.Deadline", "scheduleContext", "runContextBehind", "detachedContext.Value",
	"Origin", "Task.HasExited", "Task.Awaited", "Task.Return", "logUnseen", "textOf",
}

// TestMutants mutates the state of a pending.
func TestMutants(t *testing.T) {
	of := []string{
		"cancel.go", "context.go", "core.go", "follower.go", "result.go", "task.go", "unseen.go", "wait.go", "waiter.go",
	}
	mutate.Subject{
		Package: "future", Dir: "../future", Files: instrument.Files(t, "../future"), Instrumented: true, Harmless: harmless,
		Elsewhere: instrument.InPlace(t, "../scheduled", "../../pending"),
		Skips:     others,
		Changes:   func(name string) bool { return slices.Contains(of, name) },
	}.Test(t)
}
