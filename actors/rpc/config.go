package rpc

import (
	"crypto/x509"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/grpc/credentials"

	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

const (
	// DefaultMaxSize is that of [MaxSize], in bytes.
	DefaultMaxSize = 4 << 20
	// LargestMaxSize is the largest that [MaxSize] may be, in bytes.
	LargestMaxSize = 256 << 20
	// DefaultMaxOpen is that of [MaxOpen].
	DefaultMaxOpen = 10_000
	// DefaultMaxOpenBytes is that of [MaxOpenBytes], in bytes.
	DefaultMaxOpenBytes = 1 << 30
	// DefaultDedupTime is the time of [DedupWindow].
	DefaultDedupTime = 10 * time.Minute
	// DefaultDedupBytes is the memory of [DedupWindow].
	DefaultDedupBytes = 64 << 20
	// minDedupBytes has room for an error, at least.
	minDedupBytes = 4 << 10
)

// Option changes how a system calls others and is called.
//
// A value that makes no sense is an error of the function that is given the option. It
// names the option.
type Option func(*config) error

// config is not changed once it is in use.
type config struct {
	codec        Codec
	maxSize      int
	maxOpen      int
	maxOpenBytes int
	authorize    func(Incoming) bool
	exposed      []string // patterns; nil if all actors of the program are
	telemetry    *telemetry.Telemetry
	owners       OwnerStore // nil if identities may have several

	dedupTime  time.Duration
	dedupBytes int

	// Those of Start.
	advertised        string
	server, transport credentials.TransportCredentials // nil for none
	checkClaims       bool                             // whether the address of a peer is one of its certificate
}

func defaults() *config {
	return &config{
		codec: JSON, maxSize: DefaultMaxSize, maxOpen: DefaultMaxOpen, maxOpenBytes: DefaultMaxOpenBytes,
		dedupTime: DefaultDedupTime, dedupBytes: DefaultDedupBytes,
	}
}

// Configure has the options apply to the calls that a system makes and receives
// from now on. What they leave open stays as it is. It may be called from any
// goroutine. [Start] does the same; Configure is for systems that are linked by
// other means.
func Configure(system *actor.ActorSystem, opts ...Option) error {
	_, err := nodeOf(system).configure(opts)
	return err
}

func (n *node) configure(opts []Option) (*config, error) {
	for {
		old := n.config.Load()
		changed := *old
		var errs []error
		for _, opt := range opts {
			errs = append(errs, opt(&changed))
		}
		if err := errors.Join(errs...); err != nil {
			return nil, err
		}
		if n.config.CompareAndSwap(old, &changed) {
			if changed.maxSize != old.maxSize {
				n.renew()
			}
			return &changed, nil
		}
	}
}

// renew has further calls go in new sessions. There the other nodes know the present
// limits of this one.
func (n *node) renew() {
	out, in := n.peers.all()
	for _, o := range out {
		o.retire()
	}
	for _, i := range in {
		i.leave()
	}
}

// Encoding has values that are no messages of protobuf travel as c says. The default is
// [JSON].
func Encoding(c Codec) Option {
	return func(o *config) error {
		if c == nil {
			return errors.New("rpc: Encoding: must not be nil")
		}
		if name := c.Name(); name == "" || !utf8.ValidString(name) {
			return fmt.Errorf("rpc: Encoding: %q is no name for a codec", name)
		}
		o.codec = c
		return nil
	}
}

// MaxSize limits the bytes of a call, an answer or an item of a stream. They are counted
// as they travel, with all that belongs to them. The default is [DefaultMaxSize], the
// most [LargestMaxSize]. Large ones travel in pieces, between which small ones pass.
//
// What is larger is not sent, and the error matches [ErrTooLarge]. What is received and
// larger is answered with that.
//
// A message between plain actors may have 512 KiB more, on both nodes. A larger one is
// not sent, and becomes a dead letter. If one is received nevertheless, the connection
// ends that it has come on.
func MaxSize(bytes int) Option {
	return func(o *config) error {
		if bytes < 1 || bytes > LargestMaxSize {
			return fmt.Errorf("rpc: MaxSize: %d is not between 1 and %d", bytes, LargestMaxSize)
		}
		o.maxSize = bytes
		return nil
	}
}

// MaxOpen limits the calls of other nodes that a system has made and that are not done.
// The same number limits the calls of other nodes that it has accepted and that are not
// done. The default is [DefaultMaxOpen].
//
// Calls beyond it end at once with [actors.ErrOverloaded].
func MaxOpen(n int) Option {
	return func(o *config) error {
		if n < 1 {
			return fmt.Errorf("rpc: MaxOpen: %d is less than 1", n)
		}
		o.maxOpen = n
		return nil
	}
}

// MaxOpenBytes limits the memory that calls need when a node is slow. It limits the
// arguments, as they travel, of the calls that a system has made and that are not done.
// It limits those of the calls that it has accepted in the same way. The default is
// [DefaultMaxOpenBytes].
//
// It also limits the calls and answers that wait to be sent to a node. Those that are
// done by then count too. Calls of a node that does not take its answers are refused.
// The answers of functions that run by then come on top of it: at most [MaxOpen] of
// them.
//
// Calls beyond it end at once with [actors.ErrOverloaded], but for one that would be
// alone.
func MaxOpenBytes(bytes int) Option {
	return func(o *config) error {
		if bytes < 1 {
			return fmt.Errorf("rpc: MaxOpenBytes: %d is less than 1", bytes)
		}
		o.maxOpenBytes = bytes
		return nil
	}
}

// DedupWindow sets how long a system remembers how calls with a key have ended: see
// [Idempotent]. It also sets how much memory all of them may take, in bytes. The defaults
// are [DefaultDedupTime] and [DefaultDedupBytes], which has room for about 90 000 small
// results.
//
// Beyond that the oldest are forgotten first. A call that is made again after that runs
// again. A result that is larger than all of it is answered, and remembered as an error
// that matches [ErrTooLarge].
//
// It is an error if there are less than 4096 bytes.
func DedupWindow(d time.Duration, bytes int) Option {
	return func(o *config) error {
		if d <= 0 || bytes < minDedupBytes {
			return fmt.Errorf("rpc: DedupWindow: %v is not more than 0, or %d bytes are less than %d", d, bytes, minDedupBytes)
		}
		o.dedupTime, o.dedupBytes = d, bytes
		return nil
	}
}

// Incoming is a call that another node has made, before anything is done about
// it.
type Incoming struct {
	// Peer is the address of the node that calls. With [MutualTLS] it is one that the
	// certificate of the node is for. Otherwise it is what the node claims, and proves nothing.
	Peer string
	// Certificate is the one that the node has shown. The authorities of [MutualTLS] have verified
	// it, or those of a [TLS] configuration that verifies certificates of clients. It is nil
	// otherwise. It must not be changed.
	Certificate *x509.Certificate
	// Function is the name of the function.
	Function string
	// Caller is the id of the caller that is to run it.
	Caller string
	// Identity is the identity of a [Kind] that the call is for, as "kind/identity".
	// It is empty for a call of a caller by its id. The function runs only if the
	// caller is that identity.
	Identity string
}

// Authorize permits those calls of other nodes for which allow returns true. All other
// calls end with [ErrDenied], also if allow panics. Without the option every registered
// function may be called.
//
// allow is called from any goroutine, several at a time, and must not wait.
func Authorize(allow func(Incoming) bool) Option {
	return func(o *config) error {
		if allow == nil {
			return errors.New("rpc: Authorize: must not be nil")
		}
		o.authorize = allow
		return nil
	}
}

// Expose limits which actors of the program other nodes can send messages to, watch and stop. An
// actor is exposed if its id matches one of the patterns, as by [path.Match]: "orders", "orders/*".
// With no patterns no actor is. Without the option all are, but for callers and for the actors of
// protoactor.
//
// Expose does not concern functions: those are called by [Call], and [Authorize] permits that.
// Answers to requests always pass. So does what members of a cluster send to its virtual actors.
//
// Two actors of protoactor are exposed only by a pattern that is their id. The actor "activator"
// spawns actors of the kinds of the remote's configuration. The actor "partition-activator" places
// virtual actors for nodes that are no members of the cluster. The id "eventstream" has messages
// published as events.
//
// A pattern that [path.Match] does not understand is an error.
func Expose(patterns ...string) Option {
	return func(o *config) error {
		for _, pattern := range patterns {
			if _, err := path.Match(pattern, ""); err != nil {
				return fmt.Errorf("rpc: Expose: %q: %w", pattern, err)
			}
		}
		o.exposed = append(make([]string, 0, len(patterns)), patterns...)
		return nil
	}
}

// permits asks who is to be asked about a call.
func (c *config) permits(call Incoming) (permitted bool) {
	if c.authorize == nil {
		return true
	}
	defer func() {
		if r := recover(); r != nil {
			permitted = false
		}
	}()
	call.Function, call.Caller = strings.Clone(call.Function), strings.Clone(call.Caller) // who is asked may keep them
	call.Identity = strings.Clone(call.Identity)
	return c.authorize(call)
}

// Advertised sets the address under which other nodes reach this one, as "host:port". The
// default is the address that it listens on.
//
// It needs a host and a port: it is an error if the host is empty, 0.0.0.0 or ::, or the
// port is 0.
func Advertised(address string) Option {
	return func(o *config) error {
		if err := checkAdvertised(address); err != nil {
			return fmt.Errorf("rpc: Advertised: %w", err)
		}
		o.advertised = address
		return nil
	}
}
