// Command tracing is a web shop that shows in Jaeger what becomes of an order.
//
//	go run . -jaeger
//
// in this folder builds Jaeger, which takes some minutes the first time. It starts
// Jaeger and the shop, and prints the addresses of both. The trace of an order begins in
// the handler of the HTTP request. It goes to a caller, to an ordinary actor, to a
// worker, and back to a caller. One call in it fails and one is cancelled. The trace
// also leads to a call that comes later.
//
// Without -jaeger the shop sends its traces to the collector that the OTEL_*
// variables name, http://localhost:4318 unless they do. Either way it has its
// metrics for a Prometheus server under /metrics, which dashboard.json shows in Grafana.
//
// The Jaeger that is built has no page to search on, because the source on the
// module proxy has none. The shop draws its traces under /traces instead. For the
// page start a release of Jaeger, as by
//
//	docker run -p 16686:16686 -p 4318:4318 jaegertracing/jaeger:2.13.0
//
// and the shop without -jaeger.
//
// Read shop.go first, then stock.go. main.go has nothing but the command line.
//
//	main.go     the command line
//	serve.go    the life of the server
//	shop.go     the service: a handler and the functions of the callers
//	stock.go    the plain actor
//	metrics.go  the metrics for Prometheus
//	picture.go  a trace as a picture, like order.svg
//	jaeger      starts Jaeger and asks it for traces
//	tool        the module that has Jaeger as a tool
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/examples/tracing/jaeger"
)

const usage = `usage: tracing [-jaeger] [-listen ADDRESS] [-later DURATION] [-picture FILE]

Serves a shop that sends the trace of each order to Jaeger. It has its metrics for
Prometheus under /metrics; dashboard.json shows them in Grafana.

  -jaeger          build Jaeger, start it, and show traces under /traces; without it
                   the OTEL_* variables say where the traces go
  -listen ADDRESS  of the shop (default 127.0.0.1:8080)
  -later DURATION  after an order, when its receipt is sent (default 100ms)
  -picture FILE    order once, draw the trace into FILE and end; implies -jaeger

Ctrl-C closes the shop: it answers the orders it has, and sends their traces. The
exit status is 0, or 1 if something has failed, 2 if the command line is of no
use, 130 after Ctrl-C before the shop is open or the picture is drawn.
`

const command = "tracing"

var errInterrupted = cli.Interrupted("interrupted")

func main() { os.Exit(run(cli.UntilSignal(), os.Args[1:], os.Stdout, os.Stderr)) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	program := cli.Program[options]{Name: command, Usage: usage, Parse: parse}
	return program.Run(args, stdout, stderr, func(o options) error {
		return show(ctx, o, stdout, stderr)
	})
}

type options struct {
	jaeger  bool
	listen  string
	later   time.Duration
	picture string
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error
	flags.BoolVar(&o.jaeger, "jaeger", false, "")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "")
	flags.DurationVar(&o.later, "later", 100*time.Millisecond, "")
	flags.StringVar(&o.picture, "picture", "", "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag; try -help", flags.Arg(0))
	}
	if _, _, err := net.SplitHostPort(o.listen); err != nil {
		return o, fmt.Errorf("-listen %s: %w", o.listen, err)
	}
	return o, nil
}

// show runs the shop, and Jaeger if it is asked for.
func show(ctx context.Context, o options, stdout, stderr io.Writer) error {
	if os.Getenv("OTEL_METRICS_EXPORTER") == "" { // Jaeger takes no metrics
		_ = os.Setenv("OTEL_METRICS_EXPORTER", "none")
	}
	if !o.jaeger && o.picture == "" {
		return serve(ctx, o, nil, stdout, stderr)
	}
	if _, err := fmt.Fprintln(stdout, "building Jaeger, which takes four to eight minutes the first time"); err != nil {
		return err
	}
	program, err := build(ctx, stdout)
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err != nil {
		return err
	}
	server, err := jaeger.Start(context.WithoutCancel(ctx), program)
	if err != nil {
		return err
	}
	sendTo(server)
	err = serve(ctx, o, server, stdout, stderr)
	return cmp.Or(err, server.Stop())
}

// build builds Jaeger, and says now and then how long that has taken.
func build(ctx context.Context, stdout io.Writer) (program string, err error) {
	began, ticker, built := time.Now(), time.NewTicker(progressInterval), make(chan struct{})
	defer ticker.Stop()
	go func() {
		defer close(built)
		program, err = jaeger.Build(ctx, "tool")
	}()
	for {
		select {
		case <-ticker.C:
			_, _ = fmt.Fprintf(stdout, "still building Jaeger, for %v\n", time.Since(began).Round(time.Second))
		case <-built:
			return program, err
		}
	}
}

// progressInterval is how often the build is said to go on.
const progressInterval = 10 * time.Second

// sendTo has the environment name that Jaeger.
func sendTo(server *jaeger.Server) {
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": server.OTLP,
		"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
		"OTEL_BSP_SCHEDULE_DELAY":     "100", // milliseconds; somebody is looking
	} {
		_ = os.Setenv(name, value) // fails for impossible names alone
	}
}
