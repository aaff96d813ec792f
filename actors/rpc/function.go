package rpc

import (
	"context"
	"fmt"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// functions are those that may be called on a node, by name.
type functions struct {
	mu     sync.RWMutex
	byName map[string]*function
}

// function is one of them.
type function struct {
	typed   any // func(context.Context, Req) (Resp, error)
	encoded func(context.Context, *wire.Payload) (*wire.Payload, error)
}

// Handle has fn called when another node, or this one, calls a function of that
// name on a caller of the system. It runs as a function on the turn of the caller
// that the call is for, with a context that ends with the call, and in which
// [actors.Current] finds that caller. It is an error if the name is empty or
// taken, or fn is nil. It may be called from any goroutine.
//
// Req and Resp are messages of protobuf, as pointers, or what the codec takes: by
// default whatever encoding/json does. The result is encoded on the turn, so that
// it may point to the caller's state.
func Handle[Req, Resp any](
	system *actor.ActorSystem, name string, fn func(context.Context, Req) (Resp, error),
) error {
	if name == "" || fn == nil {
		return fmt.Errorf("rpc: handle %q: there is no name or no function", name)
	}
	n := nodeOf(system)
	return n.functions.add(name, &function{typed: fn, encoded: func(
		ctx context.Context, argument *wire.Payload,
	) (*wire.Payload, error) {
		req, err := decode[Req](n.config.Load(), argument)
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

func (f *functions) add(name string, fn *function) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byName[name] != nil {
		return fmt.Errorf("rpc: handle %q: the name is taken", name)
	}
	if f.byName == nil {
		f.byName = make(map[string]*function)
	}
	f.byName[name] = fn
	return nil
}

// find returns an error that matches [ErrUnknownFunction] if there is no function
// of that name.
func (f *functions) find(name string) (*function, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if fn := f.byName[name]; fn != nil {
		return fn, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrUnknownFunction, name)
}
