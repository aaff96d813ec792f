package inspect

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
)

const (
	// eventInterval is how often a live page is drawn anew.
	eventInterval = 2 * time.Second
	// eventWrite is how long a client may take for an event.
	eventWrite = 10 * time.Second
)

// events sends the health of the system again and again, until the client goes.
func (h *handler) events(w http.ResponseWriter, r *http.Request) {
	if !h.load.enter(&h.load.streams, mostStreams) {
		refuse(w)
		return
	}
	defer h.load.leave(&h.load.streams)
	w.Header().Set("Content-Type", "text/event-stream")
	over := h.shutdownOf(r)
	out := http.NewResponseController(w)
	ticker := time.NewTicker(eventInterval)
	defer ticker.Stop()
	for {
		sequence, health := h.health(r)
		if r.Context().Err() != nil {
			return
		}
		_ = out.SetWriteDeadline(time.Now().Add(eventWrite)) // not all servers can
		if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", sequence, health); err != nil {
			return
		}
		if out.Flush() != nil || r.Method == http.MethodHead {
			return
		}
		select {
		case <-ticker.C:
		case <-over:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// health returns the health that the request asks for, or why it is not known.
func (h *handler) health(r *http.Request) (sequence uint64, health string) {
	leave, err := h.load.draw(r.Context())
	if err != nil {
		return 0, err.Error()
	}
	defer leave()
	s, err := h.look(r)
	if err != nil {
		return 0, snapshot.Clean(err.Error())
	}
	return s.Sequence, s.Health()
}

// shutdownOf returns a channel that is closed when the server of a request is shut down, which
// would otherwise wait for the stream. It is nil if that is not known.
func (h *handler) shutdownOf(r *http.Request) <-chan struct{} {
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	if server == nil {
		return nil
	}
	h.serversMu.Lock()
	defer h.serversMu.Unlock()
	over, known := h.servers[server]
	if !known {
		over = make(chan struct{})
		server.RegisterOnShutdown(sync.OnceFunc(func() { close(over) }))
		if h.servers == nil {
			h.servers = make(map[*http.Server]chan struct{})
		}
		h.servers[server] = over
	}
	return over
}
