package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestContextOfOneThread(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.NoError(t, run(t.Context(), &stdout, &stderr))
	assert.Empty(t, stderr.String())
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	require.Len(t, lines, 3)

	const refused = ": eglMakeCurrent: EGL_BAD_ACCESS, it is current on another thread"
	assert.Regexp(t, `^goroutine +0 of 16 painted, threads used: ([2-9]|\d\d)`+refused+"$", lines[0])
	for i, name := range []string{"thread", "guest"} {
		assert.Equal(t, fmt.Sprintf("%-10s 16 of 16 painted, threads used: 1", name), lines[1+i])
	}
}

func TestInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout bytes.Buffer
	require.ErrorIs(t, run(ctx, &stdout, os.Stderr), context.Canceled)
	assert.Empty(t, stdout.String())
}
