package actors

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// mailbox is the mailbox of a caller, and the scheduler of its functions.
//
// There are three lanes: the messages of the actor system, the functions that
// want their turn back, and the queue of calls and user messages. Whoever runs
// the mailbox, the runner, is the one who has the turn. It is a role that is
// handed on, not a goroutine: a function that waits leaves the role to another
// goroutine, and gets it back from whoever has it then.
type mailbox struct {
	caller     *Caller
	invoker    actor.MessageInvoker
	dispatcher actor.Dispatcher
	loop       func()     // run, on a goroutine of no home
	watch      *turnWatch // nil without a limit on turns

	// urgent says that there is more to look at than the batch. It is set
	// under mu, and read by the runner before each item.
	urgent atomic.Bool

	// closed says that no calls nor user messages are taken any more. It is
	// set under mu.
	closed atomic.Bool

	// holder is the function that has the turn. The runner sets it as it comes
	// to a function; elsewhere it changes under mu.
	holder atomic.Pointer[frame]

	// here is the home on whose goroutine the runner is, nil for none.
	here atomic.Pointer[home]

	// main is the stage that functions run on, nil for goroutines as they come;
	// guest is that of those called by CallUsing, made when the first one is
	// run. They change under mu.
	main, guest atomic.Pointer[stage]

	// batch is the chunk of the backlog in work; cursor is where. The runner
	// replaces the batch under mu; it may move the cursor without it.
	batch  *chunk
	cursor atomic.Int32

	// The runner's: the actor waits for its children to stop before it begins
	// anew, or ends.
	restarting bool
	stopping   bool

	mu        sync.Mutex
	system    []any
	backlog   backlog
	running   bool          // there is a runner
	gated     bool          // not started yet
	paused    bool          // by a failure that is being decided on
	undecided bool          // and that by the parent
	closing   bool          // what was queued, and others, are being told of a stop
	home      *home         // nil unless a goroutine is lent
	held      any           // the Stop or Restart that waits for the functions to return
	parked    frameList     // the functions that have given it away
	ready     frameList     // and those of them that want it back
	orphans   int           // children that the actor has not adopted yet
	idles     chan struct{} // told when there may be nothing left to do
	userNext  bool          // the queue's turn, so that functions that wait don't starve it
}

var _ actor.Mailbox = (*mailbox)(nil)

// RegisterHandlers implements [actor.Mailbox].
func (m *mailbox) RegisterHandlers(invoker actor.MessageInvoker, dispatcher actor.Dispatcher) {
	m.invoker = invoker
	m.dispatcher = dispatcher
	m.loop = func() { m.run(nil, nil, nil) }
	m.caller.registered(invoker.(actor.Context))
}

// Start implements [actor.Mailbox].
func (m *mailbox) Start() { m.caller.spawned() }

// UserMessageCount implements [actor.Mailbox].
func (m *mailbox) UserMessageCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.queued()
}

// queued returns how many calls and messages have not been started.
func (m *mailbox) queued() int {
	n := m.backlog.n
	if m.batch != nil {
		n += m.batch.n - int(m.cursor.Load())
	}
	return n
}

// PostUserMessage implements [actor.Mailbox].
func (m *mailbox) PostUserMessage(message any) {
	message = envelopNil(message)
	if batch, ok := actor.UnwrapEnvelopeMessage(message).(actor.MessageBatch); ok {
		for _, part := range m.parts(batch) {
			m.PostUserMessage(part)
		}
		// The batch itself follows, as in protoactor's own mailboxes: its
		// publishers wait for the answer to it.
	}
	if inv, ok := actor.UnwrapEnvelopeMessage(message).(*invocation); ok {
		inv.call(m.caller, message)
		return
	}
	if err := m.post(message, 0); err != nil {
		m.caller.undeliverable(message)
	}
}

// envelopNil returns an empty envelope for a nil message and for a nil envelope,
// and any other message as it is. A mailbox takes a bare nil for the end of its
// queue, and a nil envelope cannot be opened.
func envelopNil(message any) any {
	if envelope, ok := message.(*actor.MessageEnvelope); message == nil || ok && envelope == nil {
		return &actor.MessageEnvelope{}
	}
	return message
}

// parts returns the messages of a batch. A batch that panics has none: it may be a
// nil pointer, and the sender may be a goroutine that others depend on.
func (m *mailbox) parts(batch actor.MessageBatch) []any {
	defer m.caller.logPanic("batch of messages")
	return batch.GetMessages()
}

// PostSystemMessage implements [actor.Mailbox].
func (m *mailbox) PostSystemMessage(message any) {
	if isVoid(message) {
		m.caller.log().Error("actors: system message dropped, it is nil or about nobody",
			slog.String("caller", m.caller.path()), slog.String("type", fmt.Sprintf("%T", message)))
		return
	}
	switch message := message.(type) {
	case *actor.Stop:
		// The functions shall hear of it now, not when the turn is free.
		m.caller.beginStop(nil, func(was State) {
			m.postSystem(message)
			if was == StateInitial {
				m.open() // nobody else will
			}
		})
		return
	case *actor.Restart:
		m.caller.hurry()
	case *actor.Terminated:
		m.caller.node.terminated(message.Who)
	}
	m.postSystem(message)
}

func (m *mailbox) postSystem(message any) {
	m.mu.Lock()
	switch message.(type) {
	case *actor.SuspendMailbox:
		m.undecided = true
	case *actor.ResumeMailbox, *actor.Restart, *actor.Stop:
		m.undecided = false
	}
	m.system = append(m.system, message)
	m.urgent.Store(true)
	m.wakeLocked()
	if _, ok := message.(*actor.Failure); ok {
		m.recheck()
	}
}

// call puts a call into the queue.
func (m *mailbox) call(item any) error { return m.post(item, m.caller.config.MaxQueued) }

// post puts a call or a user message into the queue, unless that holds as many
// as the limit, if there is one.
func (m *mailbox) post(item any, limit int) error {
	m.mu.Lock()
	if m.closed.Load() {
		m.mu.Unlock()
		return pending.ErrStopped
	}
	if limit > 0 && m.queued() >= limit {
		m.mu.Unlock()
		return fmt.Errorf("%w: %d calls are queued on %s", ErrOverloaded, limit, m.caller.path())
	}
	m.backlog.push(item)
	m.wakeLocked()
	return nil
}

// wakeLocked releases mu, and sees to it that somebody runs the mailbox.
func (m *mailbox) wakeLocked() {
	if m.running || !m.hasWork() {
		m.mu.Unlock()
		return
	}
	m.running = true
	stage, home := m.place()
	if stage != nil {
		stage.post(job{}) // while mu is held, so that a stop finds it
	}
	m.mu.Unlock()
	switch {
	case stage != nil:
	case home != nil:
		home.work <- struct{}{}
	default:
		m.dispatcher.Schedule(m.loop)
	}
}

// place returns where the next runner is best. The caller holds mu.
func (m *mailbox) place() (*stage, *home) {
	// What the actor system says to a caller of ours no user's code hears of, nor
	// does any begin to run after a stop, so a stage that is slow is not waited for.
	main := m.main.Load()
	if main != nil && (m.caller.adopted || len(m.system) == 0 && m.held == nil && !m.closed.Load()) {
		return main, nil
	}
	if m.atHome() {
		return nil, m.home
	}
	return nil, nil
}

// replace makes another goroutine the runner. The caller holds mu.
func (m *mailbox) replace() {
	switch stage, home := m.place(); {
	case stage != nil:
		stage.post(job{})
	case home != nil:
		home.work <- struct{}{}
	default:
		go m.loop()
	}
}

// hasWork reports whether a runner would find something to do.
func (m *mailbox) hasWork() bool {
	switch {
	case m.gated:
		return false
	case len(m.system) > 0:
		return true
	case m.held != nil:
		return m.ready.n > 0 || m.quiet()
	case m.paused:
		return false
	default:
		return m.ready.n > 0 || m.queued() > 0
	}
}

// quiet reports whether what is held can be let through: no function is on its
// way, the actor knows all its children, and all of them know of a stop.
func (m *mailbox) quiet() bool { return !m.closing && m.parked.n+m.ready.n+m.orphans == 0 }

// open starts a mailbox that was gated, and deals with what the actor system
// has sent until now on the goroutine that calls.
func (m *mailbox) open() {
	m.mu.Lock()
	m.gated = false
	m.running = true
	if m.closed.Load() {
		m.mu.Unlock()
		m.loop() // no function of a user is left that could run here
		return
	}
	for len(m.system) > 0 {
		message := m.system[0]
		m.system = shift(m.system)
		m.mu.Unlock()
		m.handleSystem(message)
		m.mu.Lock()
	}
	m.running = false
	m.urgent.Store(m.held != nil)
	m.wakeLocked()
}

// close ends the intake. It returns what had not been started, which is the
// caller's to refuse, and the functions on their way.
func (m *mailbox) close() (refused []any, active []*frame) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed.Store(true)
	m.closing = true
	if m.batch != nil {
		i := m.cursor.Swap(int32(m.batch.n)) //nolint:gosec // At most chunkSize.
		refused = append(refused, m.batch.items[i:m.batch.n]...)
	}
	if item := m.backlog.takeFirst(); item != nil {
		refused = append(refused, item)
	}
	for c := m.backlog.take(); c != nil; c = m.backlog.take() {
		refused = append(refused, c.items[:c.n]...)
		c.recycle()
	}
	if item := m.reclaim(); item != nil {
		refused = append(refused, item)
	}
	return refused, m.activeLocked()
}

// closedDown lets the end of the actor come: whom that concerns has been told.
func (m *mailbox) closedDown() {
	m.mu.Lock()
	m.closing = false
	m.wakeLocked()
}

// activeLocked returns the functions that have started and not returned.
func (m *mailbox) activeLocked() []*frame {
	active := m.ready.all(m.parked.all(nil))
	if f := m.holder.Load(); f != nil {
		active = append(active, f)
	}
	return active
}

// active is activeLocked for those who don't hold mu.
func (m *mailbox) active() []*frame {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.activeLocked()
}

// abandon takes the turn away from those of the functions that have not
// returned.
func (m *mailbox) abandon(functions []*frame) {
	m.mu.Lock()
	runnerLost := false
	left := make(map[*stage]bool)
	for _, f := range functions {
		s := m.stageOf(f)
		switch {
		case m.holder.CompareAndSwap(f, nil):
			f.endTurn()
			runnerLost = true
		case f.state == parked:
			m.parked.remove(f)
		case f.state == ready:
			m.ready.remove(f)
		default:
			continue
		}
		left[s] = true
		f.abandoned = true
		if f.parking != nil {
			wake(f.unpark())
		}
	}
	for s := range left {
		m.leaveStage(s)
	}
	if runnerLost {
		m.here.Load().setAway(true)
		m.replace() // the function has the runner's goroutine
		m.mu.Unlock()
		return
	}
	m.wakeLocked()
}
