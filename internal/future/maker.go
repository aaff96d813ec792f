package future

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
)

// noteMaker notes whose function makes the pending, with ctx. It is called while somebody
// looks at calls, and before the pending is published. A reference to the maker would keep
// a chain of calls that make each other.
func (c *Core) noteMaker(ctx context.Context) {
	by := running(ctx)
	if by == nil {
		return
	}
	m := &snapshot.Maker{Call: by.ID(), Name: by.Name()}
	if on, ok := by.runner.(interface{ CallerName() string }); ok {
		m.Caller = on.CallerName()
	}
	c.ensureDetails().maker = m
}

// MakerOf returns the call that has made a pending, or nil if that is not known.
func MakerOf(c *Core) *snapshot.Maker {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.details == nil {
		return nil
	}
	return c.details.maker
}
