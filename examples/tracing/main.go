// Command tracing is a web shop that shows in Jaeger what becomes of an order.
//
//	go run . -jaeger
//
// in this folder builds Jaeger (some minutes, the first time), starts it and the
// shop, and prints the addresses of both. The trace of an order goes from the
// handler of the HTTP request to a caller, to an ordinary actor, to a worker,
// back to a caller, and has a call in it that fails, one that is cancelled, and
// leads to one that comes later.
//
// Without -jaeger the shop sends its traces to the collector that the OTEL_*
// variables name, http://localhost:4318 unless they do.
//
//	main.go     the command line
//	serve.go    the life of the server
//	shop.go     the service: a handler and the functions of the callers
//	stock.go    the plain actor
//	picture.go  a trace as a picture, like order.svg
//	jaeger      starts Jaeger and asks it for traces
//	tool        the module that has Jaeger as a tool
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/seed-7fcaac1b/protocaller/examples/tracing/jaeger"
)

const usage = `usage: tracing [-jaeger] [-listen ADDRESS] [-later DURATION] [-picture FILE]

Serves a shop that sends the trace of each order to Jaeger.

  -jaeger          build Jaeger, start it, and show traces under /traces; without it
                   the OTEL_* variables say where the traces go
  -listen ADDRESS  of the shop (default 127.0.0.1:8080)
  -later DURATION  after an order, when its receipt is sent (default 100ms)
  -picture FILE    order once, draw the trace into FILE and end; implies -jaeger
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "tracing:", err)
		os.Exit(1)
	}
}

type options struct {
	jaeger  bool
	listen  string
	later   time.Duration
	picture string
}

func parse(args []string, stdout io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("tracing", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints the error
	flags.BoolVar(&o.jaeger, "jaeger", false, "")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "")
	flags.DurationVar(&o.later, "later", 100*time.Millisecond, "")
	flags.StringVar(&o.picture, "picture", "", "")
	err = flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("%q is no flag; try -help", flags.Arg(0))
	}
	return o, err
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	if !o.jaeger && o.picture == "" {
		return serve(ctx, o, nil, stdout)
	}
	fmt.Fprintln(stdout, "building Jaeger, which takes some minutes the first time")
	program, err := jaeger.Build(ctx, "tool")
	if err != nil {
		return err
	}
	server, err := jaeger.Start(context.WithoutCancel(ctx), program)
	if err != nil {
		return err
	}
	sendTo(server)
	return errors.Join(serve(ctx, o, server, stdout), server.Stop())
}

// sendTo has the environment name that Jaeger, which takes no metrics.
func sendTo(server *jaeger.Server) {
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": server.OTLP,
		"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
		"OTEL_METRICS_EXPORTER":       "none",
		"OTEL_BSP_SCHEDULE_DELAY":     "100", // milliseconds; somebody is looking
	} {
		_ = os.Setenv(name, value) // fails for impossible names alone
	}
}
