package actors

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"runtime/debug"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/testsystem"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

var (
	_ actor.Mailbox  = (*mailbox)(nil)
	_ sched.Owner    = (*mailbox)(nil)
	_ sched.Lender   = (*mailbox)(nil)
	_ sched.Explored = (*mailbox)(nil)
	_ sched.Recorded = (*mailbox)(nil)
)

// RegisterHandlers implements [actor.Mailbox].
func (m *mailbox) RegisterHandlers(invoker actor.MessageInvoker, dispatcher actor.Dispatcher) {
	m.invoker = invoker
	async := dispatcher == actor.NewDefaultDispatcher(dispatcher.Throughput()) ||
		testsystem.Steps(invoker.(actor.Context).ActorSystem()) != nil
	m.sched.Attach(dispatcher, async)
	m.caller().registered(invoker.(actor.Context))
}

// Start implements [actor.Mailbox].
func (m *mailbox) Start() { m.caller().spawned() }

// UserMessageCount implements [actor.Mailbox].
func (m *mailbox) UserMessageCount() int { return m.sched.Len() }

// PostUserMessage implements [actor.Mailbox].
func (m *mailbox) PostUserMessage(message any) {
	message = envelopNil(message)
	switch inner := actor.UnwrapEnvelopeMessage(message).(type) {
	case *invocation:
		inner.call(m.caller(), message)
		return
	case actor.MessageBatch:
		for _, part := range m.parts(inner) {
			m.PostUserMessage(part)
		}
		// The batch itself follows, as in protoactor's own mailboxes: its publishers
		// wait for the answer to it.
	}
	if err := m.sched.Submit(message, 0); err != nil {
		m.caller().deadLetterUnlessPoison(message)
		return
	}
	m.caller().noteAccepted()
}

// parts returns the messages of a batch. A batch that panics, as a nil pointer may, has
// none. The sender may be a goroutine that others depend on.
func (m *mailbox) parts(batch actor.MessageBatch) []any {
	defer m.caller().logPanic("batch of messages")
	return batch.GetMessages()
}

// PostSystemMessage implements [actor.Mailbox].
func (m *mailbox) PostSystemMessage(message any) {
	if isVoid(message) {
		m.caller().log().Error("actors: system message dropped, it is nil or about nobody",
			slog.String("caller", m.caller().path()), slog.String("type", fmt.Sprintf("%T", message)))
		return
	}
	switch message := message.(type) {
	case *actor.Stop:
		// Functions are notified now, not when the turn is free.
		m.caller().beginStop(nil, func(was State) {
			m.submitControl(message)
			if was == StateInitial {
				m.sched.Open() // nobody else will
			}
		})
		return
	case *actor.Restart:
		m.caller().announceRestart()
		m.caller().interruptCurrent()
	case *actor.Terminated:
		m.registry.terminated(message.Who)
	}
	m.submitControl(message)
}

// Name implements [sched.Owner].
func (m *mailbox) Name() string { return m.caller().path() }

// Logger implements [sched.Owner].
func (m *mailbox) Logger() *slog.Logger { return m.caller().Logger() }

// Describe implements [sched.Owner].
func (m *mailbox) Describe(metadata map[string]any) { metadata["caller"] = m.caller() }

// WorkerID implements [sched.Owner].
func (m *mailbox) WorkerID() string {
	if m.worker != nil {
		return m.caller().ID()
	}
	return ""
}

// Parent implements [sched.Owner].
func (m *mailbox) Parent() *sched.Scheduler {
	if m.parent == nil {
		return nil
	}
	return &m.parent.sched
}

// Deadlocks implements [sched.Owner].
func (m *mailbox) Deadlocks() *sched.Deadlocks { return &m.registry.deadlocks }

// Steps implements [sched.Explored].
func (m *mailbox) Steps() steps.Chooser { return m.registry.steps }

// Recorder implements [sched.Recorded].
func (m *mailbox) Recorder() steps.Recorder { return m.registry.recorder }

// LendWorker implements [sched.Lender].
func (m *mailbox) LendWorker(t *sched.Task) (takeBack func()) { return m.caller().lendWorker(t) }

// NeedsWorker implements [sched.Owner].
func (m *mailbox) NeedsWorker(n *future.Needs) {
	p := m.caller().existingWorkers()
	if p == nil {
		n.Live = true
		return
	}
	n.Add((*poolNode)(p))
}

// StopError implements [sched.Owner].
func (m *mailbox) StopError() error { return m.caller().stopError() }

// Rejected implements [sched.Owner].
func (m *mailbox) Rejected(items []any) { m.caller().reject(items, m.caller().stopError()) }

// ExecutorLost implements [sched.Owner]: the goroutine that called Run has ended, or the
// host has lost a function.
func (m *mailbox) ExecutorLost(err error) {
	if err == nil {
		m.caller().stop(nil)
		return
	}
	c := m.caller()
	go c.step("loses its host", func() { c.loseHost(fmt.Errorf("actors: post to the host %s: %w", m.config.HostName(), err)) })()
}

// Control implements [sched.Owner].
func (m *mailbox) Control(message any) {
	c := m.caller()
	switch message := message.(type) {
	case *actor.SuspendMailbox:
		m.sched.Pause(true)
	case *actor.ResumeMailbox:
		c.resumed()
	case *actor.Stop:
		m.sched.Defer(message, true)
	case *actor.Restart:
		c.prepareRestart(message)
	case backoffOver:
		if c.isDue(message.restart) {
			c.prepareRestart(&actor.Restart{})
		}
	case *actor.Terminated:
		c.childEnded(message)
		c.registerDeferred()
	case *actor.Failure:
		c.childFailed(message)
	case registerChild:
		c.registerWithActor(message.child)
	default:
		c.invokeSystem(message)
	}
}

// Quiesced implements [sched.Owner]: no function is left that a Stop or a Restart had to
// wait for.
func (m *mailbox) Quiesced(message any) {
	c := m.caller()
	c.endGrace()
	_, restart := message.(*actor.Restart)
	if !restart && c.stopHook(message) {
		return // it comes again
	}
	if restart {
		c.beginRestart()
	}
	c.restarting, c.restarted, c.stopping = restart, false, !restart
	m.sched.Pause(restart) // until the actor says that it has restarted
	c.invokeSystem(message)
}

// Message implements [sched.Owner]: it hands a user message to the actor.
func (m *mailbox) Message(message any) {
	c := m.caller()
	if c.State() >= StateStopping {
		c.deadLetterUnlessPoison(message)
		return
	}
	returned := false
	defer func() {
		if !returned { // recover itself is not cheap
			c.escalateRecovered(recover(), message)
		}
	}()
	m.invoker.InvokeUserMessage(message)
	returned = true
}

// Call implements [sched.Owner].
func (m *mailbox) Call(fn sched.Func) {
	defer func() {
		if r := recover(); r != nil {
			name := runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).Name()
			m.caller().notePanic(name, r)
			m.caller().logCrash(context.Background(), "direct call", &pending.PanicError{Value: r, Stack: debug.Stack()},
				slog.String("function", name))
		}
	}()
	fn()
}

// Left implements [sched.Owner]. It logs a panic before anybody who waits for the call is
// notified. A worker that a panic may end takes no other call before that is decided.
func (m *mailbox) Left(t *sched.Task, crash error) {
	c := m.caller()
	if crash == nil || c.handleCrash(t, crash.(*pending.PanicError)) { //nolint:errorlint // It is never wrapped.
		c.releaseWorker(t)
	}
}

// handleCrash logs a panic, and reports whether the caller goes on whatever it is. It is
// not part of Left, whose frame would be four times as large.
//
//go:noinline
func (c *Caller) handleCrash(t *sched.Task, crash *pending.PanicError) (captured bool) {
	c.countPanic()
	c.noteFailure(t.Work().Name(), crash.Value)
	c.logCrash(t.Work().Context(), "function", crash, slog.String("function", t.Work().Name()))
	return c.config.Policy.Action() == supervision.ActionCapture
}

// Failed implements [sched.Owner].
func (m *mailbox) Failed(started, cancelled bool) { m.caller().countFailure(started, cancelled) }

// Panicked implements [sched.Owner].
func (m *mailbox) Panicked(t *sched.Task, err error) {
	crash, ok := err.(*pending.PanicError) //nolint:errorlint // That of another pending counts as any error.
	if !ok {
		crash = &pending.PanicError{Value: err}
	}
	m.caller().failed(t.Work(), crash)
}

// PanicError implements [sched.Owner].
func (m *mailbox) PanicError(value any, stack []byte) error {
	return &pending.PanicError{Value: value, Stack: stack}
}

// Finished implements [sched.Owner].
func (m *mailbox) Finished(t *sched.Task) {
	m.caller().releaseWorker(t)
	if t.Tag&tagRestartHook != 0 {
		m.caller().hookFinished(workOf(t))
	}
}

// Goexit implements [sched.Owner].
func (m *mailbox) Goexit(item any) {
	c := m.caller()
	if _, ok := item.(sched.Func); ok {
		c.logError(context.Background(), "direct call ended its goroutine")
		return
	}
	if c.State() >= StateStopping {
		c.logError(context.Background(), "actor ended its goroutine")
		return
	}
	m.caller().fail(errGoexit, item)
}
