package rpc

import (
	"runtime"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/transport"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/session"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// half is one half of a session, of either kind.
type half interface {
	Next(now time.Time) (session.Batch, bool)
	Sent(now time.Time)
	Heard(now time.Time)
	Tick(now time.Time) error
	Finished() bool
	Idle() bool
	Queued() int
}

// itemRoom is how many bytes of items and answers may wait in a session before the
// functions of streams wait.
const itemRoom = 1 << 20

// link gives one half of a session its lock, its clock and its goroutines.
type link struct {
	onEnd func(err error) // called once, when the session has ended
	// onTick is called once a second, until the session has ended.
	onTick func()
	clock  *waitClock
	steps  steps.Chooser // nil unless a test chooses the order of steps
	of     any           // what the session is in a list of steps

	// mu guards the half of the session, and what follows.
	mu      sync.Mutex
	half    half
	conn    transport.Conn // nil until there is one
	resting bool           // the writer waits for wake
	over    bool
	ticking *time.Timer
	waiting []*pending.Pending[struct{}] // for room

	wake chan struct{} // of the writer: has a value when it is to go on
}

func (l *link) init(h half, onEnd func(error), clock *waitClock, onTick func()) {
	l.half, l.onEnd, l.clock, l.onTick = h, onEnd, clock, onTick
	l.ticking = time.AfterFunc(session.TickEvery, steps.Before(l.steps, l.of, "sees that time passes", l.tick))
}

// begin has a session go over a connection, unless it has ended. It reports whether that
// is so.
func (l *link) begin(conn transport.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return false
	}
	wake := make(chan struct{}, 1)
	l.conn, l.wake, l.resting = conn, wake, false
	go steps.Before(l.steps, conn, "sends", func() { l.write(conn, wake) })()
	return true
}

// giveUp has the session go on over another connection, which is to come.
func (l *link) giveUp(conn transport.Conn) {
	l.mu.Lock()
	l.notify()
	l.conn = nil
	l.mu.Unlock()
	conn.End()
}

// notify has the writer send what there is. mu must be held.
func (l *link) notify() {
	if l.resting {
		l.resting = false
		l.wake <- struct{}{} // there is room: it is empty while the writer rests
	}
}

// write sends what there is over a connection, until that is given up or the session has
// ended. wake has a value when it is to go on.
func (l *link) write(conn transport.Conn, wake <-chan struct{}) {
	for {
		runtime.Gosched() // those who are about to put something go first
		b, ok, over := l.next(conn)
		switch {
		case over:
			return
		case !ok:
			<-wake
			steps.At(l.steps, conn, "sends")
			continue
		}
		err := conn.Send(b.Head, b.Tail)
		if !l.goesOver(conn) {
			return
		}
		if err != nil {
			l.end(err)
			return
		}
		l.sent()
	}
}

// goesOver reports whether the session still goes over a connection.
func (l *link) goesOver(conn transport.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn == conn
}

// next returns what is to be sent over a connection, if there is something. It also reports
// whether the session is over, or uses another connection.
func (l *link) next(conn transport.Conn) (b session.Batch, ok, over bool) {
	l.mu.Lock()
	if l.conn != conn {
		l.mu.Unlock()
		return b, false, true
	}
	if !l.over {
		b, ok = l.half.Next(time.Now())
	}
	finished := !ok && !l.over && l.half.Finished()
	l.resting = !ok && !l.over && !finished
	over = l.over || finished
	l.mu.Unlock()
	if finished {
		l.end(errSessionOver)
	}
	return b, ok, over
}

// sent notes that a batch was sent, and has those go on who wait for room.
func (l *link) sent() {
	l.mu.Lock()
	l.half.Sent(time.Now())
	var waiting []*pending.Pending[struct{}]
	if len(l.waiting) > 0 && l.half.Queued() <= itemRoom/2 {
		waiting, l.waiting = l.waiting, nil
	}
	l.mu.Unlock()
	for _, p := range waiting {
		p.SetResult(struct{}{})
	}
}

// tick has the session learn of the time.
func (l *link) tick() {
	l.mu.Lock()
	if l.over {
		l.mu.Unlock()
		return
	}
	now := time.Now()
	l.clock.look(now)
	err := l.half.Tick(now)
	l.notify()
	l.ticking.Reset(session.TickEvery)
	l.mu.Unlock()
	if err != nil {
		l.end(err)
		return
	}
	l.onTick()
}

// end ends the session, once. Nothing is sent after that.
func (l *link) end(err error) {
	l.mu.Lock()
	if l.over {
		l.mu.Unlock()
		return
	}
	l.over = true
	l.notify()
	l.ticking.Stop()
	conn, waiting := l.conn, l.waiting
	l.waiting = nil
	l.mu.Unlock()
	if conn != nil {
		conn.End()
	}
	l.onEnd(err)
	for _, p := range waiting {
		p.SetResult(struct{}{})
	}
}

// idle reports whether all is sent that was put, or nothing will be any more.
func (l *link) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over || l.half.Idle()
}
