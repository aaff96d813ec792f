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
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main() // it does not return
	}
	goleak.VerifyTestMain(m)
}

func TestContextOfOneThread(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Equal(t, statusOK, run(t.Context(), nil, &stdout, &stderr))
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
			want := outcome{statusInterrupted, "goroutine  not finished\n", "eglthread: interrupted before all was painted\n"}
			assert.Equal(t, want, execute(t, signal, "-pause", "1h"))
		})
	}
}

func TestResultThatCannotBeWrittenIsAnError(t *testing.T) {
	checkUnwritable(t)
	checkUnwritable(t, "-help")
}

func TestUnusableArguments(t *testing.T) {
	for want, args := range map[string][]string{
		"flag provided but not defined: -?[2J": {"-\x1b[2J"},
		`"x\n" is no flag; try -help`:          {"x\n"},
		"-pause -1s: it must not be negative":  {"-pause", "-1s"},
	} {
		t.Run(want, func(t *testing.T) {
			assert.Equal(t, outcome{statusUsage, "", "eglthread: " + want + "\n"}, execute(t, nil, args...))
		})
	}
}

func TestHelp(t *testing.T) {
	assert.Equal(t, outcome{stdout: usage}, execute(t, nil, "-help"))
}
