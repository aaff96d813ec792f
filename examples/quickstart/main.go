// Command quickstart hashes every file below a directory and tells how many of
// them are copies:
//
//	go run ./examples/quickstart DIR
//
// It is a tour of protocaller. A caller named quickstart has two kinds of
// children: workers, which read the files, and the caller named tally, which
// owns the numbers. Whatever touches the numbers is a function on the tally's
// turn, so there is no lock. One such function waits for the workers, another
// one shows the progress meanwhile: a function that waits gives its turn away.
//
// Read tally.go first, then the function that starts it all in main.go.
//
//	main.go     the command line, and the life of the tree of callers
//	tally.go    the numbers, and the functions of the caller that owns them
//	walk.go     the files below a directory, and the hash of one
//	report.go   what is printed
//	trace.go    the trace of all that, if it is asked for
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/props"
)

const usage = `usage: quickstart [-trace] [-workers N] DIR

Hashes every regular file below DIR and prints how many files and bytes there
are, how many files are copies of others, which one took longest, and the tree
of callers that did the work. Symbolic links are not followed; pipes, sockets
and devices are skipped. What cannot be read, or changes while it is read, is
reported, and the run goes on. Ctrl-C stops it and prints what was done so far.

The exit status is 0, or 1 if something could not be read or the output cannot
be written, 2 if the command line or DIR is of no use, 130 after Ctrl-C.

  -trace
        draw what the callers did when, or send it to the collector, such as a
        Jaeger, that OTEL_EXPORTER_OTLP_ENDPOINT names
  -workers N
        read at most N files at the same time, up to 1024 (default: one for each
        processor)
`

const command = "quickstart"

var (
	errInterrupted = cli.Interrupted("interrupted before all files were read")
	errUnreadable  = errors.New("something could not be read")
)

func main() { os.Exit(run(cli.UntilSignal(), os.Args[1:], os.Stdout, os.Stderr)) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	program := cli.Program[options]{Name: command, Usage: usage, Parse: parse}
	return program.Run(args, stdout, stderr, func(o options) error {
		return quickstart(ctx, o, stdout, stderr)
	})
}

// mostWorkers keeps the files that are open below what a process may have.
const mostWorkers = 1024

// options are the command line, and how to open a file.
type options struct {
	dir     string
	workers int
	trace   bool
	open    func(path string) (*os.File, error)
}

func parse(args []string) (options, error) {
	o := options{open: os.Open}
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error
	flags.IntVar(&o.workers, "workers", min(runtime.NumCPU(), mostWorkers), "")
	flags.BoolVar(&o.trace, "trace", false, "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() != 1 {
		return o, fmt.Errorf("one directory is needed, not %d; try -help", flags.NArg())
	}
	if o.workers < 1 || o.workers > mostWorkers {
		return o, fmt.Errorf("-workers %d: it must be from 1 to %d", o.workers, mostWorkers)
	}
	o.dir = flags.Arg(0)
	return o, checkDir(o.dir)
}

// quickstart starts the callers, has them do their work, and stops them.
func quickstart(ctx context.Context, o options, stdout, stderr io.Writer) error {
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}))
	ctx, tracing, err := startTracing(ctx, o.trace)
	if err != nil {
		return err
	}
	root, err := actors.Start(system,
		props.Telemetry(tracing.telemetry),
		props.Name("quickstart"),
		props.MaxWorkers(o.workers),
		props.MaxIdleWorkers(o.workers),
		props.StopTimeout(5*time.Second), // a read from a dead network drive may never return
	)
	if err != nil {
		return err
	}
	t, err := newTally(root, o)
	if err != nil {
		return err
	}

	stopProgress := t.showProgress(ctx, stderr)
	_, err = actors.CallSoon(ctx, t.caller, t.count).Wait(ctx)
	stopProgress()
	tree := drawTree(root)

	// Shutdown lets the callers finish what they have begun. After Ctrl-C it stops
	// them instead, and does not wait until their functions have returned.
	_ = actors.Shutdown(ctx, system)
	<-root.Stopped()

	var report bytes.Buffer
	t.report(&report) // all callers have stopped, so nobody else has the tally
	fmt.Fprint(&report, "\n", tree)
	untraced := tracing.end(&report)
	if _, err := report.WriteTo(stdout); err != nil {
		return err
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return errInterrupted
	case err != nil:
		return err
	case t.unreadable > 0:
		return errUnreadable
	default:
		return untraced
	}
}
