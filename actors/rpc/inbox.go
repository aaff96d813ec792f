package rpc

import (
	"context"
	"fmt"
	"sync"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// inbox holds the items of a stream that have come and are not consumed. It has
// room for those of one window.
type inbox[Resp any] struct {
	mu       sync.Mutex
	items    []item[Resp]               // that are not consumed, in order
	window   uint64                     // how many may be there
	consumed uint64                     // how many
	granted  uint64                     // how many may come in all
	came     uint64                     // how many have
	over     bool                       // nothing comes any more
	err      error                      // why
	arrival  *pending.Pending[struct{}] // of the next item; nil while nobody waits
	waits    []pending.Option           // of arrivals
}

// item is one that has traveled, or one that had no need to.
type item[Resp any] struct {
	encoded *wire.Payload // nil for a value
	value   Resp
}

func (b *inbox[Resp]) init(window int) {
	b.window = uint64(window) //nolint:gosec // It is positive.
	b.granted = b.window
	b.waits = []pending.Option{pending.Named("rpc.Stream")}
}

// put takes the next item, or returns an error if there may be none.
func (b *inbox[Resp]) put(it item[Resp]) error {
	b.mu.Lock()
	arrival, err := b.add(it)
	b.mu.Unlock()
	if arrival != nil {
		arrival.SetResult(struct{}{})
	}
	return err
}

func (b *inbox[Resp]) add(it item[Resp]) (arrival *pending.Pending[struct{}], err error) {
	switch {
	case b.over:
		return nil, nil
	case b.came >= b.granted:
		return nil, fmt.Errorf("rpc: item %d of a stream that may have sent %d", b.came, b.granted)
	}
	b.items = append(b.items, it)
	b.came++
	arrival, b.arrival = b.arrival, nil
	return arrival, nil
}

// finish has nothing come any more, because of err, or because that was all.
func (b *inbox[Resp]) finish(err error) {
	b.mu.Lock()
	if b.over {
		b.mu.Unlock()
		return
	}
	b.over, b.err = true, err
	arrival := b.arrival
	b.arrival = nil
	b.mu.Unlock()
	if arrival != nil {
		arrival.SetResult(struct{}{})
	}
}

// next returns the next item, and waits for it with ctx. At the end of the stream
// it returns false, and why the stream has ended.
func (b *inbox[Resp]) next(ctx context.Context) (it item[Resp], ok bool, err error) {
	for {
		if ctx.Err() != nil {
			return it, false, ended(ctx)
		}
		it, ok, arrival, err := b.remove(ctx)
		if arrival == nil {
			return it, ok, err
		}
		if _, err := arrival.Wait(ctx); err != nil && ctx.Err() == nil {
			return it, false, err
		}
	}
}

// ended returns the error of a stream whose context has ended.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if err == cause { //nolint:errorlint // It is the same one if there is no other cause.
		return fmt.Errorf("rpc: the context of the stream has ended: %w", err)
	}
	return fmt.Errorf("rpc: the context of the stream has ended: %w: %w", err, cause)
}

// remove returns the next item, or what is done when there is one, or neither at
// the end.
func (b *inbox[Resp]) remove(
	ctx context.Context,
) (it item[Resp], ok bool, arrival *pending.Pending[struct{}], err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case len(b.items) > 0:
		it, b.items[0] = b.items[0], it
		if b.items = b.items[1:]; len(b.items) == 0 {
			b.items = nil
		}
		b.consumed++
		return it, true, nil, nil
	case b.over:
		return it, false, nil, b.err
	default:
		b.arrival = pending.New[struct{}](ctx, b.waits...)
		return it, false, b.arrival, nil
	}
}

// grant returns how many items may come in all: those that were consumed, and a
// window. It reports whether the function should be notified.
func (b *inbox[Resp]) grant() (granted uint64, notify bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	granted = b.consumed + b.window
	if b.over || granted-b.granted < (b.window+1)/2 {
		return 0, false
	}
	b.granted = granted
	return granted, true
}

// started reports whether items have come, so that the function has run.
func (b *inbox[Resp]) started() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.came > 0
}

// receive implements [collector].
func (b *inbox[Resp]) receive(value *wire.Payload, limit int) error {
	if size := value.Size(); size > limit {
		return fmt.Errorf("%w: item with %d bytes, of which %d may be received", ErrTooLarge, size, limit)
	}
	return b.put(item[Resp]{encoded: value})
}
