package actors_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/layering"
)

const module = "github.com/seed-7fcaac1b/protocaller/"

// The packages of the module that each package may depend on, directly or not. Those that
// are not listed may depend on nothing of the module.
var layers = map[string][]string{
	"internal/bounded":           {},
	"internal/entry":             {},
	"internal/goexit":            {},
	"internal/safeerrors":        {},
	"internal/safelog":           {},
	"internal/sentinel":          {},
	"internal/snapshot":          {},
	"internal/steps":             {},
	"internal/future":            {"internal/bounded", "internal/entry", "internal/safeerrors", "internal/safelog", "internal/sentinel", "internal/snapshot", "internal/steps"},
	"pending":                    {"internal/future", "internal/bounded", "internal/entry", "internal/goexit", "internal/safeerrors", "internal/safelog", "internal/sentinel", "internal/snapshot", "internal/steps"},
	"internal/instrument":        {"internal/future", "internal/bounded", "internal/entry", "internal/safeerrors", "internal/safelog", "internal/sentinel", "internal/snapshot", "internal/steps"},
	"internal/scheduled":         {"pending", "internal/future", "internal/bounded", "internal/entry", "internal/goexit", "internal/safeerrors", "internal/safelog", "internal/sentinel", "internal/snapshot", "internal/steps"},
	"telemetry":                  {"internal/instrument", "pending", "internal/future", "internal/bounded", "internal/entry", "internal/goexit", "internal/safeerrors", "internal/safelog", "internal/sentinel", "internal/snapshot", "internal/steps"},
	"telemetry/inspect":          {"internal/snapshot"},
	"supervision":                {},
	"props":                      {"supervision", "telemetry", "internal/instrument", "pending", "internal/future", "internal/bounded", "internal/entry", "internal/goexit", "internal/safeerrors", "internal/safelog", "internal/sentinel", "internal/snapshot", "internal/steps"},
	"actors/internal/fifo":       {},
	"actors/internal/goroutine":  {},
	"actors/internal/stopping":   {},
	"actors/internal/testsystem": {"internal/steps"},
	"actors/internal/watchdog":   {"actors/internal/goroutine"},
	"actors/internal/sched":      {"actors/internal/fifo", "actors/internal/goroutine", "actors/internal/watchdog", "internal/future", "internal/bounded", "internal/entry", "internal/safeerrors", "internal/safelog", "internal/sentinel", "internal/snapshot", "internal/steps"},
	"internal/served":            {"pending", "internal/future", "internal/bounded", "internal/entry", "internal/goexit", "internal/safeerrors", "internal/safelog", "internal/sentinel", "internal/snapshot", "internal/steps"},
	"actors/internal/tracing": {
		"actors/internal/fifo", "actors/internal/goroutine", "actors/internal/sched", "actors/internal/watchdog",
		"internal/instrument", "internal/future", "internal/bounded", "internal/entry", "internal/safeerrors", "internal/safelog", "internal/sentinel", "internal/snapshot", "internal/steps",
	},
	"actors": {
		"actors/internal/fifo", "actors/internal/goroutine", "actors/internal/sched", "actors/internal/stopping", "internal/served", "actors/internal/testsystem", "actors/internal/tracing", "actors/internal/watchdog",
		"props", "supervision", "telemetry", "internal/instrument", "pending", "internal/scheduled", "internal/future", "internal/bounded", "internal/entry", "internal/goexit", "internal/safeerrors", "internal/safelog", "internal/sentinel", "internal/snapshot", "internal/steps",
	},
}

// What these packages may depend on besides the module and the standard library.
var foreign = map[string][]string{
	"internal/bounded":          {},
	"internal/entry":            {},
	"internal/goexit":           {},
	"internal/safeerrors":       {},
	"internal/safelog":          {},
	"internal/sentinel":         {},
	"internal/snapshot":         {},
	"internal/future":           {},
	"internal/scheduled":        {},
	"internal/steps":            {},
	"pending":                   {},
	"actors/internal/fifo":      {},
	"actors/internal/stopping":  {},
	"actors/internal/goroutine": {"github.com/petermattis/goid"},
	"actors/internal/watchdog":  {"github.com/petermattis/goid"},
	"actors/internal/sched":     {"github.com/petermattis/goid"},
}

// These packages may not depend on protoactor, although they depend on other modules.
var beneathProtoactor = []string{"internal/instrument", "actors/internal/tracing"}

// Only package rpc may depend on these.
var networked = []string{
	"github.com/asynkron/protoactor-go/remote", "github.com/asynkron/protoactor-go/cluster", "google.golang.org/grpc",
}

func TestImportsRunInOneDirection(t *testing.T) {
	if again() {
		return // imports are the same on each backend
	}
	for name, allowed := range layers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", module+name).CombinedOutput()
			require.NoError(t, err, string(out))
			others, isPure := foreign[name]
			for _, dep := range strings.Fields(string(out)) {
				own, isOwn := strings.CutPrefix(dep, module)
				switch {
				case own == name:
				case isOwn:
					assert.Contains(t, allowed, own)
				case isPure:
					assert.Contains(t, others, dep)
				}
				assert.NotContains(t, networked, dep)
				if slices.Contains(beneathProtoactor, name) {
					assert.NotContains(t, dep, "asynkron/protoactor-go")
				}
			}
		})
	}
}

// The files of this package, the lowest layer first. A caller is taken apart into many
// things that act on each other, so that some references run upward. There may not be more.
func TestReferencesRunDownTheLayers(t *testing.T) {
	if again() {
		return
	}
	upward, err := layering.Upward(".", [][]string{
		{"doc.go", "argument.go", "errors.go", "goexit.go", "no_result.go", "stacks.go", "recent.go"},
		{"caller.go", "state.go", "stop_error.go", "work.go", "message.go", "counters.go", "profile.go", "step.go"},
		{"log.go", "failures.go"},
		{"requests.go", "registry.go", "defaults.go"},
		{"events.go", "context.go", "telemetry.go"},
		{"queues.go", "pool.go", "worker.go", "lend.go", "pool_node.go", "end_node.go", "publisher.go", "timers.go"},
		{"backoff.go", "grace.go", "unfinished.go", "stop.go", "hooks.go"},
		{"lifecycle.go", "host.go"},
		{"actor.go"},
		{"anchor.go", "spawn.go", "children.go"},
		{"restart.go"},
		{"as_caller.go", "start.go", "main_caller.go"},
		{
			"retry.go", "call_option.go", "call.go", "delayed.go", "call_sync.go", "queue_task.go", "queue.go",
			"invoke.go", "every.go", "progress.go", "request.go", "reply.go",
		},
		{"drain.go", "process.go", "mailbox.go", "slow_turn.go", "picture.go"},
	})
	require.NoError(t, err)
	assert.LessOrEqual(t, len(upward), 10, strings.Join(upward, "\n"))
}
