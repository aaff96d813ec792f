package pending

import (
	"context"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// until says when WaitAll may return.
type until uint8

const (
	untilAll until = iota
	untilFirst
	untilError
)

// FirstCompleted makes [WaitAll] return when one pending is done.
func FirstCompleted() WaitOption { return WaitOption{until: untilFirst} }

// FirstError makes [WaitAll] return when one pending has failed or was
// cancelled, or all are done.
func FirstError() WaitOption { return WaitOption{until: untilError} }

// AllCompleted makes [WaitAll] return when all pendings are done, which is the
// default.
func AllCompleted() WaitOption { return WaitOption{} }

// WaitAll waits until all pendings are done, or, with an option, until the first is done
// or has failed. It returns the done pendings and the others, each in the order of items.
// It cancels none of them.
//
// In a caller's function it gives the turn away. Elsewhere it blocks the goroutine.
//
// The end of ctx is an error. The end of a [Timeout] is none. With [Shield] the wait goes
// on when ctx ends. If items contains the pending whose function waits, or the wait could
// never end, the error matches [ErrDeadlock]. With [FirstCompleted] or [FirstError] one
// pending that can be done is enough, otherwise all must be.
func WaitAll[H Handle](ctx context.Context, items []H, opts ...WaitOption) (done, notDone []H, err error) {
	requireContext(ctx, "WaitAll")
	requirePendings(items, "WaitAll")
	o := joinOptions(opts)
	if o.wait.Shield {
		ctx = context.WithoutCancel(ctx)
	}
	if o.wait.Limited {
		limited, cancel := context.WithTimeout(ctx, o.wait.Timeout)
		defer cancel()
		defer func(outer context.Context) {
			if outer.Err() == nil && future.IsEnded(err) {
				err = nil
			}
		}(ctx)
		ctx = limited
	}
	c := set[H]{future.NewSet[H](ctx)}
	c.All, c.Bounded = o.until == untilAll, o.wait.Limited
	defer c.Leave()
	for _, h := range items {
		if err := c.Add(h); err != nil {
			return nil, items, err
		}
	}
	finished, err := c.collect(o.until)
	done, notDone = split(items, finished)
	return done, notDone, err
}

// set collects pendings.
type set[H Handle] struct{ *future.Set[H] }

// collect waits until enough pendings are done and returns them. It returns all
// pendings that are done at the start. After that it stops at the first pending
// that is enough.
func (c set[H]) collect(u until) (map[Handle]bool, error) {
	finished := make(map[Handle]bool)
	enough := false
	for fromTheStart := true; ; fromTheStart = false {
		for h, ok := c.Next(); ok; h, ok = c.Next() {
			finished[h] = true
			enough = enough || u == untilFirst || u == untilError && h.Err() != nil
			if enough && !fromTheStart {
				return finished, nil
			}
		}
		if c.Len() == 0 || enough {
			return finished, nil
		}
		if err := c.Wait(); err != nil {
			for h, ok := c.Next(); ok; h, ok = c.Next() {
				finished[h] = true
			}
			return finished, err
		}
	}
}

// split divides items into the finished pendings and the others.
func split[H Handle](items []H, finished map[Handle]bool) (done, notDone []H) {
	for _, h := range items {
		if finished[h] {
			done = append(done, h)
		} else {
			notDone = append(notDone, h)
		}
	}
	return done, notDone
}
