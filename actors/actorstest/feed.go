package actorstest

import (
	"context"
	"slices"
	"sync"
)

// feed keeps items in order until they are taken. Its zero value is empty.
type feed[T any] struct {
	mu    sync.Mutex
	items []T
	more  chan struct{} // closed when something comes, nil if nobody waits for it
}

func (f *feed[T]) add(item T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.items = append(f.items, item)
	if f.more != nil {
		close(f.more)
		f.more = nil
	}
}

// take waits for the first item that is wanted, removes it and returns it. The
// error is the cause of the end of ctx.
func (f *feed[T]) take(ctx context.Context, wanted func(T) bool) (T, error) {
	for {
		item, more := f.try(wanted)
		if more == nil {
			return item, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return item, context.Cause(ctx)
		}
	}
}

// try removes and returns the first item that is wanted. If there is none it
// returns a channel, which is closed when an item is added.
func (f *feed[T]) try(wanted func(T) bool) (item T, more <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := slices.IndexFunc(f.items, wanted); i >= 0 {
		item = f.items[i]
		f.items = slices.Delete(f.items, i, i+1)
		return item, nil
	}
	if f.more == nil {
		f.more = make(chan struct{})
	}
	return item, f.more
}

// left returns what was not taken.
func (f *feed[T]) left() []T {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.items)
}
