package props

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

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
	// Backend is what functions run on, unless there is a Host.
	Backend BackendKind
	// Host is the loop that functions run on, nil for none.
	Host Host
	// Publisher opens what the caller publishes to, nil for nothing.
	Publisher func(id string) (Publication, error)

	// MaxIdleWorkers is how many workers are kept while they are idle.
	MaxIdleWorkers int
	// MaxWorkers is how many workers there are at most, 0 for any number.
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

	hostName string // of Host
	asked    asked
}

// What a caller is like unless its options say otherwise.
const (
	DefaultMaxIdleWorkers = 10
	DefaultIdleTimeout    = time.Minute
	DefaultStopTimeout    = 30 * time.Second
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
		return fmt.Errorf("props: HostedBy: a caller on the loop of %s has no backend %v", c.hostName, c.Backend)
	}
	c.Backend = Goroutine // the parent's does not count
	return nil
}

// Name names the caller. Names are unique among the children of a parent, and
// part of the caller's id. A name must not contain "/" nor begin with "$". An
// empty name is no name.
func Name(name string) Option {
	return func(c *Config) error {
		if strings.Contains(name, "/") || strings.HasPrefix(name, "$") {
			return fmt.Errorf("props: Name: %q contains a slash or begins with a dollar sign", name)
		}
		c.Name = name
		return nil
	}
}

// Protected has the caller ignore a stop that is not forced. The stop of a
// parent always is.
func Protected() Option {
	return func(c *Config) error {
		c.Protected = true
		return nil
	}
}

// Logger has the caller log to l instead of the actor system's logger. Each
// panic in a function of the caller is logged there once, at error level and
// with its stack, and each item of a queue that fails. Children and workers
// inherit the logger.
//
// The handler of l is called on any goroutine. If it panics while the library logs,
// that record is lost and nothing else.
func Logger(l *slog.Logger) Option {
	return func(c *Config) error {
		if l == nil {
			return errors.New("props: Logger: must not be nil")
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
			return errors.New("props: Strategy: must not be nil")
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

// MaxIdleWorkers is how many workers a caller keeps for the next calls while
// they have nothing to do. The default is 10; with 0 each call gets a new one.
// The seed's MAX_IDLE_POOL_INSTANCES.
func MaxIdleWorkers(n int) Option {
	return atLeast("MaxIdleWorkers", n, 0, func(c *Config) { c.MaxIdleWorkers = n })
}

// MaxWorkers is how many workers a caller has at most; further calls queue for
// them. The default, 0, is any number.
func MaxWorkers(n int) Option {
	return atLeast("MaxWorkers", n, 0, func(c *Config) { c.MaxWorkers = n })
}

// IdleTimeout is how long a worker that has nothing to do is kept at least; it
// is stopped before twice that time is over. The default is a minute; 0 keeps
// it as long as its parent. The seed's IDLE_WORKER_SHUTDOWN_DURATION.
func IdleTimeout(d time.Duration) Option {
	return atLeast("IdleTimeout", d, 0, func(c *Config) { c.IdleTimeout = d })
}

// MaxQueued is how many calls may wait to be started. A call beyond that ends
// at once with actors.ErrOverloaded. The default, 0, is any number.
func MaxQueued(n int) Option {
	return atLeast("MaxQueued", n, 0, func(c *Config) { c.MaxQueued = n })
}

// MaxSuspended is how many functions may have given their turn away at a time.
// A wait beyond that fails at once with actors.ErrOverloaded, and leaves what
// it waited for as it is. The default, 0, is any number.
func MaxSuspended(n int) Option {
	return atLeast("MaxSuspended", n, 0, func(c *Config) { c.MaxSuspended = n })
}

// TurnWarning has a turn that lasts longer than d logged, with the stack of
// the function that holds it. Those of direct calls, and of the messages of an
// adopted actor, are not watched. The default, 0, is off.
func TurnWarning(d time.Duration) Option {
	return atLeast("TurnWarning", d, 0, func(c *Config) { c.TurnWarning = d })
}

// StopTimeout is how long a stop, or a restart, waits for the functions that
// are running to return, once their contexts are cancelled. After that they
// are logged and abandoned: their pendings are cancelled and what they return
// is dropped. The default is 30 seconds; 0 waits for ever.
func StopTimeout(d time.Duration) Option {
	return atLeast("StopTimeout", d, 0, func(c *Config) { c.StopTimeout = d })
}

func atLeast[N int | time.Duration](option string, n, least N, set func(*Config)) Option {
	return func(c *Config) error {
		if n < least {
			return fmt.Errorf("props: %s: %v is less than %v", option, n, least)
		}
		set(c)
		return nil
	}
}
