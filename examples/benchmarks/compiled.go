package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// telemetryOnThePath is all that telemetry adds to the path of a call, by the
// files of the library. Each text comes with the one that replaces it, so that
// the compiler removes the rest.
var telemetryOnThePath = map[string][2]string{
	"actors/telemetry.go":           {"if c.traced == nil {\n\t\treturn nil", "if true {\n\t\treturn nil"},
	"actors/internal/sched/loop.go": {"l.shallow = s.state.options.deepStack", "l.shallow = false"},
	"internal/future/task.go":       {"if c.is(flagObserved) {", "if false {"},
}

// programs are this one, as it is and with the telemetry compiled out of the
// path. Both are built and run in the same way, so that they differ in nothing
// else.
type programs struct{ usual, without string }

func usual(p programs) string   { return p.usual }
func without(p programs) string { return p.without }

var build = sync.OnceValue(func() programs {
	dir := must(os.MkdirTemp("", "benchmarks"))
	builtIn = dir
	p := programs{filepath.Join(dir, "usual"), filepath.Join(dir, "without")}
	overlay := filepath.Join(dir, "overlay.json")
	check(os.WriteFile(overlay, must(json.Marshal(map[string]any{"Replace": replaced(dir)})), 0o600))
	goCommand("build", "-o", p.usual, ".")
	goCommand("build", "-o", p.without, "-overlay", overlay, ".")
	return p
})

// replaced writes the files without telemetry to dir, and returns which ones
// they stand for.
func replaced(dir string) map[string]string {
	library := goCommand("list", "-m", "-f", "{{.Dir}}", "github.com/seed-7fcaac1b/protocaller")
	files := make(map[string]string)
	for name, change := range telemetryOnThePath {
		source := filepath.Join(library, name)
		text := string(must(os.ReadFile(source)))
		if strings.Count(text, change[0]) != 1 {
			panic(fmt.Sprintf("%s has changed: telemetry is not at %q any more", name, change[0]))
		}
		files[source] = filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		check(os.WriteFile(files[source], []byte(strings.Replace(text, change[0], change[1], 1)), 0o600))
	}
	return files
}

func goCommand(args ...string) string {
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	return strings.TrimSpace(string(must(cmd.Output())))
}

// builtIn is where the programs are, if they were built.
var builtIn string

func removePrograms() {
	if builtIn != "" {
		check(os.RemoveAll(builtIn))
	}
}

// inProgram returns a measure of our side of a figure that is taken by one of
// the programs.
func inProgram(number int, which func(programs) string) func() measurement {
	return func() measurement {
		each, err := time.ParseDuration(flag.Lookup("test.benchtime").Value.String())
		if err != nil { // it is a number of times
			each = time.Nanosecond
		}
		cmd := exec.Command(which(build()), "-side", fmt.Sprint(number), "-time", each.String())
		cmd.Stderr = os.Stderr
		var m measurement
		must(fmt.Sscan(string(must(cmd.Output())), &m.nanoseconds, &m.allocs))
		return m
	}
}
