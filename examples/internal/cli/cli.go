// Package cli is what the command lines of the examples have in common: signals, errors on
// one line, and exit status.
package cli

import (
	"context"
	"errors"
	"flag"
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

// Program is a command line with options of type O.
type Program[O any] struct {
	Name, Usage string
	Parse       func(args []string) (O, error) // the error is [flag.ErrHelp] for the usage
}

// Run does what the arguments say, and returns the exit status.
func (p Program[O]) Run(args []string, stdout, stderr io.Writer, do func(O) error) int {
	o, err := p.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, err = io.WriteString(stdout, p.Usage)
	case err != nil:
		err = Usage(err)
	default:
		err = do(o)
	}
	return Exit(p.Name, err, stderr)
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
