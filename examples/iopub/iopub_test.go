package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/pebbe/zmq4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// heard returns the lines of an output by the id in front of them, and the rest,
// which has none.
func heard(output string) (lines map[string][]string, rest string) {
	lines = make(map[string][]string)
	for line := range strings.Lines(output) {
		id, said, ok := strings.Cut(strings.TrimSpace(line), " | ")
		if !ok {
			rest += line
			continue
		}
		id = strings.TrimSpace(id)
		lines[id] = append(lines[id], said)
	}
	return lines, rest
}

func TestEachLineArrivesWithTheIDOfItsCaller(t *testing.T) {
	for _, endpoint := range []string{"inproc://iopub", "tcp://127.0.0.1:*", "ipc://" + path.Join(t.TempDir(), "iopub")} {
		t.Run(endpoint, func(t *testing.T) {
			const callers, tasks = 4, 50
			got := runArgs(t.Context(), "-endpoint", endpoint, "-pause", "0",
				"-callers", fmt.Sprint(callers), "-tasks", fmt.Sprint(tasks))
			assert.Equal(t, cli.StatusOK, got.Status)
			assert.Empty(t, got.Stderr)

			lines, rest := heard(got.Stdout)
			for i := range callers {
				id := fmt.Sprintf("callers/caller%d", i+1)
				own := lines[id]
				require.Len(t, own, 1+tasks+1)
				assert.Equal(t, fmt.Sprintf("I have %d tasks", tasks), own[0])
				assert.Equal(t, "all is done", own[1+tasks])
				delete(lines, id)

				var done, ofWorkers []string
				for n := range tasks {
					done = append(done, fmt.Sprintf("task %d is done", n+1))
					ofWorkers = append(ofWorkers, fmt.Sprintf("I begin with task %d", n+1), fmt.Sprintf("I have done task %d", n+1))
				}
				assert.ElementsMatch(t, done, own[1:1+tasks])
				for worker, said := range lines {
					if path.Dir(worker) != id {
						continue
					}
					for n := 0; n < len(said); n += 2 { // a worker does one after the other
						assert.Equal(t, "I have done"+strings.TrimPrefix(said[n], "I begin with"), said[n+1])
					}
					delete(lines, worker)
					ofWorkers = without(ofWorkers, said)
				}
				assert.Empty(t, ofWorkers, "tasks of which workers of %s have said nothing", id)
			}
			assert.Empty(t, lines, "lines of nobody")
			assert.Regexp(t, fmt.Sprintf(`^%d lines of \d+ callers and workers\n$`, callers*(2+3*tasks)), rest)
		})
	}
}

// without returns what is left of all when each of some is taken away once.
func without(all, some []string) (left []string) {
	count := make(map[string]int)
	for _, s := range some {
		count[s]++
	}
	for _, s := range all {
		if count[s]--; count[s] < 0 {
			left = append(left, s)
		}
	}
	return left
}

// The program is interrupted when its first task has begun. None is done.
func TestSignalLosesNoLine(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			got := clitest.Execute(t, signal, "-pause", "1h")
			assert.Equal(t, cli.StatusInterrupted, got.Status)
			assert.Equal(t, "iopub: interrupted\n", got.Stderr)
			lines, rest := heard(got.Stdout)
			count := 0
			for _, said := range lines {
				count += len(said)
			}
			assert.Equal(t, fmt.Sprintf("%d lines of %d callers and workers\n", count, len(lines)), rest)
		})
	}
}

func TestResultThatCannotBeWrittenIsAnError(t *testing.T) {
	clitest.CheckUnwritable(t, command, "-pause", "1h")
	clitest.CheckUnwritable(t, command, "-help")
}

func TestLineThatIsLostIsReported(t *testing.T) {
	sockets, err := zmq4.NewContext()
	require.NoError(t, err)
	var out bytes.Buffer
	s, err := subscribe(sockets, "inproc://lost", &printer{w: &out})
	require.NoError(t, err)
	opened, err := publisher{sockets, s.endpoint, time.Minute, s.expect}.open("someone")
	require.NoError(t, err)
	opened.(*socket).lines = 1 // that nobody has heard
	require.NoError(t, opened.Publish("stdout", []byte("the second")))
	require.NoError(t, opened.Close())

	require.EqualError(t, s.waitForAll(t.Context()), "heard 1 lines of someone, which has said 2")
	require.NoError(t, sockets.Term())
	require.NoError(t, s.wait())
	assert.Equal(t, "someone            | the second\n", out.String())
}

func TestNoCallerStartsWithoutASubscriber(t *testing.T) {
	sockets, err := zmq4.NewContext()
	require.NoError(t, err)
	system := actor.NewActorSystem()
	p := publisher{sockets, "inproc://nobody", time.Millisecond, func(string) { t.Error("a caller to listen to") }}
	_, err = actors.Start(system, props.Name("lonely"), props.Publisher(p.open))
	require.ErrorContains(t, err, "no subscriber at inproc://nobody")
	require.NoError(t, actors.Shutdown(t.Context(), system))
	require.NoError(t, sockets.Term())
}

func TestUnusableArguments(t *testing.T) {
	for name, tt := range map[string]struct {
		args   []string
		status int
		want   string
	}{
		"an argument":        {[]string{"x"}, cli.StatusUsage, `"x" is no flag; try -help`},
		"an unknown flag":    {[]string{"-x"}, cli.StatusUsage, "flag provided but not defined: -x"},
		"a flag to print":    {[]string{"-\x1b[2J"}, cli.StatusUsage, "flag provided but not defined: -?[2J"},
		"no caller":          {[]string{"-callers", "0"}, cli.StatusUsage, "-callers 0: it must be from 1 to 100"},
		"negative tasks":     {[]string{"-tasks", "-1"}, cli.StatusUsage, "-tasks -1: it must not be negative"},
		"a negative pause":   {[]string{"-pause", "-1s"}, cli.StatusUsage, "-pause -1s: it must be from 0 to 24h0m0s"},
		"an endless pause":   {[]string{"-pause", "2000000h"}, cli.StatusUsage, "-pause 2000000h0m0s: it must be from 0 to 24h0m0s"},
		"no endpoint":        {[]string{"-endpoint", "no\n"}, cli.StatusUsage, `-endpoint "no\n": it must begin with inproc://, ipc:// or tcp://`},
		"a foreign endpoint": {[]string{"-endpoint", "tcp://x"}, cli.StatusFailed, "listen at tcp://x: invalid argument"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, clitest.Outcome{Status: tt.status, Stderr: "iopub: " + tt.want + "\n"}, clitest.Execute(t, nil, tt.args...))
		})
	}
}

func TestHelp(t *testing.T) {
	assert.Equal(t, clitest.Outcome{Stdout: usage}, runArgs(context.Background(), "-help"))
}
