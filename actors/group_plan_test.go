package actors_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// groupPlan is a random program: a group, what belongs to it, and what its body
// does. The body starts the leaves and the functions, goes through the loop, and
// then runs the inner group.
type groupPlan struct {
	id        int
	mode      pending.Mode
	shield    bool
	timeout   time.Duration // 0 for none
	cancelled time.Duration // after its beginning; 0 for never
	leaves    []*leafPlan
	functions []*groupPlan // each is run by a member
	loop      *loopPlan    // nil for none
	inner     *groupPlan   // nil for none
	swallow   bool         // the error of the inner group
}

// String describes a program, for when it fails.
func (g *groupPlan) String() string { return "\n" + g.describe("") }

func (g *groupPlan) describe(indent string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%sgroup %d: mode %d, shield %v, timeout %v, cancelled %v, swallow %v\n",
		indent, g.id, g.mode, g.shield, g.timeout, g.cancelled, g.swallow)
	for _, l := range g.leaves {
		fmt.Fprintf(&b, "%s  leaf %+v\n", indent, *l)
	}
	for _, f := range g.functions {
		fmt.Fprintf(&b, "%s  function\n%s", indent, f.describe(indent+"    "))
	}
	if g.loop != nil {
		fmt.Fprintf(&b, "%s  loop, limit %d, left after %d, rest %v\n", indent, g.loop.limit, g.loop.leave, g.loop.rest)
		for _, l := range g.loop.leaves {
			fmt.Fprintf(&b, "%s    leaf %+v\n", indent, *l)
		}
	}
	if g.inner != nil {
		fmt.Fprintf(&b, "%s  inner\n%s", indent, g.inner.describe(indent+"    "))
	}
	return b.String()
}

// loopPlan is a loop over leaves that it starts as it goes on.
type loopPlan struct {
	leaves []*leafPlan
	limit  int
	leave  int           // after so many
	rest   time.Duration // afterwards, in which what it has cancelled can end
}

// leafPlan is a member that ends by itself.
type leafPlan struct {
	id       int
	takes    time.Duration
	outcome  outcomeKind
	how      leafKind
	stubborn bool // ends in its own time though it is cancelled
	site     int
}

type outcomeKind int

const (
	succeeding outcomeKind = iota
	failing
	cancelling
)

type leafKind int

const (
	byCallSoon leafKind = iota
	byToThread
	byPromise
	byCallLater
	leafKinds
)

// planner makes plans.
type planner struct {
	choices
	last int // of the numbers that were given out
}

func (p *planner) id() int { p.last++; return p.last }

// duration returns one that no other event has, nor a sum of some.
func (p *planner) duration() time.Duration {
	odd := uint64(p.last+1) * 0x9e3779b97f4a7c15 >> 44 // about a million
	p.last++
	return time.Duration(1+p.below(200))*time.Millisecond + time.Duration(odd)*time.Nanosecond
}

// rarely returns a duration one time in n, else 0.
func (p *planner) rarely(n int) time.Duration {
	if p.below(n) != 1 {
		return 0
	}
	return p.duration()
}

func (p *planner) group(depth int) *groupPlan {
	g := &groupPlan{
		id:        p.id(),
		mode:      pending.Mode(p.below(4)),
		shield:    p.below(6) == 1,
		timeout:   p.rarely(5),
		cancelled: p.rarely(5),
		swallow:   p.below(4) == 1,
	}
	for range p.below(4) {
		g.leaves = append(g.leaves, p.leaf())
	}
	if p.below(3) == 1 {
		g.loop = &loopPlan{limit: 1 + p.below(3), leave: 1 + p.below(6), rest: p.duration()}
		for range 1 + p.below(6) {
			g.loop.leaves = append(g.loop.leaves, p.leaf())
		}
	}
	if depth == maxDepth {
		return g
	}
	for range p.below(3) {
		g.functions = append(g.functions, p.group(depth+1))
	}
	if p.below(2) == 1 {
		g.inner = p.group(depth + 1)
	}
	return g
}

func (p *planner) leaf() *leafPlan {
	l := &leafPlan{
		id:       p.id(),
		takes:    p.duration(),
		outcome:  []outcomeKind{succeeding, succeeding, succeeding, succeeding, failing, cancelling}[p.below(6)],
		how:      leafKind(p.below(int(leafKinds))),
		stubborn: p.below(6) == 1,
		site:     p.below(3),
	}
	l.stubborn = l.stubborn && l.how != byCallLater // which never begins when it is cancelled
	return l
}

// history is what has become of a program: of its leaves and functions, and of
// its groups, by their ids.
type history struct {
	mu      sync.Mutex
	begin   time.Time
	members map[int]memberEnd
	groups  map[int]error
}

type memberEnd struct {
	kind outcomeKind
	at   time.Duration
}

func newHistory() *history {
	return &history{begin: time.Now(), members: make(map[int]memberEnd), groups: make(map[int]error)}
}

func (h *history) watch(id int, p pending.Handle) {
	p.OnDone(func(p pending.Handle) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.members[id] = memberEnd{kindOf(p.Err()), time.Since(h.begin)}
	})
}

func kindOf(err error) outcomeKind {
	switch {
	case err == nil:
		return succeeding
	case errors.Is(err, context.Canceled):
		return cancelling
	default:
		return failing
	}
}

// stage is where a program runs.
type stage struct {
	*history
	callers []*actors.Caller
}

// run runs a group, and notes how it ends.
func (s *stage) run(ctx context.Context, g *groupPlan) error {
	opts := []pending.GroupOption{pending.WithMode(g.mode)}
	if g.shield {
		opts = append(opts, pending.WithShield())
	}
	if g.timeout > 0 {
		opts = append(opts, pending.WithTimeout(g.timeout))
	}
	err := pending.Run(ctx, func(ctx context.Context) error { return s.body(ctx, g) }, opts...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[g.id] = err
	return err
}

func (s *stage) body(ctx context.Context, g *groupPlan) error {
	if g.cancelled > 0 {
		group, _ := pending.CurrentTracker[*pending.Group](ctx)
		time.AfterFunc(g.cancelled, func() { group.Cancel(nil) })
	}
	for _, l := range g.leaves {
		s.start(ctx, l)
	}
	for _, f := range g.functions {
		s.watch(-f.id, actors.CallSoon(ctx, s.callers[f.id%len(s.callers)], func(ctx context.Context) (int, error) {
			return 0, s.run(ctx, f)
		}))
	}
	if g.loop != nil {
		if err := s.iterate(ctx, g.loop); err != nil {
			return err
		}
	}
	if g.inner == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	if err := s.run(ctx, g.inner); err != nil && !g.swallow {
		return err
	}
	return nil
}

func (s *stage) iterate(ctx context.Context, l *loopPlan) error {
	calls := func(yield func(*pending.Pending[int]) bool) {
		for _, leaf := range l.leaves {
			if !yield(s.start(ctx, leaf)) {
				return
			}
		}
	}
	n := 0
	for p, err := range pending.AsCompleted(ctx, calls, pending.MaxConcurrent(l.limit)) {
		if p == nil {
			return err
		}
		if n++; n == l.leave {
			break
		}
	}
	return actors.Sleep(ctx, l.rest)
}

// start makes the call of a leaf.
func (s *stage) start(ctx context.Context, l *leafPlan) (p *pending.Pending[int]) {
	c := s.callers[l.site%len(s.callers)]
	switch l.how {
	case byCallSoon:
		p = actors.CallSoon(ctx, c, l.call)
	case byToThread:
		p = actors.ToThread(ctx, c, l.call)
	case byCallLater:
		p = actors.CallLater(ctx, c, l.takes, l.end)
	default:
		p = l.promise(ctx)
	}
	s.watch(l.id, p)
	return p
}

func (l *leafPlan) call(ctx context.Context) (int, error) {
	sleep := ctx
	if l.stubborn {
		sleep = context.WithoutCancel(ctx)
	}
	if err := actors.Sleep(sleep, l.takes); err != nil {
		return 0, err
	}
	return l.end(ctx)
}

func (l *leafPlan) end(ctx context.Context) (int, error) {
	switch l.outcome {
	case failing:
		return 0, errBoom
	case cancelling:
		own, _ := pending.Current(ctx)
		own.Cancel(nil)
	}
	return l.id, nil
}

func (l *leafPlan) promise(ctx context.Context) *pending.Pending[int] {
	p := pending.New[int](ctx, future.Tracked)
	if l.stubborn {
		p.SetCanceller(func(error) {})
	}
	timer := time.AfterFunc(l.takes, func() {
		p.SetError([]error{nil, errBoom, context.Canceled}[l.outcome])
	})
	p.OnDone(func(pending.Handle) { timer.Stop() })
	return p
}
