package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/pebbe/zmq4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
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
			assert.Equal(t, statusOK, got.status)
			assert.Empty(t, got.stderr)

			lines, rest := heard(got.stdout)
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

// The program itself is interrupted while all workers are busy.
func TestInterruptLosesNoLine(t *testing.T) {
	var stderr bytes.Buffer
	program := exec.Command(os.Args[0], "-pause", "1h")
	program.Env = append(os.Environ(), asProgram+"=1")
	program.Stderr = &stderr
	stdout, err := program.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, program.Start())

	const busy = 3 * (1 + workers) // lines: none is done
	reader := bufio.NewReader(stdout)
	var output string
	for range busy {
		line, err := reader.ReadString('\n')
		require.NoError(t, err)
		output += line
	}
	require.NoError(t, program.Process.Signal(os.Interrupt))
	rest, err := io.ReadAll(reader)
	require.NoError(t, err)

	var exit *exec.ExitError
	require.ErrorAs(t, program.Wait(), &exit)
	assert.Equal(t, statusInterrupted, exit.ExitCode())
	assert.Equal(t, "iopub: interrupted\n", stderr.String())
	assert.Equal(t, "9 lines of 9 callers and workers\n", string(rest))
	lines, _ := heard(output)
	assert.Len(t, lines, 9)
}

func TestLineThatIsLostIsReported(t *testing.T) {
	sockets, err := zmq4.NewContext()
	require.NoError(t, err)
	var out bytes.Buffer
	s, err := subscribe(sockets, "inproc://lost", &out)
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
		"an argument":     {[]string{"x"}, statusUsage, `"x" is no flag; try -help`},
		"an unknown flag": {[]string{"-x"}, statusUsage, "flag provided but not defined: -x"},
		"no caller":       {[]string{"-callers", "0"}, statusUsage, "-callers must be at least 1"},
		"no endpoint":     {[]string{"-endpoint", "nowhere"}, statusFailed, "listen at nowhere: "},
	} {
		t.Run(name, func(t *testing.T) {
			got := runArgs(t.Context(), tt.args...)
			assert.Equal(t, tt.status, got.status)
			assert.Contains(t, got.stderr, tt.want)
			assert.Empty(t, got.stdout)
		})
	}
}

func TestHelp(t *testing.T) {
	assert.Equal(t, outcome{stdout: usage}, runArgs(context.Background(), "-help"))
}
