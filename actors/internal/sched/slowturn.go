package sched

import (
	"bytes"
	"runtime"
	"sync"
	"time"
)

// slowTurn reports the turns that last too long. A nil one reports none.
type slowTurn struct {
	owner Owner
	limit time.Duration

	mu        sync.Mutex
	timer     *time.Timer
	task      *Task // whose turn it is; nil for nobody's
	began     time.Time
	goroutine []byte // "goroutine 7 ", as in a dump of stacks
}

// begin is called on the goroutine that has the turn.
func (w *slowTurn) begin(t *Task) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.task, w.began = t, time.Now()
	w.goroutine = goroutineName()
	if w.timer == nil {
		w.timer = time.AfterFunc(w.limit, w.report)
		return
	}
	w.timer.Reset(w.limit)
}

func (w *slowTurn) end() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.task = nil
	if w.timer != nil { // else the first task of all was rejected
		w.timer.Stop()
	}
}

// forget ends the turn of a task that was abandoned, if it has the turn.
func (w *slowTurn) forget(t *Task) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.task == t {
		w.task = nil
		w.timer.Stop()
	}
}

func (w *slowTurn) report() {
	w.mu.Lock()
	t, goroutine, elapsed := w.task, w.goroutine, time.Since(w.began)
	w.mu.Unlock()
	if t == nil || elapsed < w.limit { // the timer was for a turn that has ended just now
		return
	}
	w.owner.SlowTurn(t, elapsed, stackOf(goroutine))
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
