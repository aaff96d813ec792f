package actors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"runtime/debug"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// errGoexit is the reason given to the supervisor of an actor whose handler
// ended its goroutine.
var errGoexit = errors.New("actors: the handler ended its goroutine with runtime.Goexit")

// run is the loop of the runner, on the goroutine of h or of s if one of them is
// not nil. It begins with an item if that is not nil.
func (m *mailbox) run(h *home, s *stage, item any) {
	if m.caller.traced != nil {
		growStack()
	}
	returned := false
	defer func() {
		if !returned {
			m.replaceRunner(item, h)
		}
	}()
	if m.here.Load() != h {
		m.here.Store(h)
	}
	throughput := m.dispatcher.Throughput()
	ok := true
	if item != nil {
		ok = m.deal(item, s)
	}
	for i := 0; ok; i++ {
		if i == hostBatch && m.interlude(s) {
			break
		}
		if i > throughput {
			i = 0
			runtime.Gosched()
		}
		if item, ok = m.next(); ok {
			ok = m.deal(item, s)
		}
	}
	returned = true
}

// replaceRunner has another goroutine run the mailbox, after the function or
// the handler that dealt with item has ended this one by Goexit.
func (m *mailbox) replaceRunner(item any, h *home) {
	m.mu.Lock()
	h.setAway(true) // for good
	m.mu.Unlock()
	abandoned := false
	defer func() { // user code called on the way, as log handlers, may end the goroutine again
		if abandoned {
			return
		}
		m.mu.Lock()
		m.replace()
		m.mu.Unlock()
	}()
	switch item := item.(type) {
	case *frame:
		abandoned = !m.lostFunction(item)
	case step:
		abandoned = !m.lostFunction(item.frame())
	case direct:
		m.caller.logError(context.Background(), "direct call ended its goroutine")
	default:
		m.fail(errGoexit, item)
	}
}

// lostFunction does what is left to do for a function whose goroutine has ended:
// by its own doing, or by that of a callback of the user's after it. It reports
// false if the function was abandoned, and the turn has gone elsewhere long ago.
func (m *mailbox) lostFunction(f *frame) bool {
	if left := f.leave(); !left && f.isAbandoned() {
		return false
	} else if left && f.panicked {
		defer m.caller.workDone(f)
		crash, _ := f.task.Err().(*pending.PanicError) //nolint:errorlint // That of another pending counts as any error.
		m.caller.crashed(f.task, cmp.Or(crash, &pending.PanicError{Value: f.task.Err()}))
		return true
	}
	m.caller.workDone(f)
	return true
}

// systemMessage is an item from the lane of the actor system.
type systemMessage struct{ message any }

// next returns what to do next, or false when there is nothing, which ends the
// role of the runner.
func (m *mailbox) next() (item any, ok bool) {
	if !m.urgent.Load() && m.batch != nil {
		i := m.cursor.Load()
		if int(i) < m.batch.n && m.cursor.CompareAndSwap(i, i+1) { // else close has taken the rest
			return m.batch.items[i], true
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	item, ok = m.choose()
	m.urgent.Store(len(m.system) > 0 || m.ready.n > 0 || m.held != nil || m.paused)
	return item, ok
}

// choose is next with a choice. The caller holds mu.
func (m *mailbox) choose() (item any, ok bool) {
	if len(m.system) > 0 {
		item = m.system[0]
		m.system = shift(m.system)
		return systemMessage{item}, true
	}
	if m.held != nil && m.quiet() {
		item, m.held = m.held, nil
		return released{item}, true
	}
	open := !m.paused && m.held == nil
	if m.ready.n > 0 && (open && !m.favoursQueue() || m.held != nil) {
		f := m.ready.first
		m.ready.remove(f)
		m.userNext = true
		return f.grant(), true // the runner leaves its role to that
	}
	if open {
		m.userNext = false
		if item, ok := m.nextQueued(); ok {
			return item, true
		}
	}
	m.running = false
	m.noteIdleLocked()
	return nil, false
}

// favoursQueue reports whether it is the queue's turn to be taken from.
func (m *mailbox) favoursQueue() bool { return m.userNext && m.queued() > 0 }

// nextQueued takes the next item of the queue.
func (m *mailbox) nextQueued() (item any, ok bool) {
	i := int(m.cursor.Load())
	if m.batch != nil && i == m.batch.n {
		m.batch.recycle()
		m.batch = nil
	}
	if m.batch == nil {
		if item := m.backlog.takeFirst(); item != nil {
			return item, true
		}
		if m.batch, i = m.backlog.take(), 0; m.batch == nil {
			return nil, false
		}
	}
	m.cursor.Store(int32(i + 1)) //nolint:gosec // At most chunkSize.
	return m.batch.items[i], true
}

// shift removes the first element, and the memory with the last one.
func shift[E any](s []E) []E {
	var none E
	s[0] = none
	if len(s) == 1 {
		return nil
	}
	return s[1:]
}

// released is a Stop or a Restart that was held until the functions returned.
type released struct{ message any }

// direct is a function that was given to CallDirect.
type direct func()

// deal does what an item asks for, on the goroutine of s if that is not nil. It
// reports whether this goroutine is the runner still.
func (m *mailbox) deal(item any, s *stage) bool {
	switch item := item.(type) {
	case *frame:
		if item.guest {
			m.invite()
		}
		if m.stageOf(item) != s {
			return m.move(item)
		}
		return m.runFunction(item)
	case step:
		f := item.claim()
		if f == nil {
			return true
		}
		return m.deal(f, s)
	case *parking:
		item.wake()
		return false
	case *coroutine:
		item.wake()
		return false
	case systemMessage:
		if m.caller.adopted && m.main.Load() != s {
			return m.move(item)
		}
		m.handleSystem(item.message)
	case released:
		if m.caller.adopted && m.main.Load() != s {
			return m.move(item)
		}
		m.release(item.message)
	case direct:
		if m.main.Load() != s {
			return m.move(item)
		}
		m.runDirect(item)
	default:
		if m.main.Load() != s {
			return m.move(item)
		}
		m.handleUser(item)
	}
	return true
}

// runFunction runs a function that was called. It reports false if the function
// was abandoned, and the turn has gone elsewhere long ago.
func (m *mailbox) runFunction(f *frame) bool {
	var crash *pending.PanicError
	m.holder.Store(f)
	if m.closed.Load() { // it was taken from the queue before that
		f.task.Reject(m.caller.stopError())
	} else {
		f.startTurn()
		crash = f.task.Run()
	}
	left := f.leave()
	if left && crash != nil {
		m.caller.crashed(f.task, crash)
	}
	m.caller.workDone(f)
	return left
}

func (m *mailbox) runDirect(fn direct) {
	defer func() {
		if r := recover(); r != nil {
			name := runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).Name()
			m.caller.logCrash(context.Background(), "direct call", &pending.PanicError{Value: r, Stack: debug.Stack()},
				slog.String("function", name))
		}
	}()
	fn()
}

// handleUser hands a user message to the actor.
func (m *mailbox) handleUser(message any) {
	if m.closed.Load() {
		m.caller.undeliverable(message)
		return
	}
	defer m.escalate(message)
	m.invoker.InvokeUserMessage(message)
}

// escalate passes a panic of the actor on to its supervisor.
func (m *mailbox) escalate(message any) {
	if r := recover(); r != nil {
		defer m.fail(r, message) // even if a log handler ends the goroutine
		m.caller.logCrash(context.Background(), "actor", &pending.PanicError{Value: r, Stack: debug.Stack()},
			slog.String("message", fmt.Sprintf("%T", actor.UnwrapEnvelopeMessage(message))))
	}
}

// fail passes a failure of the actor on to its supervisor. Protoactor logs it before
// that, to a handler that may panic or end the goroutine.
func (m *mailbox) fail(reason, message any) {
	returned := false
	defer func() {
		if !returned {
			_ = recover()
			m.failUnlogged(reason, message)
		}
	}()
	m.invoker.EscalateFailure(reason, message)
	returned = true
}

// failUnlogged is fail without protoactor, which has panicked on the way.
func (m *mailbox) failUnlogged(reason, message any) {
	defer m.caller.logPanic("supervisor")
	m.mu.Lock()
	suspended := m.undecided
	m.mu.Unlock()
	parent := m.invoker.(actor.Context).Parent()
	switch {
	case parent == nil: // who else would decide
		m.caller.stop(asError(reason))
	case !suspended: // else the supervisor knows of it
		m.PostSystemMessage(&actor.SuspendMailbox{})
		failure := &actor.Failure{
			Who: m.caller.pid, Reason: reason, RestartStats: actor.NewRestartStatistics(), Message: message,
		}
		if process, ok := m.caller.node.system.ProcessRegistry.Get(parent); ok {
			process.SendSystemMessage(parent, failure)
		}
	}
}
