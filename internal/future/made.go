package future

import (
	"context"
	"maps"
	"runtime"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

// recording is how many tests want to know where pendings without a function are made.
var recording atomic.Int32

// RecordMade has pendings without a function note where they are made, from now on or not any
// more. Each test that wants it says both, one after the other.
func RecordMade(on bool) {
	if on {
		recording.Add(1)
	} else {
		recording.Add(-1)
	}
}

// stacks are those with which pendings were made, as a test wants to know. They are not part
// of the details of a pending, which would be larger.
var stacks struct {
	mu     sync.Mutex
	of     map[weak.Pointer[Core]][]uintptr
	tidyAt int // how many are too many
}

// How much is noted: so many frames of a stack, and so many stacks before it is worth a look
// which pendings were collected.
const (
	mostFrames = 16
	fewStacks  = 1000
)

// noteMade notes where the pending is made. The recorder of the function that makes it, if
// there is one, learns of it.
func (c *Core) noteMade(ctx context.Context) {
	stack := make([]uintptr, mostFrames)
	stack = stack[:runtime.Callers(3, stack)]
	c.mu.Lock()
	c.ensureDetails().noted = true
	c.mu.Unlock()
	noteStack(c, stack)
	if own := running(ctx); own != nil {
		if r := steps.RecorderOf(own.runner); r != nil {
			r.Made(c)
		}
	}
}

func noteStack(c *Core, stack []uintptr) {
	stacks.mu.Lock()
	defer stacks.mu.Unlock()
	if len(stacks.of) >= stacks.tidyAt {
		maps.DeleteFunc(stacks.of, func(c weak.Pointer[Core], _ []uintptr) bool { return c.Value() == nil })
		stacks.tidyAt = max(fewStacks, 2*len(stacks.of))
	}
	if stacks.of == nil {
		stacks.of = make(map[weak.Pointer[Core]][]uintptr)
	}
	stacks.of[weak.Make(c)] = stack
}

// noteEnder notes that the program cancels the pending, or tries to complete it when it is
// done. mu must be held.
func (c *Core) noteEnder() {
	if c.details != nil && c.details.noted {
		c.details.hasEnder = true
	}
}

func (c *Core) noteCancel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.noteEnder()
}

// Made returns the stack with which a pending without a function was made, if that was
// noted.
func Made(c *Core) []uintptr {
	stacks.mu.Lock()
	defer stacks.mu.Unlock()
	return stacks.of[weak.Make(c)]
}

// IsForgotten reports whether the program has not completed or cancelled a pending without a
// function, nor tried to. The pending may be cancelled nevertheless, by its context or because
// a wait for it has ended.
func IsForgotten(c *Core) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.details != nil && c.details.hasEnder {
		return false
	}
	return !c.is(flagDone) || c.is(flagCancelled)
}

// IsAwaited reports whether something waits for a pending that goes on: neither the pending
// nor its context has ended.
func IsAwaited(c *Core) bool {
	if c.ctx.Err() != nil || c.is(flagDone) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiters.first != nil
}
