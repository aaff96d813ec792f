package sched

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// Some pendings that another system completes, and a scheduler whose first function waits.
type elsewhere struct {
	*Scheduler
	a, b, c *pending.Pending[int]
	names   map[*future.Core]string
}

func newElsewhere(options Options) *elsewhere {
	s, _ := newScheduler("s", options)
	s.Ungate()
	e := &elsewhere{Scheduler: s, names: make(map[*future.Core]string)}
	for name, p := range map[string]**pending.Pending[int]{"a": &e.a, "b": &e.b, "c": &e.c} {
		*p = pending.New[int](context.Background())
		e.names[future.Of(*p)] = name
	}
	return e
}

// ways returns the sets of pendings of which a call needs one, by name, and the ways there.
func (e *elsewhere) ways(c *fakeCall) (sets []string, ways []WayOut) {
	ways = WaysOut(future.Of(c), func(p *future.Core) (string, bool) {
		name, ok := e.names[p]
		return name, ok
	})
	for _, w := range ways {
		var names []string
		for _, exit := range w.Exits {
			names = append(names, e.names[exit])
		}
		slices.Sort(names)
		sets = append(sets, strings.Join(names, " or "))
	}
	return sets, ways
}

func (e *elsewhere) complete(t *testing.T) {
	e.a.SetResult(1)
	e.b.SetResult(2)
	e.c.SetResult(3)
	waitIdle(t, e.Scheduler)
}

func TestWhatAFunctionNeedsElsewhere(t *testing.T) {
	other := func(context.Context) *pending.Pending[int] {
		p := pending.New[int](context.Background())
		p.SetResult(0)
		return p
	}
	for _, test := range []struct {
		name string
		wait func(ctx context.Context, e *elsewhere) error
		want []string
	}{
		{"one", func(ctx context.Context, e *elsewhere) error { _, err := e.a.Wait(ctx); return err }, []string{"a"}},
		{"what is made of one", func(ctx context.Context, e *elsewhere) error {
			_, err := pending.Then(e.a, func(n int) (int, error) { return n, nil }).Wait(ctx)
			return err
		}, []string{"a"}},
		{"what one completes", func(ctx context.Context, e *elsewhere) error {
			_, err := pending.New[int](ctx, pending.CompletedBy(e.a)).Wait(ctx, pending.Shield())
			return err
		}, []string{"a"}},
		{"all of several", func(ctx context.Context, e *elsewhere) error {
			_, err := pending.All(ctx, e.a, e.b, other(ctx))
			return err
		}, []string{"a", "b"}},
		{"one of several", func(ctx context.Context, e *elsewhere) error { _, err := pending.Any(ctx, e.a, e.b); return err }, []string{"a or b"}},
		{"one of several, or somebody", func(ctx context.Context, e *elsewhere) error {
			_, err := pending.Any(ctx, e.a, e.b, pending.New[int](ctx))
			return err
		}, nil},
		{"one of one", func(ctx context.Context, e *elsewhere) error { _, err := pending.Any(ctx, e.a); return err }, []string{"a"}},
		{"with a time limit", func(ctx context.Context, e *elsewhere) error {
			_, err := e.a.Wait(ctx, pending.Timeout(time.Hour))
			return err
		}, nil},
		{"nothing", func(context.Context, *elsewhere) error { synctest.Wait(); return nil }, nil},
	} {
		for _, keeps := range []bool{false, true} {
			t.Run(test.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					e := newElsewhere(Options{NonReentrant: keeps})
					end := make(chan struct{})
					ctx, cancel := context.WithCancel(context.Background())
					first := newCall(ctx, e.Scheduler, func(ctx context.Context) (int, error) {
						if test.want == nil && test.name == "nothing" {
							<-end
							return 0, nil
						}
						return 0, test.wait(ctx, e)
					})
					require.NoError(t, e.Submit(&first.task, 0))
					synctest.Wait()
					second := submit(t, e.Scheduler, func(context.Context) (int, error) { return 0, nil })
					synctest.Wait()
					got, _ := e.ways(first)
					assert.ElementsMatch(t, test.want, got)
					got, _ = e.ways(second)
					if !keeps {
						assert.Empty(t, got)
					} else {
						assert.ElementsMatch(t, test.want, got, "it needs the turn")
					}
					close(end)
					cancel()
					e.complete(t)
				})
			})
		}
	}
}

func TestAWayOutIsThatOfItsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newElsewhere(Options{NonReentrant: true})
		errCircle := errors.New("a circle")
		var failed error
		first := submit(t, e.Scheduler, func(ctx context.Context) (int, error) {
			_, failed = e.a.Wait(ctx)
			return e.a.Wait(ctx)
		})
		second := submit(t, e.Scheduler, func(context.Context) (int, error) { return 0, nil })
		synctest.Wait()
		_, ways := e.ways(second)
		_, again := e.ways(second)
		require.Len(t, ways, 1)
		assert.Equal(t, ways[0].Print, again[0].Print)
		assert.Equal(t, []string{"s"}, ways[0].Names)
		require.Len(t, ways[0].Steps, 2)
		assert.Regexp(t, " of s waits for the turn of s$", ways[0].Steps[0])
		assert.Regexp(t, " of s waits for a$", ways[0].Steps[1])
		_, own := e.ways(first)
		assert.Equal(t, own[0].Began, ways[0].Began, "the queued call has no wait")
		assert.NotEqual(t, own[0].Print, ways[0].Print, "its way is another one")

		ways[0].Fail(errCircle)
		synctest.Wait()
		require.ErrorIs(t, failed, errCircle)
		_, other := e.ways(second)
		assert.NotEqual(t, ways[0].Print, other[0].Print, "it is another wait by now")
		ways[0].Fail(errCircle) // which is over
		e.complete(t)
		_, err := first.Result()
		require.NoError(t, err)
	})
}

// Of a function that is queued behind many others nothing is known.
func TestALargeGraphHasNoWaysOut(t *testing.T) {
	chain := make([]*fakeNode, elsewhereBudget+1)
	p := future.Of(pending.New[int](t.Context()))
	for i := range chain {
		chain[i] = &fakeNode{needs: []future.Node{exitNode{p, "p"}}}
		if i > 0 {
			chain[i-1].needs = []future.Node{chain[i]}
		}
	}
	live := func(from *fakeNode) bool {
		g := outside(from, func(*future.Core) future.Node { return nil })
		defer g.recycle()
		return g.nodes[0].live
	}
	assert.False(t, live(chain[len(chain)-100]))
	assert.True(t, live(chain[0]))
}

func TestTheSmallestSetsOfExitsThatAreNeeded(t *testing.T) {
	a, b, c, d := exitNode{what: "a"}, exitNode{what: "b"}, exitNode{what: "c"}, exitNode{what: "d"}
	all := func(nodes ...future.Node) *fakeNode { return &fakeNode{needs: nodes} }
	anyOf := func(nodes ...future.Node) *fakeNode { return &fakeNode{needs: nodes, any: true} }
	back := anyOf(d)
	back.needs = append(back.needs, all(back)) // a circle within the node, which d alone ends
	for _, test := range []struct {
		root *fakeNode
		want [][]string
	}{
		{anyOf(a, b), [][]string{{"a", "b"}}},
		{all(c, anyOf(a, b)), [][]string{{"c"}, {"a", "b"}}},
		{all(anyOf(a, b), anyOf(b, c)), [][]string{{"b", "c"}, {"a", "b"}}},
		{all(anyOf(a, b), anyOf(c, d)), [][]string{{"c", "d"}, {"a", "b"}}},
		{anyOf(a, all(b, c)), [][]string{{"a", "c"}, {"a", "b"}}},
		{anyOf(a, all(a, b)), [][]string{{"a"}}},
		{anyOf(a, all()), nil},
		{all(anyOf(a, back)), [][]string{{"a", "d"}}},
	} {
		g := outside(test.root, func(*future.Core) future.Node { return nil })
		r := reduction{graph: g, all: slices.Clone(g.nodes), budget: wayBudget}
		for _, exit := range []exitNode{a, b, c, d} {
			if i := g.indexOf(exit); i >= 0 && !g.nodes[0].live {
				r.exits = append(r.exits, i)
			}
		}
		var got [][]string
		for _, set := range r.sets() {
			var names []string
			for _, i := range set {
				names = append(names, g.nodes[i].node.What())
			}
			got = append(got, names)
		}
		assert.Equal(t, test.want, got)
		g.recycle()
	}
}

// There are many sets. Some are found, with bounded work.
func TestSetsOfExitsAreFoundWithBoundedWork(t *testing.T) {
	root := &fakeNode{}
	var exits []future.Node
	for i := range mostExits / 2 {
		pair := []future.Node{exitNode{what: fmt.Sprint(i)}, exitNode{what: fmt.Sprint(-i - 1)}}
		exits = append(exits, pair...)
		root.needs = append(root.needs, &fakeNode{needs: pair, any: true})
	}
	g := outside(root, func(*future.Core) future.Node { return nil })
	defer g.recycle()
	r := reduction{graph: g, all: slices.Clone(g.nodes), budget: wayBudget}
	for _, exit := range exits {
		r.exits = append(r.exits, g.indexOf(exit))
	}
	assert.NotEmpty(t, r.sets())
	assert.GreaterOrEqual(t, r.budget, 0)
	for _, set := range r.found {
		assert.Len(t, set, 2)
	}
}
