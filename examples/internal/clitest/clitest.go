// Package clitest runs the examples as programs of their own, in their tests.
package clitest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
)

// asProgram makes the test binary, run again, the program itself.
const asProgram = "EXAMPLE_AS_PROGRAM"

// IsProgram reports whether the test binary is to be the program itself.
func IsProgram() bool { return os.Getenv(asProgram) != "" }

// Outcome is that of a run.
type Outcome struct {
	Status         int
	Stdout, Stderr string
}

// Command returns the program with arguments, to be started.
func Command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// Execute runs the program. The signal, if it is not nil, is sent when the program has
// printed something, and twice, as timeout(1) does.
func Execute(t *testing.T, signal os.Signal, args ...string) Outcome {
	t.Helper()
	cmd := Command(t, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	if signal != nil {
		_, err := io.CopyN(&stdout, pipe, 1)
		require.NoError(t, err, &stderr)
		require.NoError(t, cmd.Process.Signal(signal))
		_ = cmd.Process.Signal(signal) // unless it has ended
	}
	_, err = io.Copy(&stdout, pipe)
	require.NoError(t, err)
	_ = cmd.Wait() // the exit status says it
	return Outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// CheckUnwritable runs the program on a full device, and on a pipe that nobody reads. Each
// has to be one line, which begins with the name of the program, and exit status 1.
func CheckUnwritable(t *testing.T, program string, args ...string) {
	t.Helper()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("there is no full device")
	}
	require.NoError(t, err)
	defer full.Close()
	reader, unread, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, reader.Close())
	defer unread.Close()
	for want, stdout := range map[string]*os.File{"no space left on device": full, "broken pipe": unread} {
		cmd := Command(t, args...)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = stdout, &stderr
		_ = cmd.Run() // the exit status says it
		assert.Equal(t, cli.StatusFailed, cmd.ProcessState.ExitCode())
		assert.Equal(t, program+": write /dev/stdout: "+want+"\n", stderr.String())
	}
}
