package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

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

func runArgs(ctx context.Context, args ...string) clitest.Outcome {
	var stdout, stderr bytes.Buffer
	status := run(ctx, args, &stdout, &stderr)
	return clitest.Outcome{Status: status, Stdout: stdout.String(), Stderr: stderr.String()}
}
