package props

import (
	"context"
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

// Config describes a caller. It is meant for package actors; programs use options
// instead.
//
// [New] and [Config.Child] make it and check it. It does not change afterwards, and is
// safe for concurrent use.
type Config struct {
	// Name is unique among the children of a parent. If it is empty, the actor
	// system makes a name.
	Name string
	// Protected callers ignore a stop that is not forced.
	Protected bool
	// Logger is nil for the actor system's logger.
	Logger *slog.Logger
	// Telemetry makes the spans and metrics of the caller, nil for none.
	Telemetry *telemetry.Telemetry
	// Policy decides what a panic in a function does.
	Policy supervision.Policy
	// Strategy decides on children that escalate a failure. If it is nil, Policy
	// decides.
	Strategy actor.SupervisorStrategy
	// NonReentrant makes every wait keep the turn.
	NonReentrant bool
	// CheckTurns checks that no two functions run at once.
	CheckTurns bool
	// ProfileLabels labels goroutines while they run a function.
	ProfileLabels bool
	// Backend is what functions run on if there is no Host.
	Backend BackendKind
	// Host is the loop that functions run on, nil for none.
	Host Host
	// Publisher opens the publication of the caller, nil for none.
	Publisher func(id string) (Publication, error)

	// OnStart is called before all calls, nil for nothing.
	OnStart func(context.Context) error
	// OnStop is called after all calls, nil for nothing.
	OnStop func(context.Context) error

	// MaxIdleWorkers is how many idle workers are kept.
	MaxIdleWorkers int
	// MaxWorkers is what the option says, 0 for the default: see WorkerLimit.
	MaxWorkers int
	// IdleTimeout is how long an idle worker is kept at least, 0 for as long as
	// the caller lives.
	IdleTimeout time.Duration

	// MaxQueued is how many calls may wait to be started, 0 for no limit.
	MaxQueued int
	// MaxSuspended is how many functions may have given their turn away at a
	// time, 0 for no limit.
	MaxSuspended int
	// TurnWarning is how long a turn may last while something waits for it, before
	// it is logged. 0 is no limit.
	TurnWarning time.Duration
	// StopTimeout is how long a stop waits for running functions before it
	// abandons them, 0 for no limit.
	StopTimeout time.Duration

	hostName string // of Host
	asked    asked
}

// The defaults of options.
const (
	// DefaultMaxIdleWorkers is that of [MaxIdleWorkers].
	DefaultMaxIdleWorkers = 10
	// DefaultIdleTimeout is that of [IdleTimeout].
	DefaultIdleTimeout = time.Minute
	// DefaultTurnWarning is that of [TurnWarning].
	DefaultTurnWarning = 10 * time.Second
	// DefaultStopTimeout is that of [StopTimeout].
	DefaultStopTimeout = 30 * time.Second

	// DefaultMaxThreads limits the workers of a caller on a thread. Each of them
	// has a thread of its own.
	DefaultMaxThreads = 256
)

// Option sets one property of a caller.
//
// A value that makes no sense is an error from the function that is given the option. The
// error names the option and the value.
//
// An Option can be used for any number of callers, and is safe for concurrent use.
type Option func(*Config) error

// New returns the description that the options make. It is meant for package actors.
//
// The error joins those of all options that are wrong.
func New(opts ...Option) (*Config, error) {
	return (&Config{
		MaxIdleWorkers: DefaultMaxIdleWorkers,
		IdleTimeout:    DefaultIdleTimeout,
		TurnWarning:    DefaultTurnWarning,
		StopTimeout:    DefaultStopTimeout,
	}).with(opts)
}

// Child returns the description of a child of a caller that c describes. The child
// inherits what the options leave open. It does not inherit the name, the protection,
// the host, and what OnStart and OnStop call. It is meant for package actors.
//
// The error joins those of all options that are wrong.
func (c *Config) Child(opts ...Option) (*Config, error) {
	if len(opts) == 0 && c.Name == "" && !c.Protected && c.Host == nil && c.OnStart == nil && c.OnStop == nil {
		return c, nil
	}
	child := *c
	child.Name, child.Protected, child.Host, child.asked = "", false, nil, asked{}
	child.OnStart, child.OnStop = nil, nil
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

// settleHost makes sure that a caller with a host has no thread of its own.
func (c *Config) settleHost() error {
	if c.Host == nil || c.Backend == Goroutine {
		return nil
	}
	if c.asked.backend {
		return fmt.Errorf("props: HostedBy(%q): cannot be combined with Backend(%v)", c.hostName, c.Backend)
	}
	c.Backend = Goroutine // it was inherited
	return nil
}

// maxName is the largest length of a name in bytes.
const maxName = 256

// Name names the caller. Names are unique among the children of a parent, and
// part of the caller's id. An empty name is the same as none.
//
// A name must be valid UTF-8 of at most 256 bytes, without "/" and control
// characters. It must not begin with "$".
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

// Protected makes the caller ignore a stop that is not forced. The stop of its
// parent, and one that its policy decides, are forced.
func Protected() Option {
	return func(c *Config) error {
		c.Protected = true
		return nil
	}
}

// Logger makes the caller log to l instead of the actor system's logger. Children and
// workers inherit it.
//
// Each panic in a function of the caller is logged there once, at error level and with
// its stack. So is each item of a queue that fails, and the error of a call that nobody
// has looked at.
//
// The handler of l is called on any goroutine. If it panics while the library logs, that
// record is lost and nothing else.
//
// It is an error if l is nil.
func Logger(l *slog.Logger) Option {
	return func(c *Config) error {
		if l == nil {
			return errors.New("props: Logger(nil): a logger must be given")
		}
		c.Logger = l
		return nil
	}
}

// Telemetry makes t record spans and metrics of the caller. The default is the parent's.
// With nil there are none.
func Telemetry(t *telemetry.Telemetry) Option {
	return func(c *Config) error {
		c.Telemetry = t
		return nil
	}
}

// Supervision sets the policy for panics in functions of the caller. The default is
// [supervision.Capture]. Children inherit it.
//
// It is an error if p is not valid: see [supervision.Policy.Validate].
func Supervision(p supervision.Policy) Option {
	return func(c *Config) error {
		if err := p.Validate(); err != nil {
			return fmt.Errorf("props: Supervision: %w", err)
		}
		c.Policy = p
		return nil
	}
}

// Strategy makes s decide on children that escalate a failure. By default the caller's
// own policy decides.
//
// It is an error if s is nil.
func Strategy(s actor.SupervisorStrategy) Option {
	return func(c *Config) error {
		if s == nil {
			return errors.New("props: Strategy(nil): a strategy must be given")
		}
		c.Strategy = s
		return nil
	}
}

// NonReentrant makes every wait in a function of the caller keep the turn. It is
// for state that must not change during a wait. A wait that would deadlock returns
// pending.ErrDeadlock.
func NonReentrant() Option {
	return func(c *Config) error {
		c.NonReentrant = true
		return nil
	}
}

// CheckTurns checks that no two functions of the caller run at once. Children
// inherit it.
//
// Functions run at once after another goroutine has waited with the context of
// one, without actors.Detach. That wait gives the turn away while the function
// runs on. CheckTurns panics then, with the stacks of both. It is for tests and
// for debugging, and off by default.
func CheckTurns() Option {
	return func(c *Config) error {
		c.CheckTurns = true
		return nil
	}
}

// MaxIdleWorkers sets how many idle workers the caller keeps for further calls. The
// default is [DefaultMaxIdleWorkers]. With 0 each call gets a new worker.
//
// It is an error if n is negative.
func MaxIdleWorkers(n int) Option {
	return notNegative("MaxIdleWorkers", n, func(c *Config) { c.MaxIdleWorkers = n })
}

// MaxWorkers sets how many workers the caller has at most. Further calls wait for a
// worker, within [MaxQueued].
//
// The default, 0, means no limit for workers on goroutines, and [DefaultMaxThreads] for
// workers on threads. The Go runtime ends a process that needs more than 10 000 threads,
// of all its callers together. See [runtime/debug.SetMaxThreads].
//
// It is an error if n is negative.
func MaxWorkers(n int) Option {
	return notNegative("MaxWorkers", n, func(c *Config) { c.MaxWorkers = n })
}

// IdleTimeout sets how long an idle worker is kept. It is stopped after d, and before
// twice d. The default is [DefaultIdleTimeout]. With 0 it is kept as long as the caller
// lives.
//
// It is an error if d is negative.
func IdleTimeout(d time.Duration) Option {
	return notNegative("IdleTimeout", d, func(c *Config) { c.IdleTimeout = d })
}

// MaxQueued sets how many calls may wait to be started. Calls that are done, as by
// Cancel, do not count. Delayed calls, and calls that wait for a worker, are counted
// apart, with the same limit. Items of a queue that follow each other count as one call.
// The default, 0, means no limit.
//
// A call beyond the limit fails at once with actors.ErrOverloaded. It is an error of the
// option if n is negative.
func MaxQueued(n int) Option {
	return notNegative("MaxQueued", n, func(c *Config) { c.MaxQueued = n })
}

// MaxSuspended sets how many functions may have given their turn away at a time. The
// default, 0, means no limit.
//
// A wait beyond the limit fails at once with actors.ErrOverloaded, and does not cancel
// the pending it was for. pending.All and its like cancel theirs, as after any error. It is
// an error of the option if n is negative.
func MaxSuspended(n int) Option {
	return notNegative("MaxSuspended", n, func(c *Config) { c.MaxSuspended = n })
}

// TurnWarning logs a turn that lasts for d while something waits for it. It finds what
// can never end, and what no search for circles of waits can see: a wait with
// [context.Background] in a function of the caller, say. The default is 10 seconds. 0 turns
// it off. It must not be negative.
//
// A turn is one of these:
//   - a function that runs, or keeps its turn while it waits;
//   - a direct call;
//   - a message that an actor made by AsCaller receives;
//   - the handlers of an event about the caller.
//
// What waits may be:
//   - a call, a message or an item of a queue;
//   - a function that wants its turn back;
//   - a function elsewhere that waits for the result, or that calls in place;
//   - a function or a goroutine that waits for a lock that the function of the turn holds, or
//     a function that waits for a promise that it is to keep, see pending.CompletedBy;
//   - a caller on the loop of the same host;
//   - the failure of a child;
//   - a stop, a restart or a drain;
//   - other events.
//
// Work that keeps nobody waiting may take as long as it likes. So may the job of a worker,
// although a function waits for it. Only what waits for a lock or a promise of the job
// counts.
//
// A turn is logged once, at the level of warnings, by the caller's logger. The record has
// the caller, the function, since when, what waits, and the stack. If it is not clear
// which stack it is, all that may be are in the record. With telemetry, the span of the
// call gets an event.
//
// The turn is logged between d and 1.25 d after it began. For a very short d it may be
// logged five milliseconds after d. With many thousands of functions that wait it may be
// later, because all of them are looked at. If something begins to wait later, the turn is
// logged at most d/4 after that. A turn costs no clock and no memory: one timer
// of the actor system looks at the turns ten times within d, while there are any. To log
// a turn, the process is stopped for the moment that a dump of all stacks takes.
func TurnWarning(d time.Duration) Option {
	return notNegative("TurnWarning", d, func(c *Config) { c.TurnWarning = d })
}

// StopTimeout sets how long a stop or a restart waits for running functions to return.
// Their contexts are cancelled before. After d they are logged and abandoned: their
// pendings are cancelled, and what they return is dropped. The default is
// [DefaultStopTimeout]. With 0 there is no limit.
//
// It is an error if d is negative.
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
