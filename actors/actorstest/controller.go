package actorstest

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/goroutine"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
)

var _ steps.Chooser = (*controller)(nil)

// controller has the goroutines of one schedule go on one at a time. It belongs to a bubble
// of testing/synctest, whose first goroutine is in run.
type controller struct {
	chooser chooser
	limits  limits
	tracing bool // steps are written down

	mu       sync.Mutex
	random   *rand.Rand
	gates    []*gate
	arrivals int
	names    map[any]string // of what goes on, and of goroutines by their numbers
	made     map[string]int // how many things what has that name has made
	current  string         // what goes on
	ids      uint64         // that were given to pendings
	seen     []any          // what must not be collected before the end
	used     footprint      // what the present step uses
	cleaning bool           // the body has returned
	ended    bool           // the body has returned, and so have its cleanups
	trace    []step

	arrived chan struct{} // has a value when a goroutine has come to a gate
	early   time.Duration // for which time may still pass although something could go on

	count    atomic.Int64 // of the steps
	choices  int          // where there was more than one
	order    []string     // what was chosen
	failedAt int          // how many steps there were before the first failure; 0 for none
	prints   []uint64     // a hash of what could be chosen, at each step
}

// limits bound a schedule.
type limits struct {
	steps int           // that a schedule may have
	early time.Duration // by which time may pass although something could go on
	idle  time.Duration // of virtual time in which nothing happens, before that is a deadlock
}

// gate is where a goroutine waits until it may go on.
type gate struct {
	of         any   // what goes on; nil for the goroutine itself
	goroutine  int64 // its number; 0 unless of is nil
	name, what string
	number     int // in the order of arrival
	settles    bool
	until      int64 // with settles: it opens at that step at the latest; 0 for never
	open       chan struct{}
}

func (g *gate) key() string { return g.name + ": " + g.what }

// passTime is the choice that time passes.
const passTime = "time passes"

// step is a step of a schedule, and what has happened in it.
type step struct {
	key   string
	notes []string
}

func newController(c chooser, seed uint64, l limits) *controller {
	steps.Enable()
	return &controller{
		chooser: c,
		limits:  l,
		random:  rand.New(rand.NewPCG(seed, 1)), //nolint:gosec // Chance is enough.
		names:   make(map[any]string),
		made:    make(map[string]int),
		early:   l.early,
	}
}

// enter is called in the bubble, before all else.
func (c *controller) enter() { c.arrived = make(chan struct{}, 1) }

// Step implements [steps.Chooser].
func (c *controller) Step(of any, what string) { c.wait(&gate{of: of, what: what}) }

// settle waits until nothing can go on but by the passing of time, for so many steps at most; 0
// is for any number.
func (c *controller) settle(most int64) {
	g := &gate{what: "all have settled", settles: true}
	if most > 0 {
		g.until = c.count.Load() + most
	}
	c.wait(g)
}

func (c *controller) wait(g *gate) {
	g.open = make(chan struct{})
	c.mu.Lock()
	c.arrivals++
	g.number = c.arrivals
	if g.of == nil {
		g.goroutine = goroutine.ID() // named by waiting
	} else {
		g.name = c.nameOf(g.of)
	}
	c.gates = append(c.gates, g)
	c.mu.Unlock()
	c.notify()
	<-g.open
}

// notify has run look again.
func (c *controller) notify() {
	select {
	case c.arrived <- struct{}{}:
	default:
	}
}

// named is what has a name in a list of steps.
type named interface{ StepName() string }

// nameOf returns a name that is the same each time the schedule is run. mu must be held.
func (c *controller) nameOf(of any) string {
	if of == nil {
		return c.goroutine(goroutine.ID())
	}
	number := strings.TrimSuffix(c.names[of], " of body")
	switch of := of.(type) {
	case interface{ CallerName() string }: // a function of a caller
		function := ""
		if of, ok := of.(named); ok {
			function = shortName(of.StepName())
		}
		return callerName(of.CallerName()) + " " + function + number
	case named:
		return callerName(of.StepName())
	case interface{ Name() string }:
		return shortName(of.Name())
	default:
		return fmt.Sprintf("%T", of)
	}
}

// goroutine returns the name of a goroutine of the program.
func (c *controller) goroutine(id int64) string {
	name, ok := c.names[id]
	if !ok {
		name = c.nextName("goroutine ")
		c.names[id] = name
	}
	return name
}

// nameGoroutines names those that have come to a gate. Several that were begun in one step run
// freely until then. So their numbers are in the order in which they were begun, as the
// runtime's numbers are.
func (c *controller) nameGoroutines() {
	var fresh []*gate
	for _, g := range c.gates {
		if g.goroutine != 0 && g.name == "" {
			fresh = append(fresh, g)
		}
	}
	slices.SortFunc(fresh, func(a, b *gate) int { return cmp.Compare(a.goroutine, b.goroutine) })
	for _, g := range fresh {
		g.name = c.goroutine(g.goroutine)
	}
}

// nextName returns a name for what the present step makes: that of what goes on, and a number
// among those of a kind.
func (c *controller) nextName(kind string) string {
	c.made[kind+c.current]++
	return kind + "#" + strconv.Itoa(c.made[kind+c.current]) + " of " + c.current
}

// Made implements [steps.Chooser].
func (c *controller) Made(of any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.names[of] = c.nextName("")
}

// Note implements [steps.Chooser].
func (c *controller) Note(of any, what string, on any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if what == steps.Begins {
		c.current = c.names[of]
	}
	if !c.tracing || len(c.trace) == 0 {
		return
	}
	line := c.nameOf(of) + " " + what
	if on := describeWait(on); on != "" {
		line += " for " + on
	}
	last := &c.trace[len(c.trace)-1]
	last.notes = append(last.notes, line)
}

// Touch implements [steps.Chooser].
func (c *controller) Touch(of any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.use(of)
}

// use adds to what the present step uses; nil is all. mu must be held.
func (c *controller) use(of any) {
	if t, ok := of.(interface{ Touches() any }); ok {
		of = t.Touches()
	}
	switch of := of.(type) {
	case nil:
		c.used = nil
	case named:
		if c.used != nil {
			c.used[of.StepName()] = struct{}{}
		}
	default:
		c.used = nil
	}
}

// isExhaustive reports whether it matters what steps use.
func (c *controller) isExhaustive() bool {
	_, ok := c.chooser.(*depthFirst)
	return ok
}

// footprint returns what the present step uses.
func (c *controller) footprint() footprint {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used
}

// clean is called when the body has returned.
func (c *controller) clean() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cleaning = true
}

func (c *controller) isCleaning() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cleaning
}

// Float64 implements [steps.Chooser].
func (c *controller) Float64() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.random.Float64()
}

// firstID is larger than the numbers of pendings outside of schedules.
const firstID = 1 << 32

// NextID implements [steps.Chooser].
func (c *controller) NextID() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids++
	return firstID + c.ids
}

// Keep implements [steps.Chooser].
func (c *controller) Keep(value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, value)
}

// begin starts a goroutine of the test, with a name.
func (c *controller) begin(name string, fn func()) {
	go func() {
		c.mu.Lock()
		c.names[goroutine.ID()], c.current = name, name
		c.mu.Unlock()
		defer func() {
			c.mu.Lock()
			c.ended = true
			c.mu.Unlock()
			c.notify()
		}()
		fn()
	}()
}

// errEndless and errStuck say why a schedule does not end.
var (
	errEndless = fmt.Errorf("actorstest: the schedule does not end")
	errStuck   = fmt.Errorf("actorstest: nothing goes on any more, a deadlock")
)

// run chooses until the test has ended and nothing is left that could go on. It returns an
// error if the test does not end.
func (c *controller) run() error {
	for {
		synctest.Wait()
		enabled, settling, ended := c.waiting()
		switch {
		case len(enabled) > 0 && !c.isImpatient(settling):
			if c.count.Add(1) > int64(c.limits.steps) {
				return errEndless
			}
			c.advance(enabled, ended)
		case settling != nil:
			c.open(settling)
		case ended:
			return nil
		default:
			if !c.pass(c.limits.idle) {
				return errStuck
			}
		}
	}
}

// isImpatient reports whether a goroutine waits no more for the others to settle.
func (c *controller) isImpatient(settling *gate) bool {
	return settling != nil && settling.until > 0 && c.count.Load() >= settling.until
}

// waiting returns the gates at which goroutines wait, in the order of their names.
func (c *controller) waiting() (enabled []*gate, settling *gate, ended bool) {
	select { // what has come until now is seen
	case <-c.arrived:
	default:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nameGoroutines()
	for _, g := range c.gates {
		switch {
		case !g.settles:
			enabled = append(enabled, g)
		case settling == nil:
			settling = g
		}
	}
	slices.SortFunc(enabled, func(a, b *gate) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.what, b.what), cmp.Compare(a.number, b.number))
	})
	return enabled, settling, c.ended
}

// advance makes a step.
func (c *controller) advance(enabled []*gate, ended bool) {
	mayPass := c.early > time.Microsecond && !ended
	seen := printOf(enabled, mayPass)
	c.mu.Lock()
	c.prints = append(c.prints, seen)
	c.mu.Unlock()
	if len(enabled) > 1 || mayPass {
		c.choices++
	}
	i := c.chooser.choose(enabled, mayPass)
	if i < 0 {
		c.mu.Lock()
		c.record(passTime)
		c.mu.Unlock()
		began := time.Now()
		c.pass(max(c.early/2, time.Microsecond))
		c.early -= time.Since(began)
		return
	}
	c.open(enabled[i])
}

// noteFailure is called when the test fails.
func (c *controller) noteFailure() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failedAt == 0 {
		c.failedAt = len(c.order)
	}
}

// record begins a step. mu must be held.
func (c *controller) record(key string) {
	c.order = append(c.order, key)
	if c.tracing {
		c.trace = append(c.trace, step{key: key})
	}
}

// open lets the goroutine at a gate go on.
func (c *controller) open(g *gate) {
	c.mu.Lock()
	c.gates = slices.DeleteFunc(c.gates, func(other *gate) bool { return g == other })
	c.current, c.used = g.name, make(footprint)
	c.use(g.of)
	if !g.settles {
		c.record(g.key())
	}
	c.mu.Unlock()
	close(g.open)
}

// pass lets time pass until something comes to a gate, for d at most. It reports whether
// anything has come.
func (c *controller) pass(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.arrived:
		return true
	case <-timer.C:
		return false
	}
}

// calmDown lets what is left of a schedule that was judged go on, and end.
func (c *controller) calmDown() {
	for {
		synctest.Wait()
		enabled, settling, _ := c.waiting()
		switch {
		case len(enabled) > 0 && c.count.Add(1) < 2*int64(c.limits.steps):
			c.open(enabled[0])
		case settling != nil:
			c.open(settling)
		case !c.pass(calmTime):
			return
		}
	}
}

// calmTime is the virtual time that goroutines have to end after a schedule.
const calmTime = time.Minute

// context returns the context of a test.
func (c *controller) context(parent context.Context) context.Context { return steps.With(parent, c) }
