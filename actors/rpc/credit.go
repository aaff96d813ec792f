package rpc

import (
	"context"
	"errors"
	"sync"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// errClosed is why nothing is sent after the end of a stream.
var errClosed = errors.New("rpc: the stream has ended")

// credit is how many items the function of a stream may send.
type credit struct {
	window uint64

	mu      sync.Mutex
	sent    uint64
	granted uint64                     // of all items, those sent included
	more    *pending.Pending[struct{}] // done with the next grant; nil while nobody waits
	waits   []pending.Option           // of that
	closed  bool
}

func (c *credit) init(window uint32) {
	c.window = min(uint64(window), LargestWindow)
	c.granted = c.window
	c.waits = []pending.Option{pending.Named("rpc.Credit")}
}

// take counts an item that may be sent. Until one may, it waits with ctx, and gives away
// the turn that this holds, and the worker.
func (c *credit) take(ctx context.Context) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		more, err := c.next(ctx)
		if more == nil {
			return err
		}
		if err := waitAway(ctx, more); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// waitAway waits with ctx. A worker whose function this is runs others meanwhile.
func waitAway(ctx context.Context, p *pending.Pending[struct{}]) error {
	if t, ok := future.TurnOf(ctx).(*sched.Task); ok {
		defer t.LendWorker()()
	}
	_, err := p.Wait(ctx)
	return err
}

// next counts the next item, or returns what is done when there may be one.
func (c *credit) next(ctx context.Context) (more *pending.Pending[struct{}], err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, errClosed
	case c.sent < c.granted:
		c.sent++
		return nil, nil
	default:
		c.more = pending.New[struct{}](ctx, c.waits...)
		return c.more, nil
	}
}

// grant lets so many items be sent in all, but no more than the window beyond those
// that were: whoever grants more has not consumed them.
func (c *credit) grant(items uint64) {
	c.mu.Lock()
	c.granted = max(c.granted, min(items, c.sent+c.window))
	var more *pending.Pending[struct{}]
	if c.sent < c.granted {
		more, c.more = c.more, nil
	}
	c.mu.Unlock()
	if more != nil {
		more.SetResult(struct{}{})
	}
}

// close has nothing sent any more.
func (c *credit) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}
