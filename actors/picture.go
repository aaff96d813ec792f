package actors

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

var _ snapshot.Source = (*registry)(nil)

// mostNeeds bounds how much is looked at for what one call needs.
const mostNeeds = 64

// mostWatched bounds the callers, and the calls of each, whose ages are found out.
const mostWatched = 10_000

// Picture implements [snapshot.Source].
func (r *registry) Picture(ctx context.Context, q snapshot.Query) (*snapshot.System, error) {
	s, err := r.picture(ctx, q)
	if err != nil {
		return nil, err
	}
	s.Sequence = r.pictures.Add(1)
	if q.Ages {
		r.clock.Look(s, func() *snapshot.System {
			all, _ := r.picture(context.Background(), snapshot.Query{Limit: mostWatched})
			return all
		})
	}
	return s, nil
}

func (r *registry) picture(ctx context.Context, q snapshot.Query) (*snapshot.System, error) {
	s := &snapshot.System{ID: r.system.ID, Started: r.started, Failures: r.failures.all(), Stopped: r.stopped.all()}
	callers := r.all(func(*Caller) bool { return true })
	slices.SortFunc(callers, func(a, b *Caller) int { return strings.Compare(a.ID(), b.ID()) })
	var idle []snapshot.Caller // they are shown if there is room
	for _, c := range callers {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		picture := c.outline()
		if q.Keep != nil && !q.Keep(picture) {
			continue
		}
		s.Omitted++
		c.draw(&picture, q.Limit)
		switch {
		case !picture.IsIdle() && len(s.Callers) < q.Limit:
			s.Callers = append(s.Callers, picture)
		case picture.IsIdle() && len(idle) < q.Limit:
			idle = append(idle, picture)
		}
	}
	s.Callers = append(s.Callers, idle[:min(len(idle), q.Limit-len(s.Callers))]...)
	slices.SortFunc(s.Callers, func(a, b snapshot.Caller) int { return strings.Compare(a.ID, b.ID) })
	s.Omitted -= len(s.Callers)
	return s, nil
}

// CancelCall implements [snapshot.Source].
func (r *registry) CancelCall(id uint64, cause error) bool {
	for _, c := range r.all(func(*Caller) bool { return true }) {
		for _, t := range c.sched.Active() {
			if h := t.Work(); h.ID() == id {
				return h.Cancel(cause)
			}
		}
		if t := c.delayedCall(id); t != nil {
			return t.Cancel(cause)
		}
	}
	return false
}

// StopCaller implements [snapshot.Source].
func (r *registry) StopCaller(id string, cause error) bool {
	c, ok := r.lookup(id)
	if !ok {
		shown := r.all(func(c *Caller) bool { return snapshot.CleanID(c.ID()) == id })
		if len(shown) != 1 {
			return false
		}
		c = shown[0]
	}
	c.stopApart(cause)
	return true
}

// outline returns what is known of a caller without its scheduler.
func (c *Caller) outline() snapshot.Caller {
	p := snapshot.Caller{
		ID: c.ID(), Name: c.Name(), State: c.State().String(), Backend: c.Backend().String(), Host: c.config.HostName(),
		Adopted: c.external, Worker: c.worker != nil, Protected: c.Protected(), NonReentrant: c.config.NonReentrant,
		Limits: snapshot.Limits{
			Queued: c.config.MaxQueued, Suspended: c.config.MaxSuspended, Workers: c.config.WorkerLimit(),
			Turn: c.config.TurnWarning, Stop: c.config.StopTimeout,
		},
	}
	if c.parent != nil {
		p.Parent = c.parent.ID()
	}
	return p
}

// draw adds what the caller does, with up to limit of its calls.
func (c *Caller) draw(p *snapshot.Caller, limit int) {
	now := c.sched.Picture(limit)
	p.Queued, p.SuspendedN = now.Queued+c.uncounted(), now.Waits
	if now.Oldest != nil {
		p.OldestQueued = callPicture(sched.TaskPicture{Task: now.Oldest}, snapshot.Queued)
	}
	switch {
	case now.Current != nil:
		p.Running = callPicture(*now.Current, snapshot.Running)
	case now.Busy && !now.Paused:
		p.Handling = true
	}
	for _, t := range now.Waiting {
		p.Suspended = append(p.Suspended, *callPicture(t, snapshot.Waiting))
	}
	c.mu.Lock()
	p.Children = len(c.children)
	var timers *timers
	var workers *pool
	var queues []pending.Handle
	if cold := c.coldState; cold != nil {
		p.Counters = cold.counters
		timers, workers, queues = cold.timers, cold.workers, slices.Collect(maps.Keys(cold.queues))
	}
	c.mu.Unlock()
	p.Counters.Calls = now.Taken
	if timers != nil {
		p.Delayed, p.DelayedN = timers.picture(limit)
	}
	if workers != nil {
		p.Workers = workers.picture()
	}
	for _, q := range queues {
		if q, ok := q.(interface{ picture() snapshot.Queue }); ok && len(p.Queues) < limit {
			p.Queues = append(p.Queues, q.picture())
		}
	}
	slices.SortFunc(p.Queues, func(a, b snapshot.Queue) int { return strings.Compare(a.Name, b.Name) })
}

// callPicture returns what a task does. state is that of a task that does not wait.
func callPicture(t sched.TaskPicture, state snapshot.CallState) *snapshot.Call {
	h := t.Task.Work()
	c := &snapshot.Call{
		Key: t.Task, ID: h.ID(), Name: h.Name(), State: state,
		Maker: future.MakerOf(future.Of(h)), Progress: future.ProgressOf(future.Of(h)),
	}
	span := trace.SpanFromContext(h.Context())
	if own := span.SpanContext(); own.IsValid() {
		c.TraceID, c.SpanID = own.TraceID().String(), own.SpanID().String()
	}
	if child, ok := span.(interface{ Parent() trace.SpanContext }); ok && child.Parent().HasSpanID() { // as that of the SDK
		c.ParentSpan = child.Parent().SpanID().String()
	}
	switch {
	case t.Runnable:
		c.State = snapshot.Runnable
	case t.On.Began > 0:
		c.WaitsFor = waitPicture(t.On)
		if t.Keeps {
			c.State = snapshot.Keeping
		}
	}
	return c
}

// waitPicture returns what a wait needs.
func waitPicture(w future.Wait) *snapshot.Wait {
	p := &snapshot.Wait{Number: w.Began}
	node := w.For
	if w.On != nil {
		p.What = w.On.Name()
		if t, ok := future.RunnerOf(w.On).(*sched.Task); ok {
			p.Kind, p.Call, p.Caller = "call", w.On.ID(), t.Owner().Name()
			p.Needs = []uint64{p.Call}
			return p
		}
		p.Promises = []uint64{w.On.ID()}
		node = future.NodeOf(w.On)
	}
	if node != nil {
		p.What = cmp.Or(node.What(), p.What)
		var promises []uint64
		p.Needs, promises, p.Any = callsNeeded(node)
		p.Promises = append(p.Promises, promises...)
	}
	p.What = cmp.Or(p.What, "several calls")
	p.Kind = kindOf(p.What)
	return p
}

// callsNeeded returns the ids of the calls that a node needs. It also returns those of
// the pendings that no function of this system completes. It reports whether one of them
// is enough.
func callsNeeded(node future.Node) (ids, promises []uint64, oneIsEnough bool) {
	var unknown []*future.Core
	note := func(h *future.Core) {
		if len(unknown) < mostNeeds && !h.IsDone() {
			unknown = append(unknown, h)
		}
	}
	seen := map[future.Node]bool{node: true}
	for open := []future.Node{node}; len(open) > 0; open = open[1:] {
		needs := future.Needs{Limit: mostNeeds, Every: true, Unknown: note}
		open[0].Needs(&needs)
		oneIsEnough = oneIsEnough || needs.Any
		for _, n := range needs.Nodes {
			if len(seen) == mostNeeds || seen[n] {
				continue
			}
			seen[n] = true
			if t, ok := n.(*sched.Task); ok {
				ids = append(ids, t.Work().ID())
			} else {
				open = append(open, n)
			}
		}
	}
	for _, h := range unknown {
		promises = append(promises, h.ID())
	}
	return ids, promises, oneIsEnough
}

// kinds say what kind of thing is waited for, by the beginning of its name.
var kinds = [...]struct{ prefix, kind string }{
	{"queue room", "queue"}, {"room in", "queue"},
	{"a worker of", "worker"},
	{"the end of", "end"}, {"end of", "end"}, {"drain of", "end"},
	{"the turn of", "turn"},
	{"a mutex", "lock"}, {"mutex", "lock"}, {"a semaphore", "lock"}, {"semaphore", "lock"},
	{"pending.Group", "group"},
	{"actors.Sleep", "timer"},
	{"several calls", "calls"},
}

func kindOf(what string) string {
	for _, k := range kinds {
		if strings.HasPrefix(what, k.prefix) {
			return k.kind
		}
	}
	return "promise"
}

// picture returns the delayed calls, up to limit, and their number.
func (ts *timers) picture(limit int) (calls []snapshot.Delayed, n int) {
	ts.mu.Lock()
	due := slices.Clone(ts.heap)
	n = ts.calls
	ts.mu.Unlock()
	slices.SortFunc(due, (*timer).compare)
	for _, t := range due {
		if t.call == nil || len(calls) == limit {
			continue
		}
		task := sched.TaskPicture{Task: t.call.schedulable()}
		calls = append(calls, snapshot.Delayed{Call: *callPicture(task, snapshot.Queued), Due: t.due})
	}
	return calls, n
}

func (p *pool) picture() snapshot.Workers {
	p.mu.Lock()
	defer p.mu.Unlock()
	return snapshot.Workers{Total: len(p.workers), Idle: p.idle.Len(), Queued: p.queue.Len()}
}

func (q *queueTask[A]) picture() snapshot.Queue {
	name := q.Name()
	q.mu.Lock()
	defer q.mu.Unlock()
	return snapshot.Queue{Name: name, Items: q.items.Len(), Failed: q.failed, Capacity: q.capacity}
}

// delayedCall returns the call with an id that is to be queued later, or nil.
func (c *Caller) delayedCall(id uint64) work {
	c.mu.Lock()
	var ts *timers
	if c.coldState != nil {
		ts = c.coldState.timers
	}
	c.mu.Unlock()
	if ts == nil {
		return nil
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, t := range ts.heap {
		if t.call != nil && t.call.ID() == id {
			return t.call
		}
	}
	return nil
}
