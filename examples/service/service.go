package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/telemetry/otlp"
)

var errFailedTooOften = errors.New("the ballot has failed too often")

// service is everything that has to be ended.
type service struct {
	options
	log *slog.Logger

	flush  func(context.Context) error // sends the last metrics and traces
	system *actor.ActorSystem
	ballot *ballot
	web    *http.Server
	served chan error
}

// serve runs the service until ctx ends or something fails.
func serve(ctx context.Context, o options, stdout, stderr io.Writer) error {
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	s, err := open(ctx, o, slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	go func() { s.served <- s.web.Serve(listener) }()
	_, err = fmt.Fprintf(stdout, "votes are taken at http://%s/votes\n", listener.Addr())
	if err == nil {
		err = s.wait(ctx)
	}
	return cmp.Or(err, s.close(ctx))
}

// open starts everything but the server.
func open(ctx context.Context, o options, log *slog.Logger) (*service, error) {
	flush, err := startTelemetry(ctx)
	if err != nil {
		return nil, err
	}
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return log }))
	b, err := openBallot(ctx, system, o)
	if err != nil {
		return nil, err
	}
	web := &http.Server{Handler: b.handler(), ReadTimeout: time.Minute}
	return &service{o, log, flush, system, b, web, make(chan error, 1)}, nil
}

func startTelemetry(ctx context.Context) (flush func(context.Context) error, err error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" {
		return func(context.Context) error { return nil }, nil
	}
	return otlp.Setup(ctx, command)
}

// wait returns when the service has to end. The error says what has failed.
func (s *service) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.served:
		return err
	case <-s.ballot.caller.Stopped():
		return errFailedTooOften
	}
}

// close answers the requests that have come, and then stops the callers. At the
// deadline it cancels what still runs. It returns the first error.
func (s *service) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.grace)
	defer cancel()
	err := cmp.Or(
		s.web.Shutdown(ctx),
		actors.Shutdown(ctx, s.system), // which saves the votes
		s.web.Close(),
	)
	<-s.ballot.caller.Stopped() // after the deadline it takes stopTimeout at most
	if err := s.flush(ctx); err != nil {
		s.log.Warn("the last metrics and traces were not sent", "error", err)
	}
	return cmp.Or(s.ballot.unsaved, err)
}
