package pending

import (
	"slices"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/internal/explore/instrument"
	"github.com/seed-7fcaac1b/protocaller/internal/explore/mutate"
)

// harmless are the mutants that change nothing that can be seen, with the reason.
var harmless = map[string]string{
	`cancel.go: delete requireContext(ctx, "CancelWait")`:                                         argument,
	`pending.go: delete requireContext(ctx, "New")`:                                               argument,
	`pending.go: delete requireOptions(opts, "New")`:                                              argument,
	`pending.go: delete requireContext(ctx, "Wait")`:                                              argument,
	`pending.go: delete requireContext(ctx, "WaitSync")`:                                          argument,
	"waiter.go: delete if fn == nil { ...":                                                        argument,
	`waiter.go: delete panic("pending: OnDone of a nil function")`:                                argument,
	"base.go: delete if b.ctx.Done() == nil || b.is(flagDone|flagStarted) || b.isWatched() { ...": "a second watch is stopped at once",
	"base.go: delete return":                                                                      "a second watch is stopped at once",
	"cancel.go: delete if was := b.flags.Load(); was&flags != 0 { ...":                            "markCancelled looks again",
	"cancel.go: delete return was&flagCancelled != 0, nil, nil":                                   "of the look before mu: markCancelled looks again",
	"task.go: delete t.pc = entry.Of(fn)":                                                         "it is the name of the function",
	"task.go: delete t.fn = nil":                                                                  memory,
	"unseen.go: delete if r, ok := b.runner.(interface{ CallerName() string }); ok { ...":         "it is the name of the caller in the log",
	"unseen.go: delete e.caller = r.CallerName()":                                                 "it is the name of the caller in the log",
	"unseen.go: delete if b.is(flagSeen) || b.runner == nil { ...":                                "it is for speed",
	"unseen.go: delete return":                                                                    "of seeError: it is for speed",
	"unseen.go: delete runtime.KeepAlive(b)":                                                      "the pending is in use",
	"wait.go: delete w.free()":                                                                    memory,
	"wait.go: delete defer timer.Stop()":                                                          "a timer that fires too late notifies nobody",
	"waiter.go: delete waiterPool.Put(w)":                                                         memory,
	"waiter.go: delete return":                                                                    "a ring of one waiter is linked to itself either way",
	"waiter.go: delete w.next = nil":                                                              memory,
	"waiter.go: delete w.notified.Store(true)":                                                    "of a turn: the waiter is left to the garbage collector",
	"waiter.go: delete return func() bool { return false }":                                       "what was never listed is not removed",
	"context.go: delete if own := b.cancellation.Load(); own != nil { ...":                        "the first one wins anyway",
	"context.go: delete return own":                                                               "the first one wins anyway",
	"pending.go: delete if ctx == nil { ...":                                                      argument,
	"pending.go: negate ctx == nil":                                                               argument,
	"pending.go: delete requireContext(ctx, waitName(keep))":                                      argument,
	"wait.go: delete if keep { ...":                                                               argument,
	"wait.go: negate keep":                                                                        argument,
	`wait.go: delete return "WaitSync"`:                                                           argument,
	"context.go: delete if b.ctx.Done() == nil { ...":                                             "a context that never ends is watched in vain",
	"wait.go: delete if ctx.Done() == nil { ...":                                                  "a context that never ends is watched in vain",
	"wait.go: delete return noStop":                                                               "a context is watched once more, or in vain",
	"context.go: delete if c, ok := ctx.(*runContext); ok { ...":                                  "of taskOf: Value says the same",
	"context.go: negate ok":                                                                       "of taskOf: Value says the same",
	"context.go: delete cancel(nil)":                                                              memory,
}

// Reasons that several have.
const (
	argument = "it looks at an argument"
	memory   = "it gives memory back"
)

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
