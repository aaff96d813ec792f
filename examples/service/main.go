// Command service counts votes over HTTP, as services with callers do it:
//
//	go run ./examples/service tea coffee
//	curl -X POST localhost:8080/votes/tea
//	curl localhost:8080/votes
//
// One caller owns the votes. The handlers call functions on it, from as many
// goroutines as there are requests, and there is no lock. A periodic job saves
// the votes. A function that panics restarts the caller, which loads them again.
// On the machine itself /debug/callers/ shows what the callers do.
// Metrics and traces go where OTEL_EXPORTER_OTLP_ENDPOINT says.
//
// Ctrl-C or SIGTERM ends the service in order: it takes no more requests,
// answers those it has, saves the votes and exits, all of it within a deadline.
//
// Read ballot.go first, then web.go and service.go. main.go has nothing but the command line.
//
//	main.go     the command line
//	service.go  the life of the service
//	ballot.go   the votes, and the caller that owns them
//	web.go      the handlers
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
)

const usage = `usage: service [-listen ADDRESS] [-file FILE] [-save D] [-grace D] CHOICE...

Counts votes: POST /votes/CHOICE votes, GET /votes returns the numbers, and
GET /healthz says whether the service runs. Ctrl-C or SIGTERM ends it, after
the requests it has and a last save.

The exit status is 0, or 1 if the service has failed or the votes cannot be
saved, 2 if the command line is of no use.

  -listen ADDRESS  of the service (default 127.0.0.1:8080)
  -file FILE       where the votes are, in JSON (default votes.json)
  -save D          how often they are saved (default 10s)
  -grace D         how long requests have to end (default 10s); what still runs
                   then is cancelled, and has another second

If OTEL_EXPORTER_OTLP_ENDPOINT is set, metrics and traces are sent there.
`

const command = "service"

func main() { os.Exit(run(cli.UntilSignal(), os.Args[1:], os.Stdout, os.Stderr)) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	program := cli.Program[options]{Name: command, Usage: usage, Parse: parse}
	return program.Run(args, stdout, stderr, func(o options) error {
		return serve(ctx, o, stdout, stderr)
	})
}

type options struct {
	listen   string
	file     string
	interval time.Duration
	grace    time.Duration
	choices  []string
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "")
	flags.StringVar(&o.file, "file", "votes.json", "")
	flags.DurationVar(&o.interval, "save", 10*time.Second, "")
	flags.DurationVar(&o.grace, "grace", 10*time.Second, "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.choices = flags.Args()
	switch {
	case len(o.choices) < 2:
		return o, fmt.Errorf("two choices are needed, not %d; try -help", len(o.choices))
	case o.interval <= 0:
		return o, fmt.Errorf("-save %v: it must be positive", o.interval)
	case o.grace <= 0:
		return o, fmt.Errorf("-grace %v: it must be positive", o.grace)
	}
	if _, _, err := net.SplitHostPort(o.listen); err != nil {
		return o, fmt.Errorf("-listen %s: %w", o.listen, err)
	}
	return o, checkFile(o.file)
}

// checkFile returns an error for what is there and is not a regular file.
func checkFile(name string) error {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("-file %s: it is not a regular file", name)
	default:
		return err
	}
}
