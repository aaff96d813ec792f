package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/internal/stopping"
	"github.com/seed-7fcaac1b/protocaller/internal/safelog"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// activation is the actor of an identity while it is alive on this node. All of it
// but what is said below is the turn's.
type activation struct {
	kind   *kind
	id     string
	caller *actors.Caller
	state  any
	failed error // why there is no state
	hold   *hold // that the identity is this node's; nil without [SingleOwner]

	timer *time.Timer
	place *time.Timer // of watchPlace; nil without a hold
	made  time.Time
	used  atomic.Int64 // when, in nanoseconds since made, whatever the clock is set to; from any goroutine
	// leaving says that the end is an ordinary one; from any goroutine.
	leaving atomic.Bool
	// lost is why this node may not have the identity any more; from any goroutine.
	lost atomic.Pointer[error]
}

// Receive implements [actor.Actor].
func (a *activation) Receive(ctx actor.Context) {
	switch message := ctx.Message().(type) {
	case *cluster.ClusterInit:
		a.begin(ctx, message.Identity.GetIdentity())
	case *actor.Restarting:
		a.end()
	case *actor.Stopping:
		a.save()
	case *actor.Stopped:
		a.end()
	}
}

// begin makes the state.
func (a *activation) begin(ctx actor.Context, id string) {
	a.id = id
	a.caller, _ = actors.Of(ctx)
	a.kind.node.activations.add(a)
	if err := a.kind.node.refusesIdentities(); err != nil {
		a.failed = err
		a.leave()
		return
	}
	if a.state, a.failed = a.newState(); a.failed != nil {
		if err := a.kind.node.refusesIdentities(); err != nil {
			a.failed = err // so that the calls go to another node
		}
		safelog.Wrap(a.caller.Logger()).Warn("rpc: identity has no state", slog.String("identity", a.String()), slog.Any("error", a.failed))
		a.timer = time.AfterFunc(activationTimeout, a.step("leaves", a.leave)) // if no call comes that could be told
		return
	}
	a.touch()
	if a.hold != nil {
		a.watchPlace()
	}
	if a.kind.idle > 0 {
		a.timer = time.AfterFunc(math.MaxInt64, a.step("may be passivated", a.passivate))
		a.timer.Reset(a.kind.idle) // which passivate does as well, so that it must be set
	}
}

// giveUp ends an activation that has no state, as a call has been told. Those that
// have come until now are told too; those that come later go to the next one.
func (a *activation) giveUp() {
	if a.leaving.Load() {
		return
	}
	a.leaving.Store(true)
	_ = actors.Schedule(a.kind.node.alive(), a.caller, func(context.Context) (struct{}, error) {
		a.failed = fmt.Errorf("rpc: %s ends: %w", a, pending.ErrStopped)
		return struct{}{}, nil
	})
	a.leave()
}

func (a *activation) newState() (state any, err error) {
	returned := false
	defer func() {
		if r := recover(); r != nil {
			crash := &pending.PanicError{Value: r, Stack: debug.Stack()}
			safelog.Wrap(a.caller.Logger()).Error("rpc: state was not made", slog.String("identity", a.String()), slog.Any("error", crash),
				slog.String("stack", string(crash.Stack)))
			err = crash
		} else if !returned {
			err = errors.New("its function called runtime.Goexit")
		}
		if err != nil {
			err = fmt.Errorf("%w of %s: %w", ErrActivation, a, err)
		}
	}()
	ctx := context.WithValue(a.kind.node.alive(), activationKey{}, a)
	if err = a.own(ctx); err == nil {
		ctx, cancel := a.hold.bound(ctx)
		defer cancel()
		state, err = a.kind.make(ctx, a.id)
	}
	returned = true
	return state, err
}

// own makes the identity this node's, if there is a store that says whose it is.
func (a *activation) own(ctx context.Context) (err error) {
	store := a.kind.node.config.Load().owners
	if store == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, activationTimeout)
	defer cancel()
	a.hold, err = a.kind.node.ownership.take(ctx, store, a)
	return err
}

// lose ends an identity that this node may not have any more, at once and without a save.
func (a *activation) lose(why error) {
	if a.lost.CompareAndSwap(nil, &why) {
		a.caller.Stop(actors.Force(), stopping.Because(why))
	}
}

// lostFor returns why this node may not have the identity any more, nil if it may.
func (a *activation) lostFor() error {
	if why := a.lost.Load(); why != nil {
		return *why
	}
	if a.hold == nil || a.hold.lease.isValid() {
		return nil
	}
	go a.lose(errLeaseOver) // not on a turn: the stop may call callbacks of the user's
	return errLeaseOver
}

// String returns the kind and the identity.
func (a *activation) String() string { return a.kind.name + "/" + a.id }

// is reports whether the activation is that of an identity of a kind, as by String. A
// nil one is none.
func (a *activation) is(identity string) bool {
	kind, id, _ := strings.Cut(identity, "/")
	return a != nil && a.kind.name == kind && a.id == id
}

// touch notes that the caller is used.
func (a *activation) touch() { a.used.Store(int64(time.Since(a.made))) }

// passivate ends the activation if it has not been used for long enough.
func (a *activation) passivate() {
	unused := time.Since(a.made) - time.Duration(a.used.Load())
	switch {
	case a.caller.State() >= actors.StateStopping:
	case !a.caller.Idle():
		a.timer.Reset(a.kind.idle)
	case unused < a.kind.idle:
		a.timer.Reset(a.kind.idle - unused)
	default:
		a.leave()
	}
}

// leave has what was accepted finish and the caller stop, without waiting for it.
func (a *activation) leave() {
	a.leaving.Store(true) // now, or a stop that comes before the drain would not save
	go a.step("leaves", func() { _ = a.drain(a.kind.node.alive()) })()
}

// step returns fn for a goroutine of its own.
func (a *activation) step(what string, fn func()) func() {
	return steps.Before(a.kind.node.steps(), a, what, fn)
}

// StepName names the identity in a list of steps.
func (a *activation) StepName() string { return a.String() }

// drain has what was accepted finish, and the caller stop, in an orderly way.
func (a *activation) drain(ctx context.Context) error {
	a.leaving.Store(true)
	return a.caller.Drain(ctx)
}

// save hands the state to the user, as the last thing.
func (a *activation) save() {
	if a.kind.save == nil || a.failed != nil || !a.leaving.Load() || a.lostFor() != nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			crash := &pending.PanicError{Value: r, Stack: debug.Stack()}
			a.notSaved(crash, slog.String("stack", string(crash.Stack)))
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), activationKey{}, a), activationTimeout)
	defer cancel()
	if err := a.kind.save(ctx, a.id, a.state); err != nil {
		a.notSaved(err)
	}
}

func (a *activation) notSaved(err error, more ...slog.Attr) {
	attrs := append([]slog.Attr{slog.String("identity", a.String()), slog.Any("error", err)}, more...)
	safelog.Wrap(a.caller.Logger()).LogAttrs(context.Background(), slog.LevelError, "rpc: state was not saved", attrs...)
}

func (a *activation) end() {
	if a.timer != nil {
		a.timer.Stop()
	}
	if a.place != nil {
		a.place.Stop()
	}
	if a.hold != nil {
		a.hold.release()
	}
	if a.caller != nil {
		a.kind.node.activations.remove(a)
	}
}

// drainFirst has an identity that goes to another node finish what it has accepted,
// where protoactor would cancel it.
func drainFirst(next actor.ReceiverFunc) actor.ReceiverFunc {
	return func(ctx actor.ReceiverContext, envelope *actor.MessageEnvelope) {
		if _, ok := envelope.Message.(*actor.PoisonPill); ok {
			if a, ok := ctx.Actor().(*activation); ok && a.caller != nil && a.lost.Load() == nil {
				a.leave()
				return
			}
		}
		next(ctx, envelope)
	}
}

type activationKey struct{}

// State returns the state of the identity whose caller runs the function that ctx was
// given to. It returns false if there is none, or if it is of another type.
//
// The state belongs to the caller: use it on its turns.
func State[S any](ctx context.Context) (state S, ok bool) {
	if a, is := ctx.Value(activationKey{}).(*activation); is {
		state, ok = a.state.(S)
	}
	return state, ok
}

// activations are the identities that are alive on a node.
type activations struct {
	mu   sync.RWMutex
	byID map[string]*activation // by the id of the caller
}

func (s *activations) add(a *activation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = make(map[string]*activation)
	}
	s.byID[a.caller.ID()] = a
}

func (s *activations) remove(a *activation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID[a.caller.ID()] == a {
		delete(s.byID, a.caller.ID())
	}
}

func (s *activations) of(id string) *activation {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byID[id]
}

func (s *activations) all() []*activation {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]*activation, 0, len(s.byID))
	for _, a := range s.byID {
		all = append(all, a)
	}
	return all
}

// enter returns the context of a function that begins on a caller. The context of an
// identity has its state. enter also returns a function that completes the error of what
// has ended. The error says why the function cannot run. The caller may not be the
// identity that is asked for, but have the id of an earlier one: another node was at this
// address then. An empty identity asks for none.
func (s *activations) enter(ctx context.Context, c *actors.Caller, identity string) (context.Context, func(error) error, error) {
	a := s.of(c.ID())
	if identity != "" && !a.is(identity) {
		return nil, nil, fmt.Errorf("%w: %q is not %s", ErrNoCaller, c.ID(), identity)
	}
	if a == nil {
		return ctx, asItIs, nil
	}
	if a.failed != nil {
		a.giveUp()
		return nil, nil, a.failed
	}
	if lost := a.lostFor(); lost != nil {
		return nil, nil, fmt.Errorf("rpc: %s ends: %w: %w", a, lost, pending.ErrStopped)
	}
	a.touch()
	return context.WithValue(ctx, activationKey{}, a), a.leftWith, nil
}

func asItIs(err error) error { return err }

// leftWith returns the error of a function that has ended. It says why, if the identity is
// not this node's any more.
func (a *activation) leftWith(err error) error {
	a.touch()
	if why := a.lost.Load(); why != nil && err != nil && !errors.Is(err, *why) {
		return fmt.Errorf("%w: %w", *why, err)
	}
	return err
}
