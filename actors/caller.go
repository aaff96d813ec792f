package actors

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/instrument"
	"github.com/seed-7fcaac1b/protocaller/internal/safelog"
	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// Caller is an actor whose mailbox is a scheduler queue for functions. See the package
// documentation.
//
// It is made by [Start], [New], [Main] and [Caller.Child], and by [AsCaller] out of any
// actor. It is safe for concurrent use.
type Caller struct {
	sched    sched.Scheduler
	registry *registry
	config   *props.Config
	parent   *Caller
	pid      *actor.PID
	invoker  actor.MessageInvoker // the context of the actor
	worker   *worker              // that the caller is; nil for none
	traced   *instrument.Caller   // nil without telemetry
	external bool                 // another actor, made a caller by AsCaller

	// Used on the turn of the parent's actor.
	isRegistered bool // with that actor, as a child

	// Used on the turn. The actor waits for its children to stop before it goes on.
	restarting bool // the actor is to restart, and does not go on yet
	restarted  bool // it has, or has failed at it
	stopping   bool

	draining atomic.Int32          // drainsAlone, drainsTree, and seal for each drain that is about to stop it
	state    atomic.Int32          // written with mu held
	cause    atomic.Pointer[error] // why the caller was stopped; nil for an ordinary stop
	ended    sync.Once

	mu        sync.Mutex
	children  map[string]*Caller // by name
	coldState *coldState
}

// coldState holds the fields that most callers never use. It is made on demand.
type coldState struct {
	end      *pending.Pending[struct{}] // done when the caller has stopped
	timers   *timers
	workers  *pool
	queues   map[pending.Handle]struct{} // that are open, and periodic calls
	keyed    map[any]keyedQueue          // those that have a key and are not done
	grace    *grace
	hooks    *hooks
	restart  *restart
	failures supervision.Record
	counters snapshot.Counters

	publication *publication

	deferredChildren []*Caller   // children that the actor cannot register yet
	escalated        *escalation // nil for none
	resumeWithParent []*Caller   // children that go on when the caller does
}

// cold returns the rarely used fields, and makes them if necessary. mu must be
// held.
func (c *Caller) cold() *coldState {
	if c.coldState == nil {
		c.coldState = &coldState{}
	}
	return c.coldState
}

// ID returns the id of the caller's actor. It is unique in its system while the
// caller lives.
func (c *Caller) ID() string { return c.pid.GetId() }

// Name returns the name of the caller. It is unique among the children of the
// parent.
func (c *Caller) Name() string {
	id := c.ID()
	return id[strings.LastIndexByte(id, '/')+1:]
}

// PID returns the address of the caller's actor.
func (c *Caller) PID() *actor.PID { return c.pid }

// System returns the actor system of the caller.
func (c *Caller) System() *actor.ActorSystem { return c.registry.system }

// Parent returns the parent of the caller, or nil if it has none. It is the same one when
// the parent has stopped.
func (c *Caller) Parent() *Caller { return c.parent }

// Children returns the children that have not stopped, in no order.
func (c *Caller) Children() []*Caller {
	c.mu.Lock()
	defer c.mu.Unlock()
	children := make([]*Caller, 0, len(c.children))
	for _, child := range c.children {
		children = append(children, child)
	}
	return children
}

// Backend returns the backend of the caller's functions. It has no meaning for a caller
// with a host.
func (c *Caller) Backend() props.BackendKind { return c.config.Backend }

// Host returns the host of the caller, or nil.
func (c *Caller) Host() props.Host { return c.config.Host }

// Protected reports whether the caller ignores a stop that is not forced.
func (c *Caller) Protected() bool { return c.config.Protected }

// Logger returns the logger of the options, or else that of the actor system. With
// telemetry, a record that is logged with a context has the ids of its trace.
//
// A panic of the handler is one of the function that logs. When the library logs, such a
// panic is recovered.
func (c *Caller) Logger() *slog.Logger {
	l := c.config.Logger
	if l == nil {
		l = c.registry.system.Logger()
	}
	if c.traced == nil {
		return l
	}
	return slog.New(telemetry.LogHandler(l.Handler()))
}

// log returns the logger of the library. It is often used on goroutines where a
// panic would end the process.
func (c *Caller) log() *slog.Logger { return safelog.Wrap(c.Logger()) }

// Telemetry returns the Telemetry of the caller, or nil.
func (c *Caller) Telemetry() *telemetry.Telemetry { return c.config.Telemetry }

// Stopped returns a channel that is closed when the caller has stopped. Its
// children have stopped before.
func (c *Caller) Stopped() <-chan struct{} { return c.end().Done() }

// end returns a pending that is done when the caller has stopped.
func (c *Caller) end() *pending.Pending[struct{}] {
	c.mu.Lock()
	defer c.mu.Unlock()
	cold := c.cold()
	if cold.end == nil {
		cold.end = pending.New[struct{}](c.registry.background(), pending.Named("end of "+c.path()), future.Needing((*treeNode)(c)))
		if c.State() == StateStopped {
			cold.end.SetResult(struct{}{})
		}
	}
	return cold.end
}

// String describes the caller on one line, for logs. The signs mean: 🏃 running, ❗
// not running, 🏁 stopping or stopped, 🔐 protected.
func (c *Caller) String() string {
	var s strings.Builder
	state := c.State()
	fmt.Fprintf(&s, "<Caller %s %v", stateSigns[state], state)
	if c.Protected() {
		s.WriteString(" 🔐")
	}
	fmt.Fprintf(&s, " name=%q id=%q", c.Name(), c.ID())
	if backend := c.Backend(); backend != props.Goroutine {
		fmt.Fprintf(&s, " backend=%v", backend)
	}
	if c.Host() != nil {
		fmt.Fprintf(&s, " host=%q", c.config.HostName())
	}
	switch n := len(c.Children()); n {
	case 0:
	case 1:
		s.WriteString(" 1 child")
	default:
		fmt.Fprintf(&s, " %d children", n)
	}
	s.WriteString(">")
	return s.String()
}

// path names the caller in errors and logs.
func (c *Caller) path() string { return c.pid.GetId() }

// mailbox is the mailbox of the caller's actor and the owner of its scheduler. It
// is the Caller itself under another type, which keeps these methods out of those
// of Caller.
type mailbox Caller

func (c *Caller) mailbox() *mailbox { return (*mailbox)(c) }

func (m *mailbox) caller() *Caller { return (*Caller)(m) }

// callerOf returns the caller on whose turn a task runs.
func callerOf(t *sched.Task) *Caller { return t.Owner().(*mailbox).caller() }
