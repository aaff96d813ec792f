package rpc

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/probe"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/steps"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

const (
	// mostErrands is how many probes and calls wait to be looked at.
	mostErrands = 1024
	// restFactor bounds what the search costs: after some work there is a rest of so many times
	// its length.
	restFactor = 8
	// mostDescribed is how many hops of a circle an error describes.
	mostDescribed = 32
	// shortWork is not worth a rest.
	shortWork = time.Millisecond
)

// circles is the part that this node has in the search for circles of waits that lead through
// other nodes. Package probe says how that goes. It does nothing while no calls are open.
type circles struct {
	node  *node
	clock waitClock

	mu      sync.Mutex
	errands []errand
	busy    bool      // a goroutine deals with them
	wake    time.Time // when a timer adds one; zero for never

	// Of that goroutine.
	machine *probe.Machine[exit]
	now     time.Time
	exits   map[*future.Core]exit
	ids     map[uint64]bool // of exits; nil before somebody wants to know
}

// errand is a probe that has come for a call, or a call that is to be looked at.
type errand struct {
	entry entry       // nil for neither
	probe *wire.Probe // nil for a call
	back  exit        // where an answer to the probe goes
}

// entry is where the wait graph of another node leads into that of this one.
type entry interface {
	// needed returns what the other node needs here, or nil.
	needed() *future.Core
	// agrees reports whether both nodes know of the same items, so that none is on the way.
	agrees(items uint64) bool
	// exit returns what this node needs there, or nil.
	exit() *future.Core
}

// exit is where the wait graph of this node leads into that of another one: a call in a session.
type exit struct {
	session interface {
		probe(number uint64, p *wire.Probe)
	}
	number uint64
	asks   bool          // the other node answers questions
	items  func() uint64 // of a stream; nil for a call
	name   func() string
}

func (c *circles) init(n *node) {
	c.node = n
	c.clock.init()
	c.machine = probe.New[exit](n.incarnation, func() uint64 {
		var b [8]byte
		_, _ = rand.Read(b[:]) // it never fails
		return binary.LittleEndian.Uint64(b[:])
	})
}

// StepName names what deals with probes in a list of steps.
func (c *circles) StepName() string { return c.node.system.Address() }

// add has an errand done, unless there are too many.
func (c *circles) add(errands ...errand) {
	c.mu.Lock()
	room := max(0, mostErrands-len(c.errands))
	c.errands = append(c.errands, errands[:min(room, len(errands))]...)
	start := !c.busy && len(c.errands) > 0
	c.busy = c.busy || start
	c.mu.Unlock()
	if start {
		go steps.Before(c.node.steps(), c, "looks for circles", c.run)()
	}
}

// take returns the errands that there are. If there are none the goroutine is to end.
func (c *circles) take() (errands []errand) {
	c.mu.Lock()
	defer c.mu.Unlock()
	errands, c.errands = c.errands, nil
	c.busy = len(errands) > 0
	return errands
}

// run deals with errands until there are none.
func (c *circles) run() {
	for errands := c.take(); len(errands) > 0; errands = c.take() {
		began := time.Now()
		for _, s := range c.follow(errands, began) {
			s.Over.send(s.Probe)
		}
		if took := time.Since(began); took > shortWork {
			time.Sleep(restFactor * took)
		}
	}
}

// follow returns the probes that are to be sent.
func (c *circles) follow(errands []errand, now time.Time) (sends []probe.Send[exit]) {
	c.now, c.exits = now, c.node.exits()
	defer func() { c.exits, c.ids = nil, nil }()
	var roots []probe.Root[exit]
	for _, e := range errands {
		switch {
		case e.entry == nil:
		case e.probe == nil:
			if needed := e.entry.needed(); needed != nil && len(c.exits) > 0 {
				roots = append(roots, &root{c, needed})
			}
		default:
			sends = append(sends, c.receive(e)...)
		}
	}
	sends = append(sends, c.machine.Search(now, roots)...)
	sends = append(sends, c.machine.Lost(now, c.isOpen)...)
	more, next := c.machine.Tick(now)
	if next > 0 {
		c.wakeAfter(next)
	}
	return append(sends, more...)
}

// isOpen reports whether there is an exit of a number.
func (c *circles) isOpen(id uint64) bool {
	if c.ids == nil {
		c.ids = make(map[uint64]bool, len(c.exits))
		for p := range c.exits {
			c.ids[p.ID()] = true
		}
	}
	return c.ids[id]
}

// receive deals with a probe, and returns those that are to be sent because of it.
func (c *circles) receive(e errand) []probe.Send[exit] {
	p := e.probe
	if p.Phase == wire.Telling {
		if asked := e.entry.exit(); asked != nil && asked.ID() == p.Call {
			return c.machine.Told(c.now, p)
		}
		return nil
	}
	needed := e.entry.needed()
	switch {
	case needed != nil && len(c.exits) > 0 && e.entry.agrees(p.Items):
		return c.machine.Receive(c.now, p, &root{c, needed}, e.back)
	case p.Phase == wire.Asking || p.Phase == wire.Confirming:
		return []probe.Send[exit]{probe.TellNothing(p, e.back)}
	default:
		return nil
	}
}

// wakeAfter has the machine learn of the time.
func (c *circles) wakeAfter(d time.Duration) {
	at := c.now.Add(d)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.wake.IsZero() && !at.Before(c.wake) {
		return
	}
	c.wake = at
	time.AfterFunc(d, steps.Before(c.node.steps(), c, "goes on with circles", func() {
		c.mu.Lock()
		if c.wake.Equal(at) {
			c.wake = time.Time{}
		}
		c.mu.Unlock()
		c.add(errand{})
	}))
}

// root is a function of this node. It implements [probe.Root].
type root struct {
	circles *circles
	needed  *future.Core
}

// ID implements [probe.Root].
func (r *root) ID() uint64 { return r.needed.ID() }

// Ways implements [probe.Root].
func (r *root) Ways() (ways []probe.Way[exit]) {
	c := r.circles
	here := " on " + c.node.system.Address()
	for _, w := range sched.WaysOut(r.needed, c.elsewhere) {
		way := probe.Way[exit]{
			Print: w.Print, Age: c.clock.age(w.Began, c.now),
			Where: strings.Join(w.Names, here+" waits for ") + here, Text: strings.Join(w.Steps, "; "),
			Fail: func(circle []wire.Hop, next [][]int) { w.Fail(deadlock(circle, next)) },
		}
		for _, p := range w.Exits {
			e := c.exits[p]
			way.Exits = append(way.Exits, probe.Exit[exit]{ID: p.ID(), Over: e, Asks: e.asks})
		}
		ways = append(ways, way)
	}
	return ways
}

// elsewhere names a pending that another node completes.
func (c *circles) elsewhere(p *future.Core) (what string, ok bool) {
	e, ok := c.exits[p]
	if !ok {
		return "", false
	}
	return e.name(), true
}

// deadlock returns the error of a wait that is part of a circle. Next has which hops each hop waits
// for, any of which would be enough; nil if it is always the one behind it.
func deadlock(circle []wire.Hop, next [][]int) error {
	shown := circle[:min(len(circle), mostDescribed)]
	var names, steps []string
	for i, hop := range shown {
		name := clean(hop.Where)
		if next != nil {
			name += " waits for " + anyOf(circle, next[i])
		}
		names, steps = append(names, name), append(steps, clean(hop.Text))
	}
	between := ", "
	if next == nil {
		between = " waits for "
	}
	switch left := len(circle) - len(shown); {
	case left > 0:
		steps = append(steps, fmt.Sprintf("and %d more", left))
	case next == nil:
		names = append(names, names[0])
	}
	return fmt.Errorf("%w: %s (%s)", pending.ErrDeadlock, strings.Join(names, between), strings.Join(steps, "; "))
}

// anyOf names hops, each once.
func anyOf(circle []wire.Hop, hops []int) string {
	var names []string
	for _, i := range hops {
		if name := clean(circle[i].Where); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " or ")
}

// send sends a probe over an exit.
func (e exit) send(p *wire.Probe) {
	p.Items = 0
	if e.items != nil {
		p.Items = e.items()
	}
	e.session.probe(e.number, p)
}

// exits returns the calls of other nodes that are open, and the items that other nodes have to
// take, by what waits for them here.
func (n *node) exits() map[*future.Core]exit {
	exits := make(map[*future.Core]exit)
	out, in := n.peers.all()
	for _, o := range out {
		o.exits(exits)
	}
	for _, i := range in {
		i.exits(exits)
	}
	return exits
}

// exits adds the calls that the other node has.
func (o *outbound) exits(to map[*future.Core]exit) {
	var open []numbered[openCall]
	o.mu.Lock()
	asks := o.session.Asks()
	if !o.over && o.session.Probes() {
		o.session.Each(func(number uint64, call openCall, sent bool) {
			if sent {
				open = append(open, numbered[openCall]{number, call})
			}
		})
	}
	o.mu.Unlock()
	for _, one := range open {
		core := one.call.Core()
		e := exit{session: o, number: one.number, asks: asks, name: func() string { return core.Name() + " on " + o.address }}
		if items := one.call.Items(); items != nil {
			e.items = func() uint64 { return items.picture().Items }
		}
		to[core] = e
	}
}

// exits adds the streams whose items the other node has to take.
func (i *inbound) exits(to map[*future.Core]exit) {
	i.mu.Lock()
	asks := i.session.Asks()
	i.mu.Unlock()
	for _, one := range i.open() {
		if out := one.call.stream(); out != nil {
			if more := out.awaited(); more != nil {
				to[more] = exit{
					session: i, number: one.number, asks: asks, items: func() uint64 { return out.picture().Granted },
					name: func() string { return "the loop over its items on " + i.address },
				}
			}
		}
	}
}

// numbered is a call of a session, and its number.
type numbered[C any] struct {
	number uint64
	call   C
}

// lookAt has calls of a session looked at: all, or as many as there is time for.
func lookAt[C entry](c *circles, calls []numbered[C]) {
	slices.SortFunc(calls, func(a, b numbered[C]) int { return cmp.Compare(a.number, b.number) })
	first := 0
	if len(calls) > mostErrands { // each has its turn
		first = int(c.node.random() * float64(len(calls)))
	}
	errands := make([]errand, min(len(calls), mostErrands))
	for i := range errands {
		errands[i].entry = calls[(first+i)%len(calls)].call
	}
	c.add(errands...)
}

// ticked has the calls looked at whose items are taken here.
func (o *outbound) ticked() {
	var open []numbered[taken]
	o.mu.Lock()
	if !o.over && o.session.Probes() {
		o.session.Each(func(number uint64, call openCall, sent bool) {
			if sent && call.Items() != nil {
				open = append(open, numbered[taken]{number, taken{call}})
			}
		})
	}
	o.mu.Unlock()
	lookAt(&o.node.circles, open)
}

// ticked has the calls looked at that are open.
func (i *inbound) ticked() { lookAt(&i.node.circles, i.open()) }

// open returns the calls that are open, if the other node knows probes.
func (i *inbound) open() (open []numbered[*inboundCall]) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.over && i.session.Probes() {
		i.session.Each(func(number uint64, call *inboundCall) { open = append(open, numbered[*inboundCall]{number, call}) })
	}
	return open
}

// probe sends a probe about a call.
func (o *outbound) probe(number uint64, p *wire.Probe) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.over && o.session.Probe(number, p) {
		o.notify()
	}
}

// probe sends a probe about a call.
func (i *inbound) probe(number uint64, p *wire.Probe) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.over && i.session.Probe(number, p) {
		i.notify()
	}
}

// needed implements [entry]: the function that runs for the call.
func (c *inboundCall) needed() *future.Core {
	c.mu.Lock()
	h := c.handle
	c.mu.Unlock()
	if h == nil {
		h = c.node.dedup.handleOf(c)
	}
	if h == nil {
		return nil
	}
	return future.Of(h)
}

// agrees implements [entry]: as many items were sent as have come.
func (c *inboundCall) agrees(items uint64) bool {
	out := c.stream()
	return out == nil || out.picture().Items == items
}

// exit implements [entry]: what the function waits for that sends items.
func (c *inboundCall) exit() *future.Core {
	if out := c.stream(); out != nil {
		return out.awaited()
	}
	return nil
}

// stream returns who sends the items of the call, nil if it is for none.
func (c *inboundCall) stream() *outbox {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out
}

// taken is a stream of another node, as an [entry].
type taken struct{ call openCall }

// needed implements [entry]: the function that takes the items.
func (t taken) needed() *future.Core { return t.call.Taker() }

// exit implements [entry]: the call.
func (t taken) exit() *future.Core { return t.call.Core() }

// agrees implements [entry]: the function may send as many items as were granted.
func (t taken) agrees(items uint64) bool {
	stream := t.call.Items()
	return stream != nil && stream.picture().Granted == items
}

// awaited returns what is done when there is credit, nil if nobody waits for that.
func (c *credit) awaited() *future.Core {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.more == nil {
		return nil
	}
	return future.Of(c.more)
}
