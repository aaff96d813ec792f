package rpc

import (
	"context"
	"fmt"
	"sync"
	"unicode/utf8"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/served"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// functions are those that may be called on a node, by name.
type functions struct {
	mu     sync.RWMutex
	byName map[string]*function
}

// function is one of them.
type function struct {
	typed   any  // func(context.Context, Req) (Resp, error), or iter.Seq2[Resp, error] for the results
	streams bool // its results, so that it needs a sink for them
	options []pending.Option
	codeOf  func(error) string                                                // for the spans of calls by other nodes
	encoded func(context.Context, *wire.Payload, sink) (*wire.Payload, error) // nil for that of Inspectable
}

// Handle registers fn as the function of that name. This node and others can call it on
// the callers of the system. It runs on the turn of the caller that the call is for. Its
// context ends with the call, and [actors.Current] finds that caller in it.
//
// Req and Resp are messages of protobuf, as pointers, or what the codec takes: by default
// whatever encoding/json does. The result is encoded on the turn, so it may point to the
// caller's state.
//
// It is an error if the name is empty or taken, or fn is nil. It may be called from any
// goroutine.
func Handle[Req, Resp any](
	system *actor.ActorSystem, name string, fn func(context.Context, Req) (Resp, error),
) error {
	if name == "" || fn == nil {
		return fmt.Errorf("rpc: handle %q: there is no name or no function", name)
	}
	n := nodeOf(system)
	return n.functions.add(name, n.codes.of, &function{typed: fn, encoded: func(
		ctx context.Context, argument *wire.Payload, _ sink,
	) (*wire.Payload, error) {
		req, err := decode[Req](n.config.Load(), argument)
		argument.Free()
		if err != nil {
			return nil, err
		}
		resp, err := fn(ctx, req)
		if err != nil {
			return nil, err
		}
		return n.config.Load().encode(resp)
	}})
}

// add adds a function. The codes of its errors are those of codeOf.
func (f *functions) add(name string, codeOf func(error) string, fn *function) error {
	if !utf8.ValidString(name) {
		return fmt.Errorf("rpc: handle %q: the name is not valid UTF-8", name)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byName[name] != nil || name == opinionsFunction {
		return fmt.Errorf("rpc: handle %q: the name is taken", name)
	}
	if f.byName == nil {
		f.byName = make(map[string]*function)
	}
	fn.codeOf, fn.options = codeOf, []pending.Option{pending.Named(name), future.ImplementedBy(fn.typed)}
	f.byName[name] = fn
	return nil
}

// servedBy returns ctx for a call of the function by another node.
func (f *function) servedBy(ctx context.Context) context.Context {
	return &served.Context{Context: ctx, CodeOf: f.codeOf, Options: f.options}
}

// find returns an error that matches [ErrUnknownFunction] if there is no function
// of that name which streams, or does not.
func (f *functions) find(name string, streams bool) (*function, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	fn := f.byName[name]
	switch {
	case fn == nil, fn.encoded == nil:
		return nil, fmt.Errorf("%w: %q", ErrUnknownFunction, name)
	case fn.streams && !streams:
		return nil, fmt.Errorf("%w: %q is not for Call: it streams its results", ErrUnknownFunction, name)
	case streams && !fn.streams:
		return nil, fmt.Errorf("%w: %q is not for Stream: it has one result", ErrUnknownFunction, name)
	default:
		return fn, nil
	}
}

// isInspectable reports whether [Inspectable] has added its function.
func (f *functions) isInspectable() bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	fn := f.byName[inspectFunction]
	return fn != nil && fn.encoded == nil
}
