package actorstest

import (
	"flag"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/goroutine"
)

// ExploreOption changes what [Explore] does. Each [Option] is one, too: [Seed], and the faults
// of the network.
type ExploreOption interface{ apply(*exploration) }

type exploreOption func(*exploration)

func (o exploreOption) apply(e *exploration) { o(e) }

// Schedules is how many schedules are tried. The default is 1000, and 100 with -short.
func Schedules(n int) ExploreOption {
	return exploreOption(func(e *exploration) { e.schedules, e.counted = n, true })
}

// Hurry is by how much time may pass in a schedule, in all, although something else could go
// on. That is how late the program may be: a timeout that is longer is never in between. The
// default is a second. With 0 time passes when nothing else can go on.
func Hurry(d time.Duration) ExploreOption {
	return exploreOption(func(e *exploration) { e.limits.early = d })
}

// MaxSteps is how many steps a schedule may have. More are a failure: it does not end. The
// default is 20,000.
func MaxSteps(n int) ExploreOption { return exploreOption(func(e *exploration) { e.limits.steps = n }) }

// Patience is the real time after which a schedule has failed in which no step ends. The
// default is 10 seconds.
func Patience(d time.Duration) ExploreOption {
	return exploreOption(func(e *exploration) { e.patience = d })
}

// exploration is what Explore was asked for, and what it has seen.
type exploration struct {
	t      *testing.T
	body   func(t testing.TB, w *World)
	faults faults

	schedules  int
	counted    bool // schedules was given
	exhaustive bool
	orders     int
	complete   bool    // there are no more orders
	progress   float64 // how far it came, if not
	limits     limits
	patience   time.Duration

	template *actor.ActorSystem // of which systems are copies

	distinct map[uint64]struct{}
	choices  int
	played   int
	skipped  string // why the body has skipped the test
}

const (
	defaultSchedules = 1000
	shortSchedules   = 100
	defaultSteps     = 20_000
	defaultIdle      = time.Hour
	defaultPatience  = 10 * time.Second
)

// seedFlag is the flag with the seed of the one schedule to run. Packages whose tests explore
// otherwise may have it too.
const seedFlag = "explore.seed"

func init() {
	if flag.Lookup(seedFlag) == nil {
		flag.String(seedFlag, "", "the seed of the one schedule that actorstest.Explore runs")
	}
}

// replayed returns the seed of the flag, if there is one.
func replayed() (seed uint64, ok bool, err error) {
	f := flag.Lookup(seedFlag)
	if f == nil || f.Value.String() == "" {
		return 0, false, nil
	}
	seed, err = strconv.ParseUint(f.Value.String(), 0, 64)
	return seed, err == nil, err
}

// Explore runs the body many times, each time with another order of what happens in it. It
// fails the test if an order makes the body fail. See "Exploring schedules" in the
// documentation of the package.
//
// The body gets a t and a world of its own each time. It must use no state of the last time.
// A schedule fails by its t or by a panic. It also fails if it cannot end, or if it leaves a
// goroutine. The failure has a seed, and how to run that schedule again.
//
// It may be called in parallel tests, but not in a bubble of testing/synctest. A nil argument
// panics.
func Explore(t *testing.T, body func(t testing.TB, w *World), opts ...ExploreOption) {
	if t == nil || body == nil {
		panic("actorstest: Explore with a nil argument")
	}
	if bubbleOf() != "" {
		panic("actorstest: Explore in a bubble of testing/synctest, of which it makes its own")
	}
	t.Helper()
	e, err := newExploration(t, body, opts)
	if err != nil {
		t.Fatal(err)
	}
	seed, again, err := replayed()
	if err != nil {
		t.Fatalf("actorstest: -%s: %v", seedFlag, err)
	}
	if again {
		e.faults.seed, e.schedules, e.exhaustive = seed, 1, false
	}
	found := e.explore()
	switch {
	case found != nil:
		t.Fatal(found.String())
	case e.skipped != "":
		t.Skip(e.skipped)
	default:
		t.Log(e.summary())
	}
}

func newExploration(t *testing.T, body func(t testing.TB, w *World), opts []ExploreOption) (*exploration, error) {
	e := &exploration{
		t: t, body: body, schedules: defaultSchedules, patience: defaultPatience,
		limits:   limits{steps: defaultSteps, early: time.Second, idle: defaultIdle},
		distinct: make(map[uint64]struct{}),
	}
	if testing.Short() {
		e.schedules = shortSchedules
	}
	for _, o := range opts {
		if o == nil {
			panic("actorstest: Explore with a nil option")
		}
		o.apply(e)
	}
	e.template = actor.NewActorSystem(quiet)
	goroutine.ID() // it finds out, the first time, how to get that: not in a bubble
	return e, e.check()
}

func (e *exploration) check() error {
	switch err := e.faults.validate(); {
	case err != nil:
		return err
	case e.schedules <= 0:
		return fmt.Errorf("actorstest: Schedules(%d): it must be positive", e.schedules)
	case e.limits.early < 0:
		return fmt.Errorf("actorstest: Hurry(%v): it must not be negative", e.limits.early)
	case e.limits.steps <= 0:
		return fmt.Errorf("actorstest: MaxSteps(%d): it must be positive", e.limits.steps)
	case e.patience <= 0:
		return fmt.Errorf("actorstest: Patience(%v): it must be positive", e.patience)
	default:
		return nil
	}
}

// explore tries schedules, until one fails.
func (e *exploration) explore() *finding {
	if e.exhaustive {
		return e.all()
	}
	for n := range e.schedules {
		seed := e.faults.seed + uint64(n) //nolint:gosec // It is not negative.
		s := e.play(plan{chooser: newChooser(seed), seed: seed})
		e.note(s)
		switch {
		case s.failed:
			return e.examine(s, seed, seed)
		case s.skipped:
			e.skipped = s.text
			return nil
		}
	}
	return nil
}

// note counts a schedule.
func (e *exploration) note(s *schedule) {
	e.played++
	e.choices += s.choices
	h := uint64(14695981039346656037)
	for _, key := range s.order {
		for i := range len(key) {
			h = (h ^ uint64(key[i])) * 1099511628211
		}
		h *= 1099511628211
	}
	e.distinct[h] = struct{}{}
}

// summary says what was tried.
func (e *exploration) summary() string {
	if e.exhaustive {
		return e.orderSummary()
	}
	return fmt.Sprintf("actorstest: %d schedules, %d of them distinct, with %d choices", e.played, len(e.distinct), e.choices)
}
