package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/fifo"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/watchdog"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// maxEvents bounds the events that wait for slow handlers.
const maxEvents = 1 << 16

// events are the supervision events of one actor system that wait for their
// handlers. They are published in order by one goroutine. It holds no turn: a
// handler may wait for callers. The goroutine ends when there are no events.
type events struct {
	mu         sync.Mutex
	queue      fifo.Ring[event]
	publishing bool    // there is the goroutine
	current    *Caller // whose event is being published; nil for none
	dropped    int     // since the queue was full

	turns    watchdog.Mark // a turn is the publication of an event
	watchdog *watchdog.Watchdog
	limit    atomic.Int64 // of that turn; written with mu held
}

// event is an event of one caller.
type event struct {
	from  *Caller
	value any
}

// publish queues an event for the event stream of the actor system. An event
// beyond the limit is dropped, and logged.
func (c *Caller) publish(value any) {
	es := &c.registry.events
	es.mu.Lock()
	if es.queue.Len() == maxEvents {
		es.dropped++
		first := es.dropped == 1
		es.mu.Unlock()
		if first {
			c.log().Error("actors: events are dropped, because their handlers are slow",
				slog.String("caller", c.path()), slog.Int("waiting", maxEvents))
		}
		return
	}
	es.queue.Push(event{c, value})
	start := !es.publishing
	es.publishing = true
	es.mu.Unlock()
	watchdog.Waits(&es.turns, es)
	if start {
		go c.step("publishes events", es.run)()
	}
}

// run publishes until no event is left. A handler may end the goroutine.
func (es *events) run() {
	returned := false
	defer func() {
		if !returned {
			go es.run()
		}
	}()
	for {
		e, dropped, ok := es.next()
		if dropped > 0 {
			e.from.log().Error("actors: events were dropped", slog.Int("count", dropped))
		}
		if !ok {
			break
		}
		e.publish()
	}
	returned = true
}

// next removes and returns the first event, and how many were dropped before it.
// Without an event the goroutine ends.
func (es *events) next() (e event, dropped int, ok bool) {
	es.mu.Lock()
	defer es.mu.Unlock()
	if es.queue.Len() == 0 {
		es.publishing, es.current = false, nil
		return event{}, 0, false
	}
	dropped, es.dropped = es.dropped, 0
	e = es.queue.Shift()
	es.current = e.from
	es.limit.Store(int64(e.from.config.TurnWarning))
	watchdog.Begin(&es.turns, es)
	return e, dropped, true
}

var _ watchdog.Subject = (*events)(nil)

// Mark implements [watchdog.Subject].
func (es *events) Mark() *watchdog.Mark { return &es.turns }

// Watchdog implements [watchdog.Subject].
func (es *events) Watchdog() *watchdog.Watchdog { return es.watchdog }

// Limit implements [watchdog.Subject]. It is that of the caller which the event is about.
func (es *events) Limit() time.Duration { return time.Duration(es.limit.Load()) }

// Look implements [watchdog.Subject].
func (es *events) Look() (busy bool) {
	es.mu.Lock()
	defer es.mu.Unlock()
	if es.current == nil {
		es.turns.Reset()
	}
	return es.current != nil
}

// Overdue implements [watchdog.Subject]: the other events wait for a handler.
func (es *events) Overdue(turn watchdog.Turn) (report func()) {
	es.mu.Lock()
	defer es.mu.Unlock()
	c, waiting := es.current, es.queue.Len()
	if c == nil || waiting == 0 || !es.turns.Unchanged() {
		return nil
	}
	return func() { c.reportSlowHandler(turn, waiting) }
}

// reportSlowHandler logs that a handler of an event of the caller keeps others waiting.
func (c *Caller) reportSlowHandler(turn watchdog.Turn, waiting int) {
	es := &c.registry.events
	found, _ := findCalls(turn.Dump(), eventFrame, 0, es, eventFrame)
	if es.turns.Unchanged() {
		c.logSlowTurn(context.Background(), found.userFunction(), turn.Since, turn.Lasted,
			[]string{fmt.Sprintf("%d events", waiting)}, found.lines())
	}
}

func (e event) publish() {
	defer e.from.logPanic("event handler")
	if _, ok := e.value.(supervision.Stopped); ok {
		<-e.from.Stopped() // which closes at once
	}
	e.from.registry.system.EventStream.Publish(e.value)
}

// deadLetter publishes a message that cannot be delivered.
func (c *Caller) deadLetter(message any) {
	defer c.logPanic("handler of a dead letter")
	c.registry.system.DeadLetter.SendUserMessage(c.pid, message)
}

// errExited says that user code has ended its goroutine.
var errExited = errors.New("runtime.Goexit was called")

// attempt calls user code on a goroutine of its own. It returns an error if the code has
// panicked or ended that goroutine.
func attempt(fn func()) error {
	err := errExited
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			if r := recover(); r != nil {
				err = &pending.PanicError{Value: r, Stack: debug.Stack()}
			}
		}()
		fn()
		err = nil
	}()
	<-ended
	return err
}

// logPanic is deferred where a panic is to go no further.
func (c *Caller) logPanic(what string) {
	if r := recover(); r != nil {
		c.logCrash(context.Background(), what, &pending.PanicError{Value: r, Stack: debug.Stack()})
	}
}
