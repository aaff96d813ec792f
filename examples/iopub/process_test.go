package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asProgram makes the test binary, run again, the program itself.
const asProgram = "EXAMPLE_AS_PROGRAM"

// outcome is that of a run.
type outcome struct {
	status         int
	stdout, stderr string
}

func newProcess(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// execute runs the program. The signal, if it is not nil, is sent when the program
// has printed something, and twice, as timeout(1) does.
func execute(t *testing.T, signal os.Signal, args ...string) outcome {
	t.Helper()
	cmd := newProcess(t, args...)
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
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// checkUnwritable runs the program on a full device, and on a pipe that nobody
// reads. Each has to be one line and exit status 1.
func checkUnwritable(t *testing.T, args ...string) {
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
		cmd := newProcess(t, args...)
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = stdout, &stderr
		_ = cmd.Run() // the exit status says it
		assert.Equal(t, statusFailed, cmd.ProcessState.ExitCode())
		assert.Equal(t, command+": write /dev/stdout: "+want+"\n", stderr.String())
	}
}
