package rpc

import (
	"fmt"
	"sync/atomic"

	"github.com/seed-7fcaac1b/protocaller/actors"
)

// budget is how many bytes the arguments have of calls that are not done.
type budget struct{ bytes atomic.Int64 }

// take adds those of a call, unless they are more than the limit with those of
// others: one call alone may always be made.
func (b *budget) take(bytes, limit int) error {
	all := b.bytes.Add(int64(bytes))
	if all > int64(limit) && all > int64(bytes) {
		b.give(bytes)
		return fmt.Errorf("%w: the arguments of calls that are not done have %d bytes, with this one, of which there may be %d",
			actors.ErrOverloaded, all, limit)
	}
	return nil
}

// give takes those of a call off, which is done.
func (b *budget) give(bytes int) { b.bytes.Add(-int64(bytes)) }

func (b *budget) stats() int { return int(b.bytes.Load()) }
