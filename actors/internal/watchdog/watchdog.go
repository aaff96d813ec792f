package watchdog

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/goroutine"
)

// looksPerLimit is how often a turn is looked at within its limit. Its beginning is known
// up to one look, and so is the time at which it reaches the limit. Both together, with
// what milliseconds leave out, are less than a quarter of the limit.
const looksPerLimit = 10

// maxReports bounds how many turns one look reports: each has to find its stack.
const maxReports = 16

// pauseFactor bounds what looks cost in large systems: after each of them there is a pause
// of so many times its length.
const pauseFactor = 50

// minInterval bounds how often the timer looks.
const minInterval = time.Millisecond

// intervalOf returns how often a turn with a limit is looked at.
func intervalOf(limit time.Duration) time.Duration { return max(limit/looksPerLimit, minInterval) }

// Watchdog watches the turns of many subjects. Its zero value is ready. It is safe for
// concurrent use.
type Watchdog struct {
	// Survey looks at all that may wait for turns. It is set before the first turn, or nil.
	Survey func() any

	// asleep says that no timer runs, and that [Watchdog.Wake] is to start it. It is set
	// from the beginning of a look: what begins to wait during it is looked at again.
	asleep atomic.Bool

	mu       sync.Mutex
	subjects []Subject     // that have taken turns; during a look, those new since it began
	epoch    time.Time     // from which milliseconds are counted
	interval time.Duration // of the timer; 0 until a subject has asked for one
	armed    bool          // there is a timer that counts
	timer    int           // the number of that timer
	looking  bool
	again    bool          // another look is needed after this one
	pause    time.Duration // before the next look, at least
}

// Wake has all turns looked at again, if no timer runs. It may be called on a nil
// watchdog.
func (w *Watchdog) Wake() {
	if w != nil && w.asleep.Load() {
		w.wake()
	}
}

func (w *Watchdog) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.asleep.Swap(false) {
		w.need()
	}
}

// need has another look follow. mu must be held.
func (w *Watchdog) need() {
	switch {
	case w.looking:
		w.again = true
	case !w.armed:
		w.arm()
	}
}

// add makes a subject known, a turn of which begins.
func (w *Watchdog) add(s Subject) {
	limit := s.Limit()
	w.mu.Lock()
	defer w.mu.Unlock()
	s.Mark().state.Store(fresh)
	w.subjects = append(w.subjects, s)
	if limit > 0 && w.ask(intervalOf(limit)) {
		w.armed = false // the timer would come too late
	}
	w.need()
}

// ask has looks come so often, and reports whether that is more often than before. mu must
// be held.
func (w *Watchdog) ask(interval time.Duration) (more bool) {
	more = w.interval == 0 || interval < w.interval
	if more {
		w.interval = interval
	}
	return more
}

// remove makes a subject unknown. A look that is to come removes it from the list; if none
// is, the list is short.
func (w *Watchdog) remove(s Subject) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.Mark().state.Store(idle)
	if !w.armed && !w.looking {
		w.subjects = slices.DeleteFunc(w.subjects, isIdle)
	}
}

func isIdle(s Subject) bool { return s.Mark().state.Load() == idle }

// arm starts a timer. It is always a new one: that of a bubble of testing/synctest must
// not be used outside of it. mu must be held.
func (w *Watchdog) arm() {
	if w.epoch.IsZero() {
		w.epoch = time.Now()
	}
	if w.interval == 0 { // no turn has a limit, but some may have before long
		w.interval = time.Second
	}
	w.armed = true
	w.asleep.Store(false)
	w.timer++
	self, timer := weak.Make(w), w.timer
	time.AfterFunc(max(w.interval, w.pause), func() {
		if w := self.Value(); w != nil {
			w.look(timer)
		}
	})
}

// look looks at all subjects.
func (w *Watchdog) look(timer int) {
	subjects, ok := w.beginLook(timer)
	if !ok {
		return
	}
	l := look{now: time.Now(), dump: sync.OnceValue(goroutine.Dump), survey: sync.OnceValue(w.survey)}
	elapsed := l.now.Sub(w.epoch)
	l.floor = millis(elapsed / time.Millisecond)                         //nolint:gosec // It may overflow.
	l.ceil = millis((elapsed + time.Millisecond - 1) / time.Millisecond) //nolint:gosec // It may overflow.
	subjects = slices.DeleteFunc(subjects, func(s Subject) bool { return !l.at(s) })
	w.endLook(subjects, l)
}

func (w *Watchdog) survey() any {
	if w.Survey == nil {
		return nil
	}
	return w.Survey()
}

// beginLook returns what to look at. It returns false for a timer that was replaced.
func (w *Watchdog) beginLook(timer int) (subjects []Subject, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if timer != w.timer || !w.armed {
		return nil, false
	}
	w.armed, w.looking, w.again, w.interval = false, true, false, 0
	w.asleep.Store(true)
	subjects, w.subjects = w.subjects, nil
	return subjects, true
}

// endLook keeps the subjects that were busy. It starts the next timer if a turn is live, or
// has begun meanwhile.
func (w *Watchdog) endLook(busy []Subject, l look) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looking, w.pause = false, pauseFactor*time.Since(l.now)
	busy = slices.DeleteFunc(busy, isIdle) // removed meanwhile
	if len(busy) < cap(busy)/4 {
		busy = slices.Clone(busy) // lets go of memory
	}
	if w.subjects = append(busy, w.subjects...); len(w.subjects) == 0 {
		w.subjects = nil // and its memory
		w.asleep.Store(false)
		return
	}
	if l.interval > 0 {
		w.ask(l.interval)
	}
	if l.live || w.again {
		w.arm()
	}
}

// look is one look at all subjects.
type look struct {
	now         time.Time
	floor, ceil millis // the same, rounded
	dump        func() []byte
	survey      func() any

	live     bool          // some turn is to be looked at again
	interval time.Duration // in which that is due; 0 for none
	reports  int
}

// at looks at a subject, and reports whether it is busy.
func (l *look) at(s Subject) (busy bool) {
	m := s.Mark()
	changed := m.state.CompareAndSwap(fresh, seen) // before the subject has to note turns again
	if !s.Look() {
		return false
	}
	limit := s.Limit()
	if interval := intervalOf(limit); limit > 0 && (l.interval == 0 || interval < l.interval) {
		l.interval = interval
	}
	if changed {
		m.since = l.ceil
		l.live = l.live || limit > 0
		return true
	}
	if limit == 0 || m.state.Load() != seen {
		return true
	}
	if lasted := l.since(m); lasted < limit {
		l.live = true
	} else {
		l.overdue(s, lasted)
	}
	return true
}

// since returns how long a turn has lasted since the look that saw it first.
func (l *look) since(m *Mark) time.Duration {
	if m.since == l.ceil { // in the same millisecond, which both round
		return 0
	}
	return time.Duration(l.floor-m.since) * time.Millisecond
}

// overdue has a turn reported that has lasted for its limit, if something waits for it.
func (l *look) overdue(s Subject, lasted time.Duration) {
	if l.reports == maxReports { // when very many turns hang, the first ones say why
		return
	}
	report := s.Overdue(Turn{Since: l.now.Add(-lasted), Lasted: lasted, Dump: l.dump, Survey: l.survey})
	if report != nil && s.Mark().state.CompareAndSwap(seen, told) {
		l.reports++
		go report() // it calls user code
	}
}
