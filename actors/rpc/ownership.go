package rpc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// renewals is how often a lease is renewed while it lasts. retries is how often each
	// renewal is tried if it fails.
	renewals, retries = 3, 10
	// marginOf is the part of a lease that a node does not use, since clocks differ in pace.
	marginOf = 10
	// storePause is the first pause before the store is asked again, which doubles up to
	// longestStorePause.
	storePause        = 20 * time.Millisecond
	longestStorePause = 250 * time.Millisecond
	// releaseTimeout is how long it is tried to make an identity free. Its lease ends anyway.
	releaseTimeout = 5 * time.Second
)

// errLeaseOver is why an identity ends whose lease was not renewed in time.
var errLeaseOver = fmt.Errorf("%w: it was not renewed in time", ErrLeaseLost)

// ownership is what a node owns by an [OwnerStore].
type ownership struct {
	granting sync.Mutex // held while a lease is granted

	mu        sync.Mutex
	lease     *lease        // nil until it is needed
	owners    uint64        // that have been named
	releasing int           // identities
	released  chan struct{} // closed when there are none; nil if nobody waits for it
}

// lease is one that a node has.
type lease struct {
	store OwnerStore
	name  string
	lasts time.Duration

	mu    sync.Mutex
	until time.Time // after which nothing is owned, by the clock of the node
	over  bool
	holds map[*hold]struct{}
	timer *time.Timer
	life  context.Context // ends with the lease
	end   context.CancelCauseFunc
}

// hold is that an activation owns its identity.
type hold struct {
	owned *ownership
	lease *lease
	by    *activation
	fence uint64
}

// take makes an activation the owner of its identity. It waits until that is free.
func (o *ownership) take(ctx context.Context, store OwnerStore, a *activation) (*hold, error) {
	owner := o.name(a)
	var last error
	var unsure *lease // of an attempt that may have succeeded
	for pause := storePause; ; pause = min(2*pause, longestStorePause) {
		h, l, err := o.tryTake(ctx, store, a, owner)
		if err == nil {
			return h, nil
		}
		unsure = cmp.Or(l, unsure)
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			if unsure != nil {
				o.disown(unsure, a, owner)
			}
			return nil, fmt.Errorf("it does not become this node's: %w", cmp.Or(last, err))
		}
	}
}

// name returns a name that no other activation has.
func (o *ownership) name(a *activation) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.owners++
	n := a.kind.node
	return fmt.Sprintf("%s %x/%d", n.system.Address(), n.incarnation, o.owners)
}

// tryTake is one attempt of take. With an error it may return the lease: whether that has the
// identity is not known then.
func (o *ownership) tryTake(
	ctx context.Context, store OwnerStore, a *activation, owner string,
) (h *hold, unsure *lease, err error) {
	l, err := o.current(ctx, store, a.kind.node)
	if err != nil {
		return nil, nil, err
	}
	h = &hold{owned: o, lease: l, by: a}
	h.fence, err = store.Take(ctx, a.String(), owner, l.name)
	switch {
	case errors.Is(err, ErrOwned):
		return nil, nil, err
	case errors.Is(err, ErrLeaseLost):
		l.lose(err)
		return nil, nil, err
	case err != nil:
		return nil, l, err
	case !l.add(h):
		return nil, nil, errLeaseOver
	}
	return h, nil, nil
}

// disown makes an identity free if an attempt has taken it whose answer did not come. The
// lease would keep it for as long as the node lives.
func (o *ownership) disown(l *lease, a *activation, owner string) {
	o.begin()
	go func() {
		defer o.done()
		for pause := storePause; l.isValid(); pause = min(2*pause, longestStorePause) {
			fence, err := l.takeAgain(a, owner)
			switch {
			case err == nil:
				(&hold{owned: o, lease: l, by: a, fence: fence}).release()
				return
			case errors.Is(err, ErrOwned), errors.Is(err, ErrLeaseLost):
				return
			}
			select {
			case <-time.After(pause):
			case <-l.life.Done():
			}
		}
	}()
}

// takeAgain repeats an attempt of take.
func (l *lease) takeAgain(a *activation, owner string) (fence uint64, err error) {
	ctx, cancel := context.WithTimeout(l.life, releaseTimeout)
	defer cancel()
	if panicked := guarded(func() { fence, err = l.store.Take(ctx, a.String(), owner, l.name) }); panicked != nil {
		return 0, panicked
	}
	return fence, err
}

// current returns the lease of the node, which is granted if there is none.
func (o *ownership) current(ctx context.Context, store OwnerStore, n *node) (*lease, error) {
	o.granting.Lock()
	defer o.granting.Unlock()
	o.mu.Lock()
	l := o.lease
	o.mu.Unlock()
	if l != nil && l.store == store && l.isValid() {
		return l, nil
	}
	asked := time.Now()
	name, lasts, err := store.Grant(ctx)
	if err != nil {
		return nil, fmt.Errorf("rpc: no lease: %w", err)
	}
	if lasts <= 0 {
		return nil, fmt.Errorf("rpc: no lease: it lasts for %v", lasts)
	}
	l = &lease{store: store, name: name, lasts: lasts, until: asked.Add(lasts - lasts/marginOf), holds: make(map[*hold]struct{})}
	l.life, l.end = context.WithCancelCause(context.Background())
	l.mu.Lock()
	l.timer = time.AfterFunc(time.Until(l.until), l.expire)
	l.mu.Unlock()
	o.mu.Lock()
	o.lease = l
	o.mu.Unlock()
	go l.renew(n)
	return l, nil
}

// renew renews the lease until it is over, or the node is no member any more.
func (l *lease) renew(n *node) {
	life := n.alive()
	failed := false
	for pause := l.lasts / renewals; ; {
		select {
		case <-life.Done():
			l.lose(context.Cause(life))
			return
		case <-l.life.Done():
			return
		case <-time.After(pause):
		}
		asked := time.Now()
		var err error
		if panicked := guarded(func() { err = l.store.Renew(l.life, l.name) }); panicked != nil {
			err = panicked
		}
		switch {
		case err == nil:
			l.extend(asked)
			pause, failed = l.lasts/renewals, false
			continue
		case errors.Is(err, ErrLeaseLost):
			l.lose(err)
			return
		}
		pause = l.lasts / (renewals * retries)
		if !failed && l.life.Err() == nil {
			n.log().Warn("rpc: lease not renewed", slog.String("lease", l.name), slog.Any("error", err))
		}
		failed = true
	}
}

// extend has the lease last anew, from when that was asked for: the store has heard of it
// later.
func (l *lease) extend(asked time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return
	}
	l.until = asked.Add(l.lasts - l.lasts/marginOf)
	l.timer.Reset(time.Until(l.until))
}

// isValid reports whether what it has taken is owned still.
func (l *lease) isValid() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.over && time.Now().Before(l.until)
}

// expire ends the lease if it is over, by the clock of the node.
func (l *lease) expire() {
	if !l.isValid() {
		l.lose(errLeaseOver)
	}
}

// lose ends the lease, and the identities that were owned by it.
func (l *lease) lose(why error) {
	l.mu.Lock()
	if l.over {
		l.mu.Unlock()
		return
	}
	l.over = true
	holds := l.holds
	l.holds = nil
	l.timer.Stop()
	l.mu.Unlock()
	l.end(why)
	for h := range holds {
		h.by.lose(why)
	}
}

// add has the lease end an identity. It reports whether it lasts.
func (l *lease) add(h *hold) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over || !time.Now().Before(l.until) {
		return false
	}
	l.holds[h] = struct{}{}
	return true
}

// bound returns a context that ends when the identity is lost. That of no hold is ctx.
func (h *hold) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if h == nil {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(h.lease.life, func() { cancel(context.Cause(h.lease.life)) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// release makes the identity free, without waiting for that.
func (h *hold) release() {
	h.lease.remove(h)
	h.owned.begin()
	go func() {
		defer h.owned.done()
		ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
		defer cancel()
		var err error
		if panicked := guarded(func() { err = h.lease.store.Release(ctx, h.by.String(), h.fence) }); panicked != nil {
			err = panicked
		}
		if err != nil {
			h.by.kind.node.log().Warn("rpc: identity not released, its lease will end",
				slog.String("identity", h.by.String()), slog.Any("error", err))
		}
	}()
}

func (l *lease) remove(h *hold) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.holds, h)
}

// begin counts an identity that is released, until done is called.
func (o *ownership) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.releasing++
}

func (o *ownership) done() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.releasing--
	if o.releasing == 0 && o.released != nil {
		close(o.released)
		o.released = nil
	}
}

// settle waits until what has ended is released, no longer than ctx lasts.
func (o *ownership) settle(ctx context.Context) {
	o.mu.Lock()
	if o.releasing == 0 {
		o.mu.Unlock()
		return
	}
	if o.released == nil {
		o.released = make(chan struct{})
	}
	released := o.released
	o.mu.Unlock()
	select {
	case <-released:
	case <-ctx.Done():
	}
}
