package actors_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// kind says which callers of a family are actors of user code.
type kind struct{ parent, subject bool }

var kinds = map[string]kind{
	"caller":                {},
	"caller under an actor": {parent: true},
	"actor under an actor":  {parent: true, subject: true},
}

func anyKind(kind) bool        { return true }
func callerParent(k kind) bool { return !k.parent }
func onlyActors(k kind) bool   { return k.subject }

// way is one to stop the subject of a family. Meanwhile a function of the
// subject has the turn and others are queued.
type way struct {
	early   func(f *family)                      // before anything is queued
	act     func(f *family)                      // from outside; nil lets the function with the turn return
	inside  func(ctx context.Context, f *family) // by the function that has the turn
	kinds   func(kind) bool
	subject []props.Option
	parent  []props.Option
	// strategy is that of the parent, for both kinds of it.
	strategy actor.SupervisorStrategy
	panics   bool // the function that has the turn does
	// ends says who stops besides the subject and those below it.
	ends []string
	// failed says whose stop has the failure as its cause.
	failed string
}

func supervised(p supervision.Policy) []props.Option { return []props.Option{props.Supervision(p)} }

func panicking(context.Context, *family) { panic(errBoom) }

func sent(message func(actor.Context)) func(f *family) {
	return func(f *family) { f.system.Root.Send(f.subject.PID(), message) }
}

var stopDirective = actor.NewOneForOneStrategy(0, 0, func(any) actor.Directive { return actor.StopDirective })

var ways = map[string]way{
	"Stop":                   {kinds: anyKind, act: func(f *family) { f.subject.Stop() }},
	"forced Stop":            {kinds: anyKind, act: func(f *family) { f.subject.Stop(actors.Force()) }, subject: []props.Option{props.Protected()}},
	"StopWait":               {kinds: anyKind, act: func(f *family) { go func() { assert.NoError(f.t, f.subject.StopWait(f.t.Context())) }() }},
	"Drain that runs out":    {kinds: anyKind, act: func(f *family) { go f.drain() }},
	"Shutdown that runs out": {kinds: anyKind, act: func(f *family) { go f.shutdown() }, ends: []string{"parent"}},
	"stop of the parent":     {kinds: anyKind, act: func(f *family) { f.parent.Stop() }, ends: []string{"parent"}},
	"protoactor's Stop":      {kinds: anyKind, act: func(f *family) { f.system.Root.Stop(f.subject.PID()) }},
	"Stop of the protected":  {kinds: anyKind, act: func(f *family) { f.system.Root.Stop(f.subject.PID()) }, subject: []props.Option{props.Protected()}},
	"protoactor's Poison":    {kinds: anyKind, early: func(f *family) { f.system.Root.Poison(f.subject.PID()) }},
	"Stop in a function":     {kinds: anyKind, inside: func(_ context.Context, f *family) { f.subject.Stop() }},
	"Stop in a function of the child": {kinds: anyKind, act: func(f *family) {
		do(f.t.Context(), f.child, func(context.Context) { f.subject.Stop() })
	}},
	"StopWait in a function of the parent": {kinds: anyKind, act: func(f *family) {
		do(f.t.Context(), f.parent, func(ctx context.Context) { assert.NoError(f.t, f.subject.StopWait(ctx)) })
	}},
	"panic, policy Stop":                    {kinds: anyKind, inside: panicking, panics: true, subject: supervised(supervision.Stop()), failed: "subject"},
	"panic, policy Restart above the limit": {kinds: anyKind, inside: panicking, panics: true, subject: supervised(supervision.Restart(supervision.MaxRestarts(0, 0))), failed: "subject"},
	"panic, policy Escalate, parent stops": {
		kinds: callerParent, inside: panicking, panics: true,
		subject: supervised(supervision.Escalate()), parent: supervised(supervision.Stop()),
		ends: []string{"parent"}, failed: "parent",
	},
	"panic, policy Escalate, parent restarts": {
		kinds: callerParent, inside: panicking, panics: true,
		subject: supervised(supervision.Escalate()), parent: supervised(supervision.Restart()),
	},
	"panic, policy Escalate, up to the root": {
		kinds: callerParent, inside: panicking, panics: true,
		subject: supervised(supervision.Escalate()), parent: supervised(supervision.Escalate()),
		ends: []string{"parent"}, failed: "parent",
	},
	"panic, policy Escalate, strategy of the parent stops it": {
		kinds: anyKind, inside: panicking, panics: true,
		subject: supervised(supervision.Escalate()), strategy: stopDirective,
	},
	"panic of the handler, strategy of the parent stops it": {
		kinds: onlyActors, early: sent(func(actor.Context) { panic(errBoom) }), strategy: supervision.OneForOne(supervision.Stop()),
	},
	"Goexit of the handler, strategy of the parent stops it": {
		kinds: onlyActors, early: sent(func(actor.Context) { exitGoroutine() }), strategy: stopDirective,
	},
	"Stop by the handler": {
		kinds: onlyActors, early: sent(func(ctx actor.Context) { ctx.Stop(ctx.Self()) }),
	},
}

// Item 14 of the seed's behavior.
// Item 15 of the seed's behavior.
// Item 17 of the seed's behavior.
// Whatever stops a caller, the promises of a stop are kept.
func TestStopMatrix(t *testing.T) {
	for name, w := range ways {
		for kindName, k := range kinds {
			if !w.kinds(k) {
				continue
			}
			t.Run(name+", "+kindName, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					f := newFamily(t, system, k, w)
					f.fill()
					f.stop()
					f.checkPendings()
					f.checkEnds()
					f.checkRefusals()
				})
			})
		}
	}
}

// family is a parent, a subject with a worker, its child and a grandchild.
// Functions of all of them are on their way.
type family struct {
	t                                  *testing.T
	system                             *actor.ActorSystem
	way                                way
	log                                *eventLog
	parent, subject, child, grandchild *actors.Caller
	ended                              chan string // the ends that a watcher was told

	inside  chan func(ctx context.Context)
	holder  *pending.Pending[string]
	stopped []*outcome // functions on their way, which end with ErrStopped
	refused []*outcome // calls that must not run
	message *pending.Pending[string]
	invoked *pending.Pending[string]
}

// outcome counts how often a pending became done.
type outcome struct {
	pending.Handle
	done int
}

func watchOutcome(h pending.Handle) *outcome {
	o := &outcome{Handle: h}
	h.OnDone(func(pending.Handle) { o.done++ })
	return o
}

func newFamily(t *testing.T, system *actor.ActorSystem, k kind, w way) *family {
	f := &family{t: t, system: system, way: w, log: logEvents(system), ended: make(chan string, 10)}
	parent := append([]props.Option{props.Name("parent")}, w.parent...)
	subject := append([]props.Option{props.Name("subject"), props.MaxWorkers(1)}, w.subject...)
	if w.strategy != nil {
		parent = append(parent, props.Strategy(w.strategy))
	}
	switch {
	case k.parent:
		f.parent = adopted(t, system, nil, "parent", puppet, parent, actor.WithSupervisor(w.strategy))
	default:
		f.parent = start(t, system, parent...)
	}
	switch {
	case k.subject:
		f.subject = adopted(t, system, f.parent, "subject", puppet, subject)
	default:
		f.subject = child(t, f.parent, subject...)
	}
	f.child = child(t, f.subject, props.Name("child"))
	f.grandchild = child(t, f.child, props.Name("grandchild"))
	system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch message := ctx.Message().(type) {
		case *actor.Started:
			ctx.Watch(f.subject.PID())
		case *actor.Terminated:
			f.ended <- message.Who.GetId()
		}
	}))
	synctest.Wait()
	return f
}

// fill gives everybody something to do.
func (f *family) fill() {
	ctx := f.t.Context()
	for _, c := range []*actors.Caller{f.subject, f.child, f.grandchild} {
		for _, wait := range suspensions {
			f.stopped = append(f.stopped, watchOutcome(actors.CallSoon(ctx, c, wait)))
		}
	}
	f.stopped = append(f.stopped, watchOutcome(actors.ToThread(ctx, f.subject, untilItsEnd)))
	synctest.Wait()

	f.inside = make(chan func(ctx context.Context))
	f.holder = actors.CallSoon(ctx, f.subject, func(ctx context.Context) (string, error) {
		select {
		case act := <-f.inside:
			act(ctx)
		case <-ctx.Done():
			assert.ErrorIs(f.t, context.Cause(ctx), pending.ErrStopped)
		}
		return "kept", nil
	})
	synctest.Wait()
	if f.way.early != nil {
		f.way.early(f)
	}
	for range 100 {
		f.refused = append(f.refused, watchOutcome(actors.CallSoon(ctx, f.subject, f.never)))
		require.NoError(f.t, f.subject.CallDirect(func() { _, _ = f.never(ctx) }))
	}
	for _, p := range []*pending.Pending[string]{
		actors.CallLater(ctx, f.subject, time.Hour, f.never),
		actors.Schedule(ctx, f.subject, f.never, actors.Timeout(time.Hour)),
		actors.ToThread(ctx, f.subject, f.never),
	} {
		f.refused = append(f.refused, watchOutcome(p))
	}
	f.invoked = actors.Request[string](ctx, f.system, f.subject.PID(), actors.Invoke(f.never))
	f.message = actors.Request[string](ctx, f.system, f.subject.PID(), func(actor.Context) { _, _ = f.never(ctx) })
}

func (f *family) never(context.Context) (string, error) {
	f.t.Error("it ran after the stop")
	return "", nil
}

func (f *family) stop() {
	switch {
	case f.way.inside != nil:
		f.inside <- func(ctx context.Context) { f.way.inside(ctx, f) }
	case f.way.act != nil:
		f.way.act(f)
	default:
		f.inside <- func(context.Context) {}
	}
	synctest.Wait()
}

func (f *family) drain() {
	ctx, cancel := context.WithCancelCause(f.t.Context())
	cancel(errBoom)
	assert.ErrorIs(f.t, f.subject.Drain(ctx), context.Canceled)
}

func (f *family) shutdown() {
	ctx, cancel := context.WithCancelCause(f.t.Context())
	cancel(errBoom)
	assert.ErrorIs(f.t, actors.Shutdown(ctx, f.system), context.Canceled)
}

func (f *family) checkPendings() {
	value, err := f.holder.Result()
	if f.way.panics {
		crash := (*pending.PanicError)(nil)
		require.ErrorAs(f.t, err, &crash)
		assert.Equal(f.t, errBoom, crash.Value)
	} else {
		require.NoError(f.t, err)
		assert.Equal(f.t, "kept", value)
	}
	for _, o := range slices.Concat(f.stopped, f.refused) {
		assert.Equal(f.t, 1, o.done, o)
		require.ErrorIs(f.t, o.Err(), pending.ErrStopped)
		assert.True(f.t, o.Cancelled())
	}
	require.ErrorIs(f.t, f.invoked.Err(), pending.ErrStopped)
	require.ErrorIs(f.t, f.message.Err(), actor.ErrDeadLetter)
	assert.Contains(f.t, f.log.all("dead"), "dead letter func(actor.Context)")
}

func (f *family) checkEnds() {
	var want []string
	for _, name := range append([]string{"grandchild", "child", "subject"}, f.way.ends...) {
		line := name + " stopped"
		if name == f.way.failed {
			line += ": boom"
		}
		want = append(want, line)
	}
	stops := slices.DeleteFunc(f.log.all(), func(line string) bool { return !strings.Contains(line, "stopped") })
	worker := slices.Index(stops, "worker stopped")
	assert.Less(f.t, worker, slices.Index(stops, want[2]))
	assert.Equal(f.t, want, slices.Delete(stops, worker, worker+1))
	for _, c := range []*actors.Caller{f.grandchild, f.child, f.subject} {
		<-c.Stopped()
		assert.Equal(f.t, actors.StateStopped, c.State())
		assert.Empty(f.t, c.Children())
		_, found := actors.Lookup(f.system, c.ID())
		assert.False(f.t, found)
	}
	assert.Equal(f.t, f.subject.PID().GetId(), <-f.ended)
	var left []*actors.Caller
	if !slices.Contains(f.way.ends, "parent") {
		left = []*actors.Caller{f.parent}
		assert.Equal(f.t, actors.StateRunning, f.parent.State())
	}
	assert.Equal(f.t, left, slices.Collect(actors.All(f.system)))
	assert.Empty(f.t, f.parent.Children())
}

func (f *family) checkRefusals() {
	ctx := f.t.Context()
	for _, p := range []*pending.Pending[string]{
		actors.CallSoon(ctx, f.subject, f.never),
		actors.CallLater(ctx, f.subject, time.Second, f.never),
		actors.ToThread(ctx, f.subject, f.never),
	} {
		assert.True(f.t, p.IsDone())
		assert.True(f.t, p.Cancelled())
		require.ErrorIs(f.t, p.Err(), pending.ErrStopped)
		if f.way.failed == "subject" {
			require.ErrorIs(f.t, p.Err(), errBoom)
		}
	}
	require.ErrorIs(f.t, f.subject.CallDirect(func() { _, _ = f.never(ctx) }), pending.ErrStopped)
	_, err := f.subject.Child()
	require.ErrorIs(f.t, err, pending.ErrStopped)
	require.Error(f.t, f.subject.Start())
	assert.Equal(f.t, actors.StateStopped, f.subject.Stop())
	require.NoError(f.t, f.subject.StopWait(ctx, actors.Force()))
	require.NoError(f.t, f.subject.Drain(ctx))
	for _, message := range []any{func(actor.Context) { _, _ = f.never(ctx) }, actors.Invoke(f.never)} {
		late := actors.Request[string](ctx, f.system, f.subject.PID(), message)
		require.ErrorIs(f.t, late.Err(), actor.ErrDeadLetter)
	}
	if !slices.Contains(f.way.ends, "parent") {
		again := child(f.t, f.parent, props.Name("subject"))
		assert.Equal(f.t, "alive", result(f.t, actors.CallSoon(ctx, again, returns("alive"))))
	}
}

// suspensions are ways to wait in a function, until a stop ends the wait.
var suspensions = map[string]func(ctx context.Context) (string, error){
	"Sleep": asleep,
	"Wait": func(ctx context.Context) (string, error) {
		return pending.New[string](context.Background()).Wait(ctx)
	},
	"protecting Wait": func(ctx context.Context) (string, error) {
		return pending.New[string](context.Background()).Wait(ctx, pending.Protect())
	},
	"Wait with a context of its own": func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		return pending.New[string](context.Background()).Wait(ctx)
	},
	"several waits": func(ctx context.Context) (string, error) {
		var errs error
		for range 3 {
			errs = errors.Join(errs, actors.Sleep(ctx, time.Hour))
		}
		return "", errs
	},
	"call of its caller": func(ctx context.Context) (string, error) {
		c, _ := actors.Current(ctx)
		return actors.CallSoon(ctx, c, asleep).Wait(ctx)
	},
}
