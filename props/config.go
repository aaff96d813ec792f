package props

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/supervision"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// Config describes a caller. It is made by [New] and [Config.Child], which
// check it, and is not changed afterwards.
type Config struct {
	// Name is unique among the children of a parent; empty for a name made up
	// by the system.
	Name string
	// Protected callers ignore a stop that is not forced.
	Protected bool
	// Logger is nil for the logger of the actor system.
	Logger *slog.Logger
	// Telemetry makes the spans and the metrics of the caller, if it is not
	// nil.
	Telemetry *telemetry.Telemetry
	// Policy says what a panic in a function does.
	Policy supervision.Policy
	// Strategy decides on children that escalate a failure; nil lets Policy
	// decide.
	Strategy actor.SupervisorStrategy
	// NonReentrant makes every wait keep the turn.
	NonReentrant bool
	// CheckTurns looks for two functions that run at once.
	CheckTurns bool
	// Backend is what functions run on, unless there is a Host.
	Backend BackendKind
	// Host is the loop that functions run on, nil for none.
	Host Host
	// Publisher opens what the caller publishes to, nil for nothing.
	Publisher func(id string) (Publication, error)

	// MaxIdleWorkers is how many workers are kept while they are idle.
	MaxIdleWorkers int
	// MaxWorkers is how many workers there are at most, 0 for no limit, or on
	// threads for DefaultMaxThreads.
	MaxWorkers int
	// IdleTimeout is how long a worker is kept at least while it is idle, 0
	// for as long as the caller lives.
	IdleTimeout time.Duration

	// MaxQueued is how many calls may wait to be started, 0 for any number.
	MaxQueued int
	// MaxSuspended is how many functions may have given their turn away at a
	// time, 0 for any number.
	MaxSuspended int
	// TurnWarning is how long a turn may last before it is logged, 0 for ever.
	TurnWarning time.Duration
	// StopTimeout is how long a stop waits for running functions before it
	// abandons them, 0 for ever.
	StopTimeout time.Duration

	asked asked
}

// What a caller is like unless its options say otherwise.
const (
	DefaultMaxIdleWorkers = 10
	DefaultIdleTimeout    = time.Minute
	DefaultStopTimeout    = 30 * time.Second

	// DefaultMaxThreads limits the workers of a caller on a thread. Each of them
	// has a thread of its own.
	DefaultMaxThreads = 256
)

// Option says one thing about a caller. A value that makes no sense is an
// error, which names the option, from whatever the option is given to.
type Option func(*Config) error

// New returns the description made by the options, or an error for each of
// them that is wrong.
func New(opts ...Option) (*Config, error) {
	return (&Config{
		MaxIdleWorkers: DefaultMaxIdleWorkers,
		IdleTimeout:    DefaultIdleTimeout,
		StopTimeout:    DefaultStopTimeout,
	}).with(opts)
}

// Child returns the description of a child of a caller described by c: what
// the options leave open is inherited, except for the name, the protection and
// the host.
func (c *Config) Child(opts ...Option) (*Config, error) {
	if len(opts) == 0 && c.Name == "" && !c.Protected && c.Host == nil {
		return c, nil
	}
	child := *c
	child.Name, child.Protected, child.Host, child.asked = "", false, nil, asked{}
	return child.with(opts)
}

// WorkerLimit returns how many workers the caller has at most, or 0 for no limit.
func (c *Config) WorkerLimit() int {
	if c.MaxWorkers == 0 && c.Backend == Thread {
		return DefaultMaxThreads
	}
	return c.MaxWorkers
}

func (c *Config) with(opts []Option) (*Config, error) {
	var errs []error
	for i, opt := range opts {
		if opt == nil {
			errs = append(errs, fmt.Errorf("props: option %d is nil", i+1))
		} else if err := opt(c); err != nil {
			errs = append(errs, err)
		}
	}
	errs = append(errs, c.settleHost())
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

// settleHost sees to it that a caller with a host has no thread of its own.
func (c *Config) settleHost() error {
	if c.Host == nil || c.Backend == Goroutine {
		return nil
	}
	if c.asked.backend {
		return fmt.Errorf("props: HostedBy(%q): cannot be combined with Backend(%v)", c.Host.Name(), c.Backend)
	}
	c.Backend = Goroutine // the parent's does not count
	return nil
}

// maxName is the largest length of a name in bytes.
const maxName = 256

// Name names the caller. Names are unique among the children of a parent, and
// part of the caller's id. An empty name is the same as none.
//
// A name must be valid UTF-8 of at most 256 bytes, without "/" and control
// characters, and must not begin with "$".
func Name(name string) Option {
	return func(c *Config) error {
		if fault := nameFault(name); fault != "" {
			return fmt.Errorf("props: Name(%s): %s", quoteName(name), fault)
		}
		c.Name = name
		return nil
	}
}

// nameFault says what is wrong with a name, and is empty if nothing is.
func nameFault(name string) string {
	switch {
	case len(name) > maxName:
		return fmt.Sprintf("must not be longer than %d bytes", maxName)
	case !utf8.ValidString(name):
		return "must be valid UTF-8" // protobuf refuses ids that are not
	case strings.ContainsFunc(name, unicode.IsControl):
		return "must not contain control characters"
	case strings.Contains(name, "/") || strings.HasPrefix(name, "$"):
		return `must not contain "/" nor begin with "$"`
	default:
		return ""
	}
}

// quoteName quotes a name for an error, which must not become as long as the name.
func quoteName(name string) string {
	const most = 64
	if len(name) <= most {
		return strconv.Quote(name)
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(name[end]) {
		end--
	}
	return fmt.Sprintf("%q... of %d bytes", name[:end], len(name))
}

// Protected has the caller ignore a stop that is not forced. The stop of a
// parent always is.
func Protected() Option {
	return func(c *Config) error {
		c.Protected = true
		return nil
	}
}

// Logger has the caller log to l instead of the actor system's logger.
func Logger(l *slog.Logger) Option {
	return func(c *Config) error {
		if l == nil {
			return errors.New("props: Logger(nil): a logger must be given")
		}
		c.Logger = l
		return nil
	}
}

// Telemetry has t make spans and metrics of what the caller does. The default
// is the parent's; nil makes none.
func Telemetry(t *telemetry.Telemetry) Option {
	return func(c *Config) error {
		c.Telemetry = t
		return nil
	}
}

// Supervision says what a panic in a function of the caller does. The default
// is [supervision.Capture].
func Supervision(p supervision.Policy) Option {
	return func(c *Config) error {
		if err := p.Validate(); err != nil {
			return fmt.Errorf("props: Supervision: %w", err)
		}
		c.Policy = p
		return nil
	}
}

// Strategy has s decide, instead of the caller's own policy, what happens to a
// child that escalates a failure.
func Strategy(s actor.SupervisorStrategy) Option {
	return func(c *Config) error {
		if s == nil {
			return errors.New("props: Strategy(nil): a strategy must be given")
		}
		c.Strategy = s
		return nil
	}
}

// NonReentrant makes every wait in a function of the caller keep the turn, for
// state that must not change across a wait. What would deadlock by that is
// reported as [pending.ErrDeadlock].
func NonReentrant() Option {
	return func(c *Config) error {
		c.NonReentrant = true
		return nil
	}
}

// CheckTurns checks that no two functions of the caller run at once. Children
// inherit it.
//
// Functions run at once after one of them has waited on another goroutine with
// its own context, without actors.Detach: that wait gives the turn away while the
// function runs on. CheckTurns panics then, with the stacks of both. The check is
// for tests and for debugging, as it makes waits slower. It is off by default.
func CheckTurns() Option {
	return func(c *Config) error {
		c.CheckTurns = true
		return nil
	}
}

// MaxIdleWorkers is how many workers a caller keeps for the next calls while
// they have nothing to do. The default is 10; with 0 each call gets a new one.
// The seed's MAX_IDLE_POOL_INSTANCES.
func MaxIdleWorkers(n int) Option {
	return notNegative("MaxIdleWorkers", n, func(c *Config) { c.MaxIdleWorkers = n })
}

// MaxWorkers sets how many workers the caller has at most. Further calls wait for
// a worker, within [MaxQueued].
//
// The default, 0, means no limit for workers on goroutines, and
// [DefaultMaxThreads] for workers on threads. The Go runtime ends a process that
// needs more than 10 000 threads, of all its callers together. See
// [runtime/debug.SetMaxThreads].
func MaxWorkers(n int) Option {
	return notNegative("MaxWorkers", n, func(c *Config) { c.MaxWorkers = n })
}

// IdleTimeout is how long a worker that has nothing to do is kept at least; it
// is stopped before twice that time is over. The default is a minute; 0 keeps
// it as long as its parent. The seed's IDLE_WORKER_SHUTDOWN_DURATION.
func IdleTimeout(d time.Duration) Option {
	return notNegative("IdleTimeout", d, func(c *Config) { c.IdleTimeout = d })
}

// MaxQueued is how many calls may wait to be started. A call beyond that ends
// at once with actors.ErrOverloaded. The default, 0, is any number.
func MaxQueued(n int) Option {
	return notNegative("MaxQueued", n, func(c *Config) { c.MaxQueued = n })
}

// MaxSuspended is how many functions may have given their turn away at a time.
// A wait beyond that fails at once with actors.ErrOverloaded, and leaves what
// it waited for as it is. The default, 0, is any number.
func MaxSuspended(n int) Option {
	return notNegative("MaxSuspended", n, func(c *Config) { c.MaxSuspended = n })
}

// TurnWarning has a turn that lasts longer than d logged, with the stack of
// the function that holds it. Those of direct calls, and of the messages of an
// adopted actor, are not watched. The default, 0, is off.
func TurnWarning(d time.Duration) Option {
	return notNegative("TurnWarning", d, func(c *Config) { c.TurnWarning = d })
}

// StopTimeout is how long a stop, or a restart, waits for the functions that
// are running to return, once their contexts are cancelled. After that they
// are logged and abandoned: their pendings are cancelled and what they return
// is dropped. The default is 30 seconds; 0 waits for ever.
func StopTimeout(d time.Duration) Option {
	return notNegative("StopTimeout", d, func(c *Config) { c.StopTimeout = d })
}

func notNegative[N int | time.Duration](option string, n N, set func(*Config)) Option {
	return func(c *Config) error {
		if n < 0 {
			return fmt.Errorf("props: %s(%v): must not be negative", option, n)
		}
		set(c)
		return nil
	}
}
