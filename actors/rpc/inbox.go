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
	room     []item[Resp]               // by position, as a ring
	consumed uint64                     // how many, which is the position of the next one
	granted  uint64                     // how many may come in all
	came     uint64                     // how many have
	beyond   uint64                     // the position after the last of those
	end      *early                     // an answer that came before items did
	over     bool                       // nothing comes any more
	err      error                      // why
	arrival  *pending.Pending[struct{}] // of the next item; nil while nobody waits
	waits    []pending.Option           // of arrivals
}

// item is one that has travelled, or one that had no need to.
type item[Resp any] struct {
	here    bool
	encoded *wire.Payload // nil for a value
	value   Resp
}

// early is an answer for which items are missing.
type early struct {
	answer *wire.Envelope
	items  uint64
}

func (b *inbox[Resp]) init(window int) {
	b.room = make([]item[Resp], window)
	b.granted = uint64(window) //nolint:gosec // It is positive.
	b.waits = []pending.Option{pending.Named("rpc.Stream")}
}

// put takes an item, in any order. One that comes twice is dropped. It returns the
// answer that has waited for that item, if it was the last one, and an error if
// there may be no such item.
func (b *inbox[Resp]) put(position uint64, it item[Resp]) (last *wire.Envelope, err error) {
	b.mu.Lock()
	arrival, last, err := b.add(position, it)
	b.mu.Unlock()
	if arrival != nil {
		arrival.SetResult(struct{}{})
	}
	return last, err
}

func (b *inbox[Resp]) add(
	position uint64, it item[Resp],
) (arrival *pending.Pending[struct{}], last *wire.Envelope, err error) {
	switch {
	case b.over, position < b.consumed:
		return nil, nil, nil
	case position >= b.granted:
		return nil, nil, fmt.Errorf("rpc: item %d of a stream that may have sent %d", position, b.granted)
	case b.end != nil && position >= b.end.items:
		return nil, nil, fmt.Errorf("rpc: item %d of a stream that has ended with %d", position, b.end.items)
	}
	place := b.at(position)
	if place.here {
		return nil, nil, nil
	}
	it.here = true
	*place = it
	b.came++
	b.beyond = max(b.beyond, position+1)
	if position == b.consumed {
		arrival, b.arrival = b.arrival, nil
	}
	if b.end != nil && b.came == b.end.items {
		last = b.end.answer
	}
	return arrival, last, nil
}

func (b *inbox[Resp]) at(position uint64) *item[Resp] { return &b.room[position%uint64(len(b.room))] }

// wait keeps the answer of a stream of so many items until they have all come, and
// reports whether it does. It returns an error if there cannot be so many.
func (b *inbox[Resp]) wait(answer *wire.Envelope, items uint64) (waits bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.over || items == b.came && items >= b.beyond:
		return false, nil
	case items < b.beyond || items > b.granted:
		return false, fmt.Errorf("rpc: the end of a stream with %d items, of which %d have come and %d may have been sent",
			items, b.came, b.granted)
	}
	b.end = &early{&wire.Envelope{
		Version: answer.GetVersion(), Generation: answer.GetGeneration(), Call: answer.GetCall(), Response: answer.GetResponse(),
	}, items}
	return true, nil
}

// finish has nothing come any more, because of err, or because that was all.
func (b *inbox[Resp]) finish(err error) {
	b.mu.Lock()
	if b.over {
		b.mu.Unlock()
		return
	}
	b.over, b.err, b.end = true, err, nil
	arrival := b.arrival
	b.arrival = nil
	b.mu.Unlock()
	if arrival != nil {
		arrival.SetResult(struct{}{})
	}
}

// next returns the next item, waiting for it with ctx, or false at the end of the
// stream, and why it has ended.
func (b *inbox[Resp]) next(ctx context.Context) (it item[Resp], ok bool, err error) {
	for {
		if ctx.Err() != nil {
			return it, false, ended(ctx)
		}
		it, arrival, err := b.remove(ctx)
		if arrival == nil {
			return it, it.here, err
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
func (b *inbox[Resp]) remove(ctx context.Context) (it item[Resp], arrival *pending.Pending[struct{}], err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	place := b.at(b.consumed)
	switch {
	case place.here:
		it, *place = *place, it
		b.consumed++
		return it, nil, nil
	case b.over:
		return it, nil, b.err
	default:
		b.arrival = pending.New[struct{}](ctx, b.waits...)
		return it, b.arrival, nil
	}
}

// grant returns how many items may come in all, now that those are consumed that
// were taken, and whether that is worth telling.
func (b *inbox[Resp]) grant() (granted uint64, tell bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	window := uint64(len(b.room))
	granted = b.consumed + window
	if b.over || b.end != nil || granted-b.granted < (window+1)/2 {
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
func (b *inbox[Resp]) receive(i *wire.Item, limit int) (last *wire.Envelope, err error) {
	if size := i.SizeVT(); size > limit {
		return nil, fmt.Errorf("%w: item with %d bytes, of which %d may be received", ErrTooLarge, size, limit)
	}
	value := i.GetValue()
	if value == nil {
		value = &wire.Payload{}
	}
	return b.put(i.GetPosition(), item[Resp]{encoded: value})
}
