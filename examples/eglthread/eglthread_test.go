package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
)

func TestMain(m *testing.M) {
	if clitest.IsProgram() {
		main() // it does not return
	}
	goleak.VerifyTestMain(m)
}

func TestContextOfOneThread(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Equal(t, cli.StatusOK, run(t.Context(), nil, &stdout, &stderr))
	assert.Empty(t, stderr.String())
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	require.Len(t, lines, 3)

	const refused = ": eglMakeCurrent: EGL_BAD_ACCESS, it is current on another thread"
	assert.Regexp(t, `^goroutine +0 of 16 painted, threads used: ([2-9]|\d\d)`+refused+"$", lines[0])
	for i, name := range []string{"thread", "guest"} {
		assert.Equal(t, fmt.Sprintf("%-10s 16 of 16 painted, threads used: 1", name), lines[1+i])
	}
}

func TestSignalEndsThePainting(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			want := clitest.Outcome{Status: cli.StatusInterrupted, Stdout: "goroutine  not finished\n", Stderr: "eglthread: interrupted before all was painted\n"}
			assert.Equal(t, want, clitest.Execute(t, signal, "-pause", "1h"))
		})
	}
}

func TestResultThatCannotBeWrittenIsAnError(t *testing.T) {
	clitest.CheckUnwritable(t, command)
	clitest.CheckUnwritable(t, command, "-help")
}

func TestUnusableArguments(t *testing.T) {
	for want, args := range map[string][]string{
		"flag provided but not defined: -?[2J": {"-\x1b[2J"},
		`"x\n" is no flag; try -help`:          {"x\n"},
		"-pause -1s: it must not be negative":  {"-pause", "-1s"},
	} {
		t.Run(want, func(t *testing.T) {
			assert.Equal(t, clitest.Outcome{Status: cli.StatusUsage, Stderr: "eglthread: " + want + "\n"}, clitest.Execute(t, nil, args...))
		})
	}
}

func TestHelp(t *testing.T) {
	assert.Equal(t, clitest.Outcome{Stdout: usage}, clitest.Execute(t, nil, "-help"))
}
