package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
)

func TestPipesAreSkipped(t *testing.T) {
	dir := makeTree(t, map[string]string{"file": "content"})
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))

	got := runArgs(t, dir)
	assert.Equal(t, cli.StatusOK, got.Status)
	assert.Contains(t, got.Stdout, "files       1\n")
	assert.Equal(t, clitest.Outcome{Status: cli.StatusUsage, Stderr: "quickstart: " + pipe + " is not a directory\n"}, runArgs(t, pipe))
}

// Files of the kernel say that they are empty.
func TestFileThatIsLongerThanItSaysIsReported(t *testing.T) {
	_, err := hash(t.Context(), os.Open, "/proc/version")
	require.EqualError(t, err, "read /proc/version: changed meanwhile")
}

// The program is run in a terminal of its own. It is interrupted while it reads
// a file that is far too long to come to its end.
func TestInterruptOfTheProgram(t *testing.T) {
	dir := makeTree(t, map[string]string{"a": "12345", "b": "12345", "c": "123"})
	endless := filepath.Join(dir, "endless")
	require.NoError(t, os.WriteFile(endless, nil, 0o600))
	require.NoError(t, os.Truncate(endless, 1<<40)) // takes no room on the disk

	for name, interrupt := range map[string]func(terminal *os.File, program *os.Process) error{
		"by Ctrl-C": func(terminal *os.File, _ *os.Process) error {
			_, err := terminal.WriteString("\x03")
			return err
		},
		"by SIGTERM": func(_ *os.File, program *os.Process) error { return program.Signal(syscall.SIGTERM) },
		"by SIGINT":  func(_ *os.File, program *os.Process) error { return program.Signal(os.Interrupt) },
	} {
		t.Run(name, func(t *testing.T) {
			terminal, stderr := openTerminal(t)
			var stdout bytes.Buffer
			program := clitest.Command(t, "-workers", "2", dir)
			program.Stdout, program.Stderr = &stdout, stderr
			program.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
			require.NoError(t, program.Start())
			require.NoError(t, stderr.Close())

			shown := readUntil(t, terminal, clearLine+"3 files, 0 MiB")
			require.NoError(t, interrupt(terminal, program.Process))
			shown += readAll(terminal)

			var exit *exec.ExitError
			require.ErrorAs(t, program.Wait(), &exit)
			assert.Equal(t, cli.StatusInterrupted, exit.ExitCode(), "%v", exit)
			assert.Contains(t, stdout.String(), text("files       3", "bytes       13", "duplicates  1 (5 bytes)"))
			assert.Contains(t, stdout.String(), text("unreadable  0", "", "quickstart, running", "├── $1, running"))
			assert.True(t, strings.HasSuffix(shown, clearLine+"quickstart: interrupted before all files were read\r\n"), "%q", shown)
		})
	}
}

func TestResultThatCannotBeWrittenIsAnError(t *testing.T) {
	dir := makeTree(t, map[string]string{"file": "content"})
	clitest.CheckUnwritable(t, command, dir)
	clitest.CheckUnwritable(t, command, "-help")
}

// openTerminal returns both ends of a new terminal: the user's and the
// program's.
func openTerminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { user.Close() })
	number := control(t, user, syscall.TIOCGPTN)
	control(t, user, syscall.TIOCSPTLCK) // 0 unlocks it
	program, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	return user, program
}

// control has the terminal's driver do what the request says with a zero, and
// returns what has become of that.
func control(t *testing.T, terminal *os.File, request uintptr) (value int32) {
	t.Helper()
	conn, err := terminal.SyscallConn()
	require.NoError(t, err)
	var failure syscall.Errno
	require.NoError(t, conn.Control(func(fd uintptr) {
		_, _, failure = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(unsafe.Pointer(&value)))
	}))
	require.Zero(t, failure)
	return value
}

// readUntil returns what a terminal shows until it shows want.
func readUntil(t *testing.T, terminal *os.File, want string) string {
	t.Helper()
	var shown strings.Builder
	piece := make([]byte, 256)
	for !strings.Contains(shown.String(), want) {
		n, err := terminal.Read(piece)
		require.NoError(t, err, "%q", shown.String())
		shown.Write(piece[:n])
	}
	return shown.String()
}

// readAll returns what a terminal shows until the program has left it, which is
// an error on Linux.
func readAll(terminal *os.File) string {
	var shown bytes.Buffer
	_, _ = shown.ReadFrom(terminal)
	return shown.String()
}
