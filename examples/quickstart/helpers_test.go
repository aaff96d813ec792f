package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/clitest"
)

func TestMain(m *testing.M) {
	if clitest.IsProgram() {
		main() // it does not return
	}
	status := m.Run()
	if err := leaks(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// leaks returns an error if goroutines are left. It asks several times, because
// a dead letter keeps one of protoactor's for a second, and goleak waits less.
func leaks() (err error) {
	for range 5 {
		if err = goleak.Find(); err == nil {
			return nil
		}
	}
	return err
}

// someTime is that of the slowest file. It is blotted out.
var someTime = regexp.MustCompile(`(?m)^(slowest +)[^,]+`)

// runArgs runs the command line.
func runArgs(t *testing.T, args ...string) clitest.Outcome {
	t.Helper()
	defer func() { require.NoError(t, leaks()) }()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), args, &stdout, &stderr)
	return clitest.Outcome{Status: status, Stdout: someTime.ReplaceAllString(stdout.String(), "${1}T"), Stderr: stderr.String()}
}

// runOpening has n workers that open files with open.
func runOpening(
	ctx context.Context, t *testing.T, dir string, n int, open func(path string) (*os.File, error),
) clitest.Outcome {
	t.Helper()
	defer func() { require.NoError(t, leaks()) }()
	var stdout, stderr bytes.Buffer
	err := quickstart(ctx, options{dir: dir, workers: n, open: open}, &stdout, &stderr)
	return clitest.Outcome{Status: cli.Exit(command, err, &stderr), Stdout: stdout.String(), Stderr: stderr.String()}
}

// makeTree makes a directory of files with these contents.
func makeTree(t *testing.T, contents map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for path, content := range contents {
		path = filepath.Join(dir, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return dir
}

// text joins lines.
func text(lines ...string) string { return strings.Join(lines, "\n") + "\n" }
