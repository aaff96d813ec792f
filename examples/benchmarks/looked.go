package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
)

const (
	// lookedAt is how many callers a page shows.
	lookedAt = 1000
	// lookedTime is for how long calls are made while a page is open, so that it is drawn
	// several times.
	lookedTime = 5 * time.Second
)

// crowd returns one of many callers.
func crowd(n int) *actors.Caller {
	system := newSystem()
	for i := range n - 1 {
		must(actors.Start(system, props.Name(fmt.Sprintf("caller-%04d", i))))
	}
	return must(actors.Start(system))
}

// look does what a browser does with the open page of all callers: it draws it anew at each
// event.
func look(system *actor.ActorSystem) (end func()) {
	server := httptest.NewServer(inspect.Handler(system))
	ctx, cancel := context.WithCancel(context.Background())
	seen, ended := make(chan struct{}), make(chan struct{})
	get := func(page string) *http.Response {
		answer, err := server.Client().Do(must(http.NewRequestWithContext(ctx, http.MethodGet, server.URL+page, nil)))
		if err != nil {
			return nil // it is the end
		}
		return answer
	}
	go func() {
		defer close(ended)
		events := get("/events")
		defer events.Body.Close()
		close(seen)
		for lines := bufio.NewScanner(events.Body); lines.Scan(); {
			if lines.Text() != "" {
				continue
			}
			if page := get("/tree"); page != nil {
				_, _ = io.Copy(io.Discard, page.Body) // the end cuts it
				page.Body.Close()
			}
		}
	}()
	<-seen
	return func() {
		cancel()
		<-ended
		server.Close()
	}
}

// callLooked makes calls while a page is open.
func callLooked(b *testing.B) {
	c := crowd(10)
	defer func() { check(actors.Shutdown(context.Background(), c.System())) }()
	defer look(c.System())()
	for b.Loop() {
		must(actors.CallSoon(context.Background(), c, one).Wait(context.Background()))
	}
}

// beingLooked measures what share of the calls takes no longer, with an open page or without.
func beingLooked(share float64, looked bool) func() measurement {
	return func() measurement {
		c := crowd(lookedAt)
		defer func() { check(actors.Shutdown(context.Background(), c.System())) }()
		if looked {
			defer look(c.System())()
		}
		ctx := context.Background()
		var all []float64
		for end := time.Now().Add(lookedTime); ; {
			begin := time.Now()
			if begin.After(end) {
				return measurement{nanoseconds: quantile(all, share)}
			}
			must(actors.CallSoon(ctx, c, one).Wait(ctx))
			all = append(all, float64(time.Since(begin)))
		}
	}
}

// lookedFigures compares calls with an open page and without one.
func lookedFigures() (figures []figure) {
	for _, q := range []struct {
		name  string
		share float64
		bar   float64
	}{{"p50", 0.5, 1.05}, {"p99", 0.99, 1.5}} {
		figures = append(figures, figure{
			number: 29,
			ours: side{
				name: "`CallSoon` and `Wait`, " + q.name + ", a page of 1000 callers open", per: 1,
				run: callLooked, measured: beingLooked(q.share, true),
			},
			theirs: side{name: "no page open", per: 1, run: callSoon, measured: beingLooked(q.share, false)},
			bar:    bar{atMost: q.bar},
		})
	}
	return figures
}
