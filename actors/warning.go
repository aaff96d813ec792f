package actors

import (
	"bytes"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// turnWatch reports the turns of a caller that last too long.
type turnWatch struct {
	caller *Caller
	limit  time.Duration

	mu        sync.Mutex
	timer     *time.Timer
	task      task // whose turn it is, nil for nobody's
	began     time.Time
	goroutine []byte // "goroutine 7 ", as in a dump of stacks
}

// start is called on the goroutine that has the turn.
func (w *turnWatch) start(t task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.task, w.began = t, time.Now()
	w.goroutine = goroutineName()
	if w.timer == nil {
		w.timer = time.AfterFunc(w.limit, w.warn)
		return
	}
	w.timer.Reset(w.limit)
}

func (w *turnWatch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.task = nil
	if w.timer != nil { // else the first function of all was refused
		w.timer.Stop()
	}
}

func (w *turnWatch) warn() {
	w.mu.Lock()
	t, goroutine, lasts := w.task, w.goroutine, time.Since(w.began)
	w.mu.Unlock()
	if t == nil || lasts < w.limit { // the timer was for a turn that has ended just now
		return
	}
	stack := stackOf(goroutine)
	telemetry.LongTurn(t.Context(), lasts, stack)
	w.caller.log().WarnContext(t.Context(), "actors: turn lasts long",
		slog.String("caller", w.caller.path()), slog.String("function", t.Name()),
		slog.Duration("limit", w.limit), slog.String("stack", string(stack)))
}

// goroutineName returns what a dump of the running goroutine begins with.
func goroutineName() []byte {
	var dump [64]byte
	line := dump[:runtime.Stack(dump[:], false)]
	if i := bytes.IndexByte(line, '['); i >= 0 {
		line = line[:i]
	}
	return bytes.Clone(line)
}

// largestDump bounds the dump of all goroutines, in bytes.
const largestDump = 64 << 20

// stackOf returns the stack of the goroutine of that name.
func stackOf(goroutine []byte) []byte {
	dump := make([]byte, 1<<16)
	n := runtime.Stack(dump, true)
	for n == len(dump) && n < largestDump {
		dump = make([]byte, 2*len(dump))
		n = runtime.Stack(dump, true)
	}
	for stack := range bytes.SplitSeq(dump[:n], []byte("\n\n")) {
		if bytes.HasPrefix(stack, goroutine) {
			return stack
		}
	}
	return nil
}
