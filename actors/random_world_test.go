package actors_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// patience is how long a part of a random test may take before it counts as
// hung. It is far beyond what the slowest machine needs.
const patience = 20 * time.Second

// choices is where a program takes its decisions from.
type choices interface {
	// below returns a number from 0 to n-1.
	below(n int) int
	// fork returns the choices of a part of the program. What one part takes
	// has no influence on the others.
	fork() choices
}

// seeded are the choices that follow from a seed.
type seeded struct{ *rand.Rand }

func newSeeded(seed, stream uint64) seeded { return seeded{rand.New(rand.NewPCG(seed, stream))} }

func (s seeded) below(n int) int { return s.IntN(n) }
func (s seeded) fork() choices   { return newSeeded(s.Uint64(), s.Uint64()) }

// world is what the programs of a random test share, and what is checked.
type world struct {
	testing.TB
	operations []operation
	system     *actor.ActorSystem
	sites      sync.Map // of *actors.Caller to *site
	leaks      goleak.Option
	lastID     atomic.Int64
	making     sync.RWMutex // held while callers are made
	closing    bool         // no more of them

	mu        sync.Mutex
	callers   []*actors.Caller
	adopted   []*actors.Caller
	calls     []*call
	callbacks []*callback
	running   int // functions and goroutines
	idle      sync.Cond
}

// newWorld returns a world with a small tree in it.
func newWorld(tb testing.TB) *world {
	w := &world{TB: tb, operations: operations(), leaks: goleak.IgnoreCurrent(), system: newSystem(tb)}
	w.idle.L = &w.mu
	root, err := actors.Start(w.system, props.StopTimeout(0))
	require.NoError(tb, err)
	child, err := root.Child()
	require.NoError(tb, err)
	for _, c := range []*actors.Caller{root, child, actors.Main(w.system)} {
		w.settle(c, traits{})
	}
	return w
}

// traits are what a test has to know of the options of a caller.
type traits struct {
	adopted bool
	keeps   bool // every wait keeps the turn
	loose   bool // functions may be abandoned, and then run without the turn
	scarce  bool // the number of workers is limited
}

// site is where the functions of a caller run.
type site struct {
	traits
	world  *world
	caller *actors.Caller
	inside atomic.Int32
	// visits belongs to whoever has the turn. It is counted where inside gives
	// no order, so that the race detector sees whether the turn does.
	visits int
}

// enter begins a stretch in which the turn is held.
func (s *site) enter() {
	if s == nil || s.loose {
		return
	}
	s.visits++
	if n := s.inside.Add(1); n != 1 {
		s.world.Errorf("%d functions have the turn of %s", n, s.caller)
	}
}

// leave ends it.
func (s *site) leave() {
	if s == nil || s.loose {
		return
	}
	s.inside.Add(-1)
	s.visits++
}

// settle makes a caller known.
func (w *world) settle(c *actors.Caller, own traits) *site {
	s := &site{traits: own, world: w, caller: c}
	if c.Parent() != nil && !own.adopted {
		inherited := w.siteOf(c.Parent())
		s.keeps = s.keeps || inherited.keeps
		s.loose = s.loose || inherited.loose
		s.scarce = s.scarce || inherited.scarce
	}
	known, again := w.sites.LoadOrStore(c, s)
	if !again {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.callers = append(w.callers, c)
		if own.adopted {
			w.adopted = append(w.adopted, c)
		}
	}
	return known.(*site)
}

func (w *world) siteOf(c *actors.Caller) *site {
	if s, ok := w.sites.Load(c); ok {
		return s.(*site)
	}
	return w.settle(c, traits{}) // it is a worker
}

// any returns one of the callers. Most of those that have stopped it forgets.
func (w *world) any(from *[]*actors.Caller, below func(n int) int) *actors.Caller {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(*from) == 0 {
		from = &w.callers
	}
	for {
		i := below(len(*from))
		c := (*from)[i]
		if c.State() != actors.StateStopped || len(*from) == 1 || below(4) == 3 {
			return c
		}
		*from = slices.Delete(*from, i, i+1)
	}
}

// make runs something that makes callers, if it is not too late for that.
func (w *world) make(do func()) {
	w.making.RLock()
	defer w.making.RUnlock()
	if !w.closing {
		do()
	}
}

// begin notes something that has to end before the world does.
func (w *world) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running++
}

func (w *world) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running--
	w.idle.Broadcast()
}

// spawn starts a goroutine.
func (w *world) spawn(do func()) {
	w.begin()
	go func() {
		defer w.end()
		do()
	}()
}

// The messages that adopted actors understand.
type (
	question struct{ id int }
	mishap   struct{}
	birth    struct{ child *actor.Props }
)

// adoption returns the props of an actor that is made a caller.
func (w *world) adoption(own traits, opts ...props.Option) *actor.Props {
	asCaller, err := actors.AsCaller(on(w, opts)...)
	require.NoError(w, err)
	own.adopted = true
	var s *site
	return actor.PropsFromFunc(func(ctx actor.Context) {
		if s == nil {
			c, _ := actors.Of(ctx)
			s = w.settle(c, own)
		}
		s.enter()
		defer s.leave()
		switch message := ctx.Message().(type) {
		case question:
			ctx.Respond(message.id)
		case mishap:
			panic(errBoom)
		case birth:
			w.make(func() { ctx.Spawn(message.child) })
		}
	}, asCaller)
}

// call is a pending that was handed out, or was to be.
type call struct {
	name      string
	id        int // what its function returns
	result    *pending.Pending[int]
	function  bool // it has one of ours, not just an actor
	hidden    bool // what it waits for cannot be seen, nor can a deadlock
	sure      bool // it ends whatever happens to those who wait
	runs      atomic.Int32
	completed atomic.Int32
}

// callback is one given to OnDone.
type callback struct {
	on      *call
	calls   atomic.Int32
	removed atomic.Bool
}

// within fails the test if something takes too long.
func (w *world) within(what string, do func()) {
	w.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		w.Fatalf("%s takes longer than %v\n%s", what, patience, w.describe())
	}
}

// describe names what is not done, and shows all stacks.
func (w *world) describe() string {
	var text strings.Builder
	w.mu.Lock()
	for _, c := range w.calls {
		if !c.result.IsDone() {
			fmt.Fprintf(&text, "hung: %s: %s on %v\n", c.name, c.result, c.result.Metadata()["caller"])
		}
	}
	w.mu.Unlock()
	for c := range actors.All(w.system) {
		if c.State() != actors.StateRunning {
			fmt.Fprintln(&text, "not running:", c)
		}
	}
	stacks := make([]byte, 16<<20)
	text.Write(stacks[:runtime.Stack(stacks, true)])
	return text.String()
}

// finish ends the world, after all work is done or at once, and checks what has
// to be true then.
func (w *world) finish(drain bool) {
	w.Helper()
	w.making.Lock()
	w.closing = true
	w.making.Unlock()
	w.within("the shutdown", func() {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		if !drain {
			cancel()
		}
		callers := slices.Collect(actors.All(w.system))
		err := actors.Shutdown(ctx, w.system)
		if drain || !errors.Is(err, context.Canceled) {
			require.NoError(w, err)
		}
		for _, c := range callers {
			<-c.Stopped()
		}
	})
	for c := range actors.All(w.system) {
		w.Errorf("%s is there after the shutdown", c)
	}
	w.within("the end of all functions", func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		for w.running > 0 {
			w.idle.Wait()
		}
	})
	w.within("the end of all pendings", func() {
		for _, c := range w.calls {
			<-c.result.Done()
		}
	})
	goleak.VerifyNone(w, w.leaks, ignoreLoops)
	for _, c := range w.calls {
		w.check(c)
	}
	for _, c := range w.callbacks {
		want := int32(1)
		if c.removed.Load() {
			want = 0
		}
		assert.Equal(w, want, c.calls.Load(), "calls of a callback of %s", c.on.name)
	}
}

// check checks the outcome of a call whose pending is done.
func (w *world) check(c *call) {
	w.Helper()
	value, err := c.result.Result()
	if c.completed.Load() != 1 {
		w.Errorf("%s was done %d times", c.name, c.completed.Load())
	}
	if n := c.runs.Load(); n > 1 || c.function && err == nil && n == 0 {
		w.Errorf("%s ran %d times, its error is %v", c.name, n, err)
	}
	if err == nil && value != c.id || err != nil && value != 0 || errors.Is(err, pending.ErrNotDone) {
		w.Errorf("%s: value %d, not %d, with error %v", c.name, value, c.id, err)
	}
	if c.result.Cancelled() != errors.Is(err, pending.ErrCancelled) {
		w.Errorf("%s: cancelled is %t with error %v", c.name, c.result.Cancelled(), err)
	}
}
