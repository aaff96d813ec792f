// Package cli is what the command lines of the examples have in common: signals, errors on
// one line, and exit status.
package cli

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

// The exit status, as in the usage of each example.
const (
	StatusOK          = 0
	StatusFailed      = 1
	StatusUsage       = 2
	StatusInterrupted = 130
)

// usageError says what is wrong with the command line.
type usageError struct{ error }

// Usage returns an error whose exit status is [StatusUsage].
func Usage(err error) error { return usageError{err} }

// interruption is an end by a signal.
type interruption string

// Interrupted returns an error whose exit status is [StatusInterrupted]. The text says what
// is left undone.
func Interrupted(text string) error { return interruption(text) }

func (i interruption) Error() string { return string(i) }

// UntilSignal returns a context that ends with Ctrl-C or SIGTERM. A second signal ends the
// process at once, but not within a second: timeout(1) sends each twice.
func UntilSignal() context.Context {
	signal.Ignore(syscall.SIGPIPE) // a write to a closed pipe returns an error instead
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() { time.AfterFunc(time.Second, stop) })
	return ctx
}

// Exit prints why a program has failed, unless err is nil, and returns its exit status.
func Exit(program string, err error, stderr io.Writer) int {
	if err == nil {
		return StatusOK
	}
	fmt.Fprintf(stderr, "%s: %s\n", program, OneLine(err))
	var usage usageError
	var interrupted interruption
	switch {
	case errors.As(err, &usage):
		return StatusUsage
	case errors.As(err, &interrupted):
		return StatusInterrupted
	default:
		return StatusFailed
	}
}

// OneLine returns the text of an error without control characters.
func OneLine(err error) string {
	return Printable(strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
}

// Printable replaces the characters that control a terminal.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}
