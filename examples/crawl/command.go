package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// The exit status, as in usage.
const (
	statusOK          = 0
	statusFailed      = 1
	statusUsage       = 2
	statusInterrupted = 130
)

// usageError says what is wrong with the command line.
type usageError struct{ error }

// untilSignal returns a context that ends with Ctrl-C or SIGTERM. A second signal
// ends the process at once, but not within a second: timeout(1) sends each twice.
func untilSignal() context.Context {
	signal.Ignore(syscall.SIGPIPE) // a write to a closed pipe returns an error instead
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, stop) })
	return ctx
}

// exitStatus prints why the program has failed, and returns its exit status.
func exitStatus(err error, stderr io.Writer) int {
	if err == nil {
		return statusOK
	}
	fmt.Fprintf(stderr, "%s: %s\n", command, oneLine(err))
	var usage usageError
	switch {
	case errors.As(err, &usage):
		return statusUsage
	case errors.Is(err, errInterrupted):
		return statusInterrupted
	default:
		return statusFailed
	}
}

// oneLine returns the text of an error without control characters.
func oneLine(err error) string {
	return printable(strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
}

// printable replaces the characters that control a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}
