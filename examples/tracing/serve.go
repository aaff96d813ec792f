package main

import (
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

	"github.com/seed-7fcaac1b/protocaller/examples/tracing/jaeger"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
	"github.com/seed-7fcaac1b/protocaller/telemetry/otlp"
)

// service is the name of the shop in Jaeger.
const service = "shop"

// stopTimeout is how long the end may take, for orders that were accepted and
// for traces that were not sent.
const stopTimeout = 10 * time.Second

// serve runs the shop until ctx ends, or for the one order of a picture. The
// Jaeger is nil if it is not ours.
func serve(ctx context.Context, o options, server *jaeger.Server, stdout io.Writer) (err error) {
	flush, err := otlp.Setup(ctx, service)
	if err != nil {
		return err
	}
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}))
	s, err := openShop(system, telemetry.New(), o.later)
	if err != nil {
		return errors.Join(err, flush(ctx))
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return errors.Join(err, s.close(ctx), flush(ctx))
	}
	address := "http://" + listener.Addr().String()
	web := &http.Server{Handler: s.handler(), ReadHeaderTimeout: stopTimeout}
	if server != nil {
		s.traces = address + "/traces/"
		web.Handler = withTraces(web.Handler, server)
	}
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()

	if o.picture != "" {
		err = portray(ctx, address, server, o.picture)
	} else {
		fmt.Fprintf(stdout, "order something: %s/order/tea\n", address)
		if server != nil {
			fmt.Fprintf(stdout, "the answer has the address of its trace; Jaeger answers at %s\n", server.API)
		}
		select {
		case <-ctx.Done():
		case err = <-served:
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	return errors.Join(err, web.Shutdown(ctx), s.close(ctx), flush(ctx))
}

// spansOfAnOrder is how many spans there are in its trace.
const spansOfAnOrder = 8

// withTraces adds the pictures of the traces that Jaeger has.
func withTraces(next http.Handler, server *jaeger.Server) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", next)
	mux.HandleFunc("GET /traces/{id}", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), stopTimeout)
		defer cancel()
		svg, err := draw(ctx, server, r.PathValue("id"), 0)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "image/svg+xml")
		_, _ = io.WriteString(w, svg) // the reader may have gone
	})
	return mux
}

// portray orders something and writes the picture of the trace into a file,
// after the receipt is sent.
func portray(ctx context.Context, address string, server *jaeger.Server, file string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	id, err := order(ctx, address)
	if err != nil {
		return err
	}
	svg, err := draw(ctx, server, id, 1)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(svg), 0o600)
}

// order orders tea and returns the id of the trace.
func order(ctx context.Context, address string) (id string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/order/tea", http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the shop says %s", response.Status)
	}
	return response.Header.Get(traceHeader), nil
}
