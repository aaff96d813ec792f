package main

import (
	"cmp"
	"context"
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
	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
	"github.com/seed-7fcaac1b/protocaller/telemetry/otlp"
)

// service is the name of the shop in Jaeger.
const service = "shop"

// stopTimeout is how long the end may take, for orders that were accepted and
// for traces that were not sent.
const stopTimeout = 10 * time.Second

// serve runs the shop until ctx ends, or for the one order of a picture. The
// Jaeger is nil if it is not ours.
func serve(ctx context.Context, o options, server *jaeger.Server, stdout, stderr io.Writer) error {
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	flush, err := otlp.Setup(context.WithoutCancel(ctx), service)
	if err != nil {
		return err
	}
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}))
	meters, metrics, err := newMetrics()
	if err != nil {
		return err
	}
	s, err := openShop(system, telemetry.New(telemetry.MeterProvider(meters)), o.later)
	if err != nil {
		return err
	}
	address := "http://" + listener.Addr().String()
	mux := s.handler()
	trace := "http://localhost:16686/trace/%s"
	if server != nil {
		trace = address + "/traces/%s"
	}
	mux.Handle("GET /metrics", metrics)
	mux.Handle("/debug/callers/", inspect.Handler(system, inspect.TraceURL(trace)))
	if server != nil {
		s.traces = address + "/traces/"
		mux.HandleFunc("GET /traces/{id}", tracesOf(server))
	}
	web := &http.Server{Handler: mux, ReadHeaderTimeout: stopTimeout}
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()

	if o.picture != "" {
		err = portray(ctx, address, server, o.picture)
	} else {
		err = takeOrders(ctx, address, server, stdout, served)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err = cmp.Or(err, web.Shutdown(ctx), s.close(ctx))
	if unsent := flush(ctx); err == nil && unsent != nil {
		err = fmt.Errorf("traces were not sent: %w", unsent)
	}
	return err
}

// takeOrders says where, and returns when ctx ends or the server fails.
func takeOrders(ctx context.Context, address string, server *jaeger.Server, stdout io.Writer, served <-chan error) error {
	text := fmt.Sprintf("order something: %s/order/tea\nsee the callers: %s/debug/callers/\nsee the metrics: %s/metrics\n", address, address, address)
	if server != nil {
		text += fmt.Sprintf("the answer has the address of its trace; Jaeger answers at %s\n", server.API)
	}
	if _, err := io.WriteString(stdout, text); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-served:
		return err
	}
}

// spansOfAnOrder is how many spans there are in its trace.
const spansOfAnOrder = 8

// tracesOf serves the pictures of the traces that Jaeger has.
func tracesOf(server *jaeger.Server) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), stopTimeout)
		defer cancel()
		svg, err := draw(ctx, server, r.PathValue("id"), 0)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "image/svg+xml")
		_, _ = io.WriteString(w, svg) // the reader may have gone
	}
}

// portray orders something and writes the picture of the trace into a file,
// after the receipt is sent.
func portray(ctx context.Context, address string, server *jaeger.Server, file string) error {
	drawing, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	id, err := order(drawing, address)
	var svg string
	if err == nil {
		svg, err = draw(drawing, server, id, 1)
	}
	if ctx.Err() != nil {
		return errInterrupted
	}
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
