package inspect

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

const (
	// mostDrawing is how many pages are drawn at a time. The others wait, but not for longer
	// than longestQueued.
	mostDrawing   = 4
	longestQueued = 5 * time.Second
	// mostPages is how many requests for pages there are at a time, those included whose
	// clients take the page slowly. A client may take slowestWrite.
	mostPages    = 64
	slowestWrite = 30 * time.Second
	// mostStreams is how many streams of events there are at a time.
	mostStreams = 64
)

var errBusy = errors.New("inspect: too many pages are asked for")

// load bounds what requests take at a time.
type load struct {
	mu      sync.Mutex
	drawing chan struct{} // has a value for each page that is being drawn
	pages   int
	streams int
}

// enter counts one more of what is counted in n, unless there are too many.
func (l *load) enter(n *int, most int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if *n >= most {
		return false
	}
	*n++
	return true
}

// leave counts one less.
func (l *load) leave(n *int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*n--
}

// draw waits until a page may be drawn, until leave is called. The error is errBusy, or the
// cause of ctx.
func (l *load) draw(ctx context.Context) (leave func(), err error) {
	l.mu.Lock()
	if l.drawing == nil {
		l.drawing = make(chan struct{}, mostDrawing)
	}
	drawing := l.drawing
	l.mu.Unlock()
	select {
	case drawing <- struct{}{}:
		return func() { <-drawing }, nil
	default:
	}
	timer := time.NewTimer(longestQueued)
	defer timer.Stop()
	select {
	case drawing <- struct{}{}:
		return func() { <-drawing }, nil
	case <-timer.C:
		return nil, errBusy
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// drawn returns a page that is drawn in memory, and then written for as long as its client
// needs. So slow clients do not keep others from being served.
func (h *handler) drawn(page http.HandlerFunc) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if !h.load.enter(&h.load.pages, mostPages) {
			refuse(w)
			return
		}
		defer h.load.leave(&h.load.pages)
		leave, err := h.load.draw(r.Context())
		if err != nil {
			refuse(w)
			return
		}
		d := &drawing{ResponseWriter: w, status: http.StatusOK}
		func() {
			defer leave()
			page(d, r)
		}()
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(slowestWrite)) // not all servers can
		w.WriteHeader(d.status)
		_, _ = d.body.WriteTo(w) // the client has gone
	}
}

// refuse answers a request that there is no room for.
func refuse(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	http.Error(w, errBusy.Error(), http.StatusServiceUnavailable)
}

// drawing is a page in memory.
type drawing struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader implements [http.ResponseWriter].
func (d *drawing) WriteHeader(status int) { d.status = status }

// Write implements [http.ResponseWriter].
func (d *drawing) Write(b []byte) (int, error) { return d.body.Write(b) }
