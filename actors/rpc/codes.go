package rpc

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/internal/safeerrors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

const (
	// longestText is how much of the text of an error travels, in bytes.
	longestText = 16 << 10
	// longestStack is how much of a stack does.
	longestStack = 64 << 10
)

// coded is an error that keeps its identity from node to node.
type coded struct {
	code string
	err  error
}

// builtIn are those that every node knows.
var builtIn = [...]coded{
	{"rpc.stopped", pending.ErrStopped},
	{"rpc.cancelled", pending.ErrCancelled},
	{"rpc.canceled", context.Canceled},
	{"rpc.deadline", context.DeadlineExceeded},
	{"rpc.deadlock", pending.ErrDeadlock},
	{"rpc.overloaded", actors.ErrOverloaded},
	{"rpc.unknown_function", ErrUnknownFunction},
	{"rpc.no_caller", ErrNoCaller},
	{"rpc.node_down", ErrNodeDown},
	{"rpc.too_large", ErrTooLarge},
	{"rpc.denied", ErrDenied},
	{"rpc.encoding", ErrEncoding},
	{"rpc.version", ErrVersion},
	{"rpc.no_member", ErrNoMember},
	{"rpc.activation", ErrActivation},
	{"rpc.uncertain", ErrUncertain},
	{"rpc.expelled", ErrExpelled},
	{"rpc.owned", ErrOwned},
	{"rpc.lease_lost", ErrLeaseLost},
}

// codes are the errors of the user's.
type codes struct {
	mu         sync.RWMutex
	registered []coded
}

// RegisterError has errors that match err keep that on their way from and to a system. An
// error of a function that another node has called travels with the code. If the code is
// registered there too, errors.Is finds the error that is registered there.
//
// A code is a name like "shop.sold_out". Those that begin with "rpc." are taken.
//
// It is an error if the code is taken or empty, or err is nil. It may be called from any
// goroutine.
func RegisterError(system *actor.ActorSystem, code string, err error) error {
	if err == nil {
		return fmt.Errorf("rpc: register error %q: it is nil", code)
	}
	if code == "" || strings.HasPrefix(code, "rpc.") {
		return fmt.Errorf("rpc: register error: the code %q is empty or begins with rpc", code)
	}
	c := &nodeOf(system).codes
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, other := range c.registered {
		if other.code == code {
			return fmt.Errorf("rpc: register error: the code %q is taken", code)
		}
	}
	c.registered = append(c.registered, coded{code, err})
	return nil
}

// all returns the errors that are known. They must not be changed.
func (c *codes) all() []coded {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return append(builtIn[:len(builtIn):len(builtIn)], c.registered...)
}

// of returns the first registered code that an error travels with, or "".
func (c *codes) of(err error) string {
	c.mu.RLock()
	registered := c.registered // of which nothing is changed
	c.mu.RUnlock()
	for _, known := range registered { // without the lock: errors have methods of the user's
		if safeerrors.Is(err, known.err) {
			return known.code
		}
	}
	return ""
}

// encodeError returns an error as it travels.
func (n *node) encodeError(err error) *wire.Error {
	e := &wire.Error{Node: n.system.Address()}
	if crash, ok := err.(*pending.PanicError); ok { //nolint:errorlint // That of another function is an error like any.
		e.Panicked = true
		e.Text = shorten(strings.TrimPrefix(textOf(crash.Error), "pending: panic: "), longestText)
		e.Stack = crash.Stack[:min(len(crash.Stack), longestStack)]
		return e
	}
	e.Text = shorten(textOf(err.Error), longestText)
	for _, c := range n.codes.all() {
		if safeerrors.Is(err, c.err) {
			e.Codes = append(e.Codes, clean(c.code))
		}
	}
	return e
}

// decodeError returns the error that has traveled.
func (n *node) decodeError(e *wire.Error) *RemoteError {
	r := &RemoteError{ // which is not to keep the batch that e came in
		Node: strings.Clone(clean(e.Node)), Text: strings.Clone(clean(e.Text)), Stack: slices.Clone(e.Stack),
		panicked: e.Panicked, notRun: e.NotRun, again: e.Again,
	}
	known := n.codes.all()
	var own, ours string // the first code that is known: of the program, and of this package
	for _, code := range e.Codes {
		r.Codes = append(r.Codes, strings.Clone(clean(code)))
		for _, c := range known {
			if c.code == code {
				r.matches = append(r.matches, c.err)
				if name, builtIn := strings.CutPrefix(c.code, "rpc."); builtIn {
					ours = cmp.Or(ours, name)
				} else {
					own = cmp.Or(own, c.code)
				}
			}
		}
	}
	r.name = cmp.Or(own, ours)
	if r.panicked {
		r.name = "panic"
	}
	return r
}

// textOf returns the text of a value of the user's, whose methods may panic.
func textOf(text func() string) (s string) {
	defer func() {
		if r := recover(); r != nil {
			s = "its text panicked"
		}
	}()
	return text()
}

// shorten returns at most so many bytes of a text.
func shorten(s string, longest int) string {
	if len(s) > longest {
		s = s[:longest] + "…"
	}
	return clean(s)
}

// clean makes a text one that protobuf takes.
func clean(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
