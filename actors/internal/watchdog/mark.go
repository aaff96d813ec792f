package watchdog

import (
	"sync/atomic"
	"time"
)

// Subject takes turns, one at a time.
type Subject interface {
	// Mark returns the mark of the subject.
	Mark() *Mark
	// Watchdog returns who watches the turns.
	Watchdog() *Watchdog
	// Limit returns how long the turn of now may last, 0 for no limit. It is called as
	// part of [Begin] too.
	Limit() time.Duration
	// Look reports whether there may be a turn. If there is none, it calls [Mark.Reset]
	// with a lock held without which no turn can begin. The next turn that begins after it
	// calls [Begin]; those after that one need not. It is called with no lock held.
	Look() (busy bool)
	// Overdue is called for a turn that has lasted for its limit. It returns what reports
	// the turn, or nil if nothing waits for it, or if it has ended. The report is called
	// once, on a goroutine of its own.
	Overdue(t Turn) (report func())
}

// Turn is what is known of a turn.
type Turn struct {
	Since  time.Time     // the turn has lasted since then, at least
	Lasted time.Duration // and so long, at least
	// Dump returns the stacks of all goroutines. All reports of one look share it.
	Dump func() []byte
	// Survey returns what [Watchdog.Survey] does. All turns of one look share it.
	Survey func() any
}

// Mark says whether a turn of a subject has begun since the last look. It is small,
// because each subject has one. Its zero value is that of a subject without turns so far.
type Mark struct {
	state atomic.Uint32
	since millis // of the look that saw the turn first; used by looks alone
}

// millis is a time in milliseconds since the first turn of a watchdog, which may overflow.
type millis uint32

// The states of a mark. Only those below fresh concern a turn that begins.
const (
	idle  uint32 = iota // the watchdog does not know of the subject
	seen                // no turn has begun since the last look
	told                // nor before, and the turn was reported
	fresh               // a turn has begun
	off                 // turns of the subject are not watched
)

// Off has no turns of a subject watched. It is called before the first.
func (m *Mark) Off() { m.state.Store(off) }

// Begin notes that a turn of s begins, before anything shows which one: the first of all,
// and the first after each [Subject.Look]. Calls for one subject must not overlap.
func Begin(m *Mark, s Subject) {
	if m.state.Load() < fresh {
		m.begin(s)
	}
}

func (m *Mark) begin(s Subject) {
	if m.state.CompareAndSwap(seen, fresh) || m.state.CompareAndSwap(told, fresh) {
		s.Watchdog().Wake()
		return
	}
	s.Watchdog().add(s)
}

// Waits notes that s has begun to wait, or that something has begun to wait for a turn
// of s. It is called when that can be seen.
func Waits(m *Mark, s Subject) {
	if m.state.Load() != fresh { // else a look is to come
		s.Watchdog().Wake()
	}
}

// Unchanged reports whether no turn has begun since the last look.
func (m *Mark) Unchanged() bool {
	state := m.state.Load()
	return state == seen || state == told
}

// Reset notes that no turn is in progress. See [Subject].
func (m *Mark) Reset() { m.state.Store(idle) }

// Forget has the watchdog forget a subject whose turns are over: at once, or by the look
// that is to come.
func Forget(s Subject) {
	if state := s.Mark().state.Load(); state != idle && state != off {
		s.Watchdog().remove(s)
	}
}
