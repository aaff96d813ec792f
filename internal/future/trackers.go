package future

import "context"

// Tracker sees the pendings made by calls under a context that carries it.
type Tracker interface {
	// Track is called with each pending before its function can run, on the goroutine that
	// made the pending.
	Track(c *Core)
}

// Trackers is the list of trackers in a context.
type Trackers struct {
	Tracker
	Next *Trackers
}

type trackersKey struct{}

// trackersContext carries trackers. It is a type of its own for the same reason
// as turnContext.
type trackersContext struct {
	context.Context
	trackers *Trackers
}

// Value implements [context.Context].
func (c *trackersContext) Value(key any) any {
	if key == (trackersKey{}) {
		return c.trackers
	}
	return c.Context.Value(key)
}

// WithTrackers returns a copy of ctx whose trackers are those of the list.
func WithTrackers(ctx context.Context, list *Trackers) context.Context {
	if c, ok := ctx.(*trackersContext); ok {
		ctx = c.Context
	}
	return &trackersContext{ctx, list}
}

// TrackersOf returns the trackers of ctx, or nil.
func TrackersOf(ctx context.Context) *Trackers {
	list, _ := ctx.Value(trackersKey{}).(*Trackers)
	return list
}

// Keep returns the trackers that meet the condition.
func (l *Trackers) Keep(condition func(Tracker) bool) *Trackers {
	if l == nil {
		return nil
	}
	rest := l.Next.Keep(condition)
	switch {
	case !condition(l.Tracker):
		return rest
	case rest == l.Next:
		return l
	default:
		return &Trackers{l.Tracker, rest}
	}
}

// add adds a pending to all trackers of the list.
func (l *Trackers) add(c *Core) {
	for ; l != nil; l = l.Next {
		l.Track(c)
	}
}
