package inspect

import (
	"fmt"
	"net/http"
	"time"
)

const (
	// eventInterval is how often a live page is drawn anew.
	eventInterval = 2 * time.Second
	// eventWrite is how long a client may take for an event.
	eventWrite = 10 * time.Second
)

// events sends the health of the system again and again, until the client goes.
func (h *handler) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	ticker := time.NewTicker(eventInterval)
	defer ticker.Stop()
	for {
		s, err := take(r.Context(), h.system, h.options)
		if err != nil {
			return
		}
		_ = out.SetWriteDeadline(time.Now().Add(eventWrite)) // not all servers can
		if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", s.Sequence, s.Health()); err != nil {
			return
		}
		if out.Flush() != nil || r.Method == http.MethodHead {
			return
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		}
	}
}
