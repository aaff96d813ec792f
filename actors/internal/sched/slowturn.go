package sched

import (
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/goroutine"
)

// slowTurn reports the turns that last too long. A nil one reports none.
type slowTurn struct {
	owner Owner
	limit time.Duration

	mu        sync.Mutex
	timer     *time.Timer
	task      *Task // whose turn it is; nil for nobody's
	began     time.Time
	goroutine int64 // that has the turn
}

// begin is called on the goroutine that has the turn.
func (w *slowTurn) begin(t *Task) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.task, w.began = t, time.Now()
	w.goroutine = goroutine.ID()
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
	t, id, elapsed := w.task, w.goroutine, time.Since(w.began)
	w.mu.Unlock()
	if t == nil || elapsed < w.limit { // the timer was for a turn that has ended just now
		return
	}
	w.owner.SlowTurn(t, elapsed, goroutine.Stack(id))
}
