package actors

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/internal/safelog"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// Caller is an actor whose mailbox is a scheduler queue for functions: see the
// package's documentation. It is made by [Start], [New], [Main], [Caller.Child]
// and, out of any actor, by [AsCaller]. All methods may be called from any
// goroutine.
type Caller struct {
	box      mailbox
	node     *node
	config   *props.Config
	parent   *Caller
	name     string
	pid      *actor.PID
	adopted  bool              // an actor of the user's, made a caller by AsCaller
	employer *pool             // whose worker it is, nil for none
	traced   *telemetry.Caller // nil without telemetry
	noted    bool              // by the actor of the parent, on whose turn this is used

	draining atomic.Bool
	state    atomic.Int32          // written under mu
	cause    atomic.Pointer[error] // why the caller was stopped, nil for an ordinary stop

	ended sync.Once

	mu       sync.Mutex
	children map[string]*Caller // by name
	rare     *rare
}

// rare is what most callers never have.
type rare struct {
	end      *pending.Pending[struct{}] // done when the caller has stopped
	delayed  map[task]*time.Timer       // calls whose time has not come
	pool     *pool
	queues   map[task]struct{} // that are open
	keyed    map[any]keyed     // those that have a key and are not done
	quiesce  *quiesce
	restart  *restart
	failures supervision.Record

	publication *publication

	late      []*Caller    // children that the actor cannot adopt yet
	escalated error        // a failure that others decide on
	suspended []*actor.PID // children that wait for what becomes of the caller
}

// rarely returns what most callers never have. The caller holds mu.
func (c *Caller) rarely() *rare {
	if c.rare == nil {
		c.rare = &rare{}
	}
	return c.rare
}

func newCaller(n *node, parent *Caller, name string, config *props.Config) *Caller {
	c := &Caller{node: n, parent: parent, name: name, config: config}
	c.box.caller = c
	c.box.gated = true
	if limit := config.TurnWarning; limit > 0 {
		c.box.watch = &turnWatch{caller: c, limit: limit}
	}
	return c
}

// New returns a caller that is not started: what is called on it is queued
// until [Caller.Start] or [Caller.Run]. It has no parent, and inherits the
// [Defaults] of the system. The error is that of an option, or
// actor.ErrNameExists. The seed's Caller("manual").
func New(system *actor.ActorSystem, opts ...props.Option) (*Caller, error) {
	n := nodeOf(system)
	config, err := n.describe(opts...)
	if err != nil {
		return nil, err
	}
	name := config.Name
	if name == "" {
		name = system.ProcessRegistry.NextId()
	}
	c := newCaller(n, nil, name, config)
	n.watch(config.Telemetry)
	if err := c.spawn(rootID+"/"+name, n.pid); err != nil {
		n.unwatch(config.Telemetry)
		return nil, err
	}
	return c, nil
}

// Start returns a running caller, with no parent. The error is that of [New],
// or of opening the publication. The seed's Caller("NewThread").
func Start(system *actor.ActorSystem, opts ...props.Option) (*Caller, error) {
	c, err := New(system, opts...)
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	return c, nil
}

// Start starts a caller made by [New]. It is an error if the caller was started
// or stopped before. A caller whose publication cannot be opened is stopped.
func (c *Caller) Start() error {
	if err := c.begin(); err != nil {
		return err
	}
	return c.enter()
}

// enter is the rest of a start that was claimed.
func (c *Caller) enter() error {
	err := c.openPublication()
	defer c.box.open() // even if a callback that the stop calls ends the goroutine
	if err != nil {
		c.stop(err)
	} else {
		c.box.settle()
	}
	return err
}

// begin claims the only start that a caller has.
func (c *Caller) begin() error {
	if !c.move(StateInitial, StateStarting) {
		return fmt.Errorf("actors: start %s: it is %v already", c.path(), c.State())
	}
	return nil
}

// Run starts a caller made by [New] and makes the goroutine that calls its
// loop, until the caller has stopped: functions run on that goroutine, except
// that while one which waits is on it the others run elsewhere. With
// [props.Thread] they never do: the goroutine is locked to its thread meanwhile,
// and every function, and every resumption of one, runs on it. In func main that
// is the main thread.
//
// The end of ctx stops the caller, protected or not. The error is nil for an
// ordinary stop, else the failure that stopped the caller; it is an error if the
// caller was started or stopped before, or has a host. A function that calls
// [runtime.Goexit] ends this goroutine, and with it the caller. The seed's async
// with Caller("manual").
func (c *Caller) Run(ctx context.Context) error {
	ended := ctx.Err() != nil
	if c.config.Host != nil && c.State() == StateInitial {
		return fmt.Errorf("actors: run %s: it runs on the loop of its host, %s", c.path(), c.config.HostName())
	}
	if err := c.begin(); err != nil {
		return err
	}
	defer c.stop(nil)
	if err := c.openPublication(); err != nil {
		c.stop(err)
	}
	if ended {
		c.stop(nil)
	}
	defer context.AfterFunc(ctx, func() { c.stop(nil) })()
	if c.config.Backend == props.Thread {
		c.box.lendThread()
	} else {
		c.box.lend()
	}
	return c.stopCause()
}

// ID returns the id of the caller's actor, which is unique in its system while
// the caller lives.
func (c *Caller) ID() string { return c.pid.GetId() }

// Name returns the name, which is unique among the children of the parent.
func (c *Caller) Name() string { return c.name }

// PID returns the address of the caller's actor.
func (c *Caller) PID() *actor.PID { return c.pid }

// System returns the actor system the caller lives in.
func (c *Caller) System() *actor.ActorSystem { return c.node.system }

// Parent returns the caller whose child this is, or nil.
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

// State returns where the caller is in its life.
func (c *Caller) State() State { return State(c.state.Load()) }

// Backend returns what the caller's functions run on, unless it has a host.
func (c *Caller) Backend() props.BackendKind { return c.config.Backend }

// Host returns the loop that the caller's functions run on, or nil.
func (c *Caller) Host() props.Host { return c.config.Host }

// Protected reports whether the caller ignores a stop that is not forced.
func (c *Caller) Protected() bool { return c.config.Protected }

// Logger returns the logger given by the options, else the actor system's.
// With telemetry, what is logged with a context carries the ids of its trace. A
// panic of its handler is that of the function which logs. What the library logs
// itself is guarded: there a panic of the handler goes no further.
func (c *Caller) Logger() *slog.Logger {
	l := c.config.Logger
	if l == nil {
		l = c.node.system.Logger()
	}
	if c.traced == nil {
		return l
	}
	return slog.New(telemetry.LogHandler(l.Handler()))
}

// log returns the logger for what the library logs itself, often on goroutines where
// a panic would end the process.
func (c *Caller) log() *slog.Logger { return safelog.Wrap(c.Logger()) }

// Telemetry returns what makes the caller's spans and metrics, or nil.
func (c *Caller) Telemetry() *telemetry.Telemetry { return c.config.Telemetry }

// Stopped returns a channel that is closed when the caller has stopped, which
// is after its children have.
func (c *Caller) Stopped() <-chan struct{} { return c.end().Done() }

// end returns a pending that is done when the caller has stopped.
func (c *Caller) end() *pending.Pending[struct{}] {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.rarely()
	if r.end == nil {
		r.end = pending.New[struct{}](context.Background(), pending.Named("end of "+c.path()))
		if c.State() == StateStopped {
			r.end.SetResult(struct{}{})
		}
	}
	return r.end
}

// String describes the caller on one line, for logs. The signs are the seed's:
// 🏃 running, ❗ not running, 🏁 stopping or stopped, 🔐 protected.
func (c *Caller) String() string {
	var s strings.Builder
	state := c.State()
	fmt.Fprintf(&s, "<Caller %s %v", stateSigns[state], state)
	if c.Protected() {
		s.WriteString(" 🔐")
	}
	fmt.Fprintf(&s, " name=%q id=%q", c.name, c.ID())
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

// move changes the state if it is from, and reports whether it was.
func (c *Caller) move(from, to State) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.CompareAndSwap(int32(from), int32(to))
}
