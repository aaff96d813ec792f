package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
)

// requestTimeout is how long a request may take.
const requestTimeout = 5 * time.Second

// statusClientGone is for the logs of middleware: nobody reads that answer.
const statusClientGone = 499

// handler returns what the service serves: the votes, and for this machine the pages that show
// the callers.
func (b *ballot) handler() http.Handler {
	all := http.NewServeMux()
	all.Handle("/", http.TimeoutHandler(b.routes(), requestTimeout, "the service is busy\n"))
	all.Handle("/debug/callers/", inspect.Handler(b.caller.System()))
	return all
}

func (b *ballot) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /votes/{choice}", func(w http.ResponseWriter, r *http.Request) {
		votes, err := b.vote(r.Context(), r.PathValue("choice"))
		answer(w, r, votes, err)
	})
	mux.HandleFunc("GET /votes", func(w http.ResponseWriter, r *http.Request) {
		votes, err := b.tally(r.Context())
		answer(w, r, votes, err)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, "ok", b.health())
	})
	return mux
}

// answer sends a result, or says why there is none.
func answer(w http.ResponseWriter, r *http.Request, result any, err error) {
	switch {
	case err != nil && r.Context().Err() != nil:
		w.WriteHeader(statusClientGone)
		return
	case err != nil:
		http.Error(w, http.StatusText(statusOf(err)), statusOf(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(result) // the client may have gone
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, errNoChoice):
		return http.StatusNotFound
	case errors.Is(err, actors.ErrOverloaded), errors.Is(err, pending.ErrStopped):
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}
