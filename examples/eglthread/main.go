// Command eglthread paints with OpenGL, whose contexts are current on one thread
// at a time. It does so on callers with and without a thread:
//
//	go run .        # in this folder
//
// It needs EGL and OpenGL ES, but no screen; on Debian:
//
//	apt-get install pkg-config libegl-dev libgles-dev libgl1-mesa-dri
//
// On the default backend the functions of a caller run on any goroutine. EGL
// refuses the context to those that are on another thread than the one it is
// current on. runtime.LockOSThread keeps one function on its thread, which is of
// no help to the others. On props.Thread all of them share one thread, whoever
// waits in between. With actors.CallUsing some functions of a caller do so, while
// the others stay on goroutines.
//
// Read paint.go first, then main.go.
//
//	main.go     what is done on each backend, and what came of it
//	paint.go    the functions of a caller
//	egl.go      the C libraries
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// way is how the functions are run that paint.
type way struct {
	name      string
	caller    props.BackendKind
	functions props.BackendKind
}

var ways = []way{
	{"goroutine", props.Goroutine, props.Goroutine},
	{"thread", props.Thread, props.Thread},
	{"guest", props.Goroutine, props.Thread},
}

const usage = `usage: eglthread [-pause D]

Paints with OpenGL on callers with and without a thread, and prints on how many
threads their functions ran and how much of the picture came out right. Ctrl-C
ends it early.

The exit status is 0, or 1 if there is no OpenGL or the result cannot be written,
2 if the command line is of no use, 130 after Ctrl-C.

  -pause D  how long a function waits after it has painted (default 1ms)
`

const command = "eglthread"

var errInterrupted = cli.Interrupted("interrupted before all was painted")

func main() { os.Exit(run(cli.UntilSignal(), os.Args[1:], os.Stdout, os.Stderr)) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	program := cli.Program[time.Duration]{Name: command, Usage: usage, Parse: parse}
	return program.Run(args, stdout, stderr, func(pause time.Duration) error {
		return paintAll(ctx, pause, stdout, stderr)
	})
}

func parse(args []string) (pause time.Duration, err error) {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error
	flags.DurationVar(&pause, "pause", time.Millisecond, "")
	switch err := flags.Parse(args); {
	case err != nil:
		return 0, err
	case flags.NArg() > 0:
		return 0, fmt.Errorf("%q is no flag; try -help", flags.Arg(0))
	case pause < 0:
		return 0, fmt.Errorf("-pause %v: it must not be negative", pause)
	}
	return pause, nil
}

// paintAll paints on a caller of each kind, one after the other.
func paintAll(ctx context.Context, pause time.Duration, stdout, stderr io.Writer) error {
	d, err := openDisplay()
	if err != nil {
		return err
	}
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}))
	for _, w := range ways {
		if err = w.paint(ctx, system, d, pause, stdout); err != nil {
			break
		}
	}
	return errors.Join(err, actors.Shutdown(context.WithoutCancel(ctx), system), d.close())
}

func (w way) paint(ctx context.Context, system *actor.ActorSystem, d display, pause time.Duration, stdout io.Writer) error {
	c, err := actors.Start(system, props.Name(w.name), props.Backend(w.caller))
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "%-10s ", w.name); err != nil {
		return err
	}
	p := painter{display: d, caller: c, way: w, pause: pause}
	_, err = actors.CallUsing(ctx, c, w.functions, p.paint).Wait(ctx)
	report := "not finished"
	switch {
	case ctx.Err() != nil:
		err = errInterrupted
	case err != nil:
		err = fmt.Errorf("%s: %w", w.name, err)
	default:
		report = p.report()
	}
	if _, failed := fmt.Fprintln(stdout, report); failed != nil {
		return failed
	}
	return err
}
