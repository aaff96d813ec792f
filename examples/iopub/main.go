// Command iopub has callers and their workers print lines at once, each over a
// ZeroMQ socket of its own. A subscriber shows who said what:
//
//	go run .                                  # in this folder
//	go run . -endpoint 'tcp://127.0.0.1:*'
//
// It needs the C library of ZeroMQ; on Debian:
//
//	apt-get install pkg-config libzmq3-dev
//
// props.Publisher opens a socket for each caller that starts, and for the
// workers that inherit the option. A socket is closed when its caller has
// stopped. The subscriber binds, the callers' sockets connect.
//
// Read publisher.go first, then chatter.go.
//
//	main.go        the command line, and the life of all of it
//	chatter.go     what callers and workers have to say
//	publisher.go   the socket of a caller
//	subscriber.go  the one who listens
//	printer.go     the lines that are printed
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/pebbe/zmq4"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
)

const usage = `usage: iopub [-callers N] [-tasks N] [-pause D] [-endpoint E]

Callers have tasks done by their workers. All of them print what they do over
ZeroMQ sockets of their own, and a subscriber shows each line with the id of
the caller that it is from. Ctrl-C ends it early, and loses no line either.

The exit status is 0, or 1 if lines were lost or cannot be written, 2 if the
command line is of no use, 130 after Ctrl-C.

  -callers N   how many callers there are, up to 100 (default 3)
  -tasks N     how many tasks each has for its workers (default 4)
  -pause D     about how long a task takes (default 50ms)
  -endpoint E  where the subscriber listens (default inproc://iopub)
`

const command = "iopub"

var errInterrupted = cli.Interrupted("interrupted")

// patience is how long sockets wait for one another.
const patience = 10 * time.Second

func main() { os.Exit(run(cli.UntilSignal(), os.Args[1:], os.Stdout, os.Stderr)) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	program := cli.Program[options]{Name: command, Usage: usage, Parse: parse}
	return program.Run(args, stdout, stderr, func(o options) error {
		return listenToAll(ctx, o, stdout, stderr)
	})
}

const (
	mostCallers  = 100 // so that the sockets do not run out
	longestPause = 24 * time.Hour
)

var endpoints = regexp.MustCompile(`^(inproc|ipc|tcp)://.`)

type options struct {
	callers, tasks int
	pause          time.Duration
	endpoint       string
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("iopub", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error
	flags.IntVar(&o.callers, "callers", 3, "")
	flags.IntVar(&o.tasks, "tasks", 4, "")
	flags.DurationVar(&o.pause, "pause", 50*time.Millisecond, "")
	flags.StringVar(&o.endpoint, "endpoint", "inproc://iopub", "")
	switch err := flags.Parse(args); {
	case err != nil:
		return o, err
	case flags.NArg() > 0:
		return o, fmt.Errorf("%q is no flag; try -help", flags.Arg(0))
	case o.callers < 1 || o.callers > mostCallers:
		return o, fmt.Errorf("-callers %d: it must be from 1 to %d", o.callers, mostCallers)
	case o.tasks < 0:
		return o, fmt.Errorf("-tasks %d: it must not be negative", o.tasks)
	case o.pause < 0 || o.pause > longestPause:
		return o, fmt.Errorf("-pause %v: it must be from 0 to %v", o.pause, longestPause)
	case !endpoints.MatchString(o.endpoint):
		return o, fmt.Errorf("-endpoint %q: it must begin with inproc://, ipc:// or tcp://", o.endpoint)
	}
	return o, nil
}

// listenToAll has the subscriber listen to callers until they have said all. It
// returns an error if that is not what the subscriber has heard.
func listenToAll(ctx context.Context, o options, stdout, stderr io.Writer) error {
	sockets, err := zmq4.NewContext()
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	out := &printer{w: stdout, end: end}
	s, err := subscribe(sockets, o.endpoint, out)
	if err != nil {
		return errors.Join(err, sockets.Term())
	}
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}))
	err = chat(ctx, system, o, publisher{sockets, s.endpoint, patience, s.expect})
	if ctx.Err() != nil {
		err = errInterrupted
	}

	// The sockets are closed when the callers have stopped. The last of what
	// they have sent is still on its way then.
	ctx = context.WithoutCancel(ctx)
	err = errors.Join(err, actors.Shutdown(ctx, system), s.waitForAll(ctx), sockets.Term(), s.wait())
	out.printf("%d lines of %d callers and workers\n", s.total(), len(s.heard))
	if out.failed != nil {
		return out.failed
	}
	return err
}
