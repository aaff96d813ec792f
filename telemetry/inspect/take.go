package inspect

import (
	"context"
	"errors"
	"path"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
)

// Take returns what the callers of a system do now. It does not stop them: it holds the
// lock of one caller at a time, for a time that [Limit] bounds. So callers may be seen at
// slightly different times. A system without callers has an empty snapshot.
//
// The error is the cause of ctx if that ends first, or that of a malformed [Names].
// Take may be called from any goroutine.
func Take(ctx context.Context, system *actor.ActorSystem, opts ...Option) (*Snapshot, error) {
	if ctx == nil {
		panic("inspect: Take with a nil context")
	}
	if system == nil {
		panic("inspect: Take with a nil system")
	}
	return take(ctx, system, newOptions(opts))
}

func take(ctx context.Context, system *actor.ActorSystem, o options) (*Snapshot, error) {
	if _, err := path.Match(o.filter.Name, ""); err != nil {
		return nil, errors.New("inspect: Names(" + o.filter.Name + "): " + err.Error())
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	source := sourceOf(system)
	picture := &snapshot.System{ID: system.ID, Started: time.Now()}
	if source != nil {
		var err error
		if picture, err = source.Picture(ctx, o.query()); err != nil {
			return nil, err
		}
	}
	s := newSnapshot(picture)
	if nodes := nodesOf(system); nodes != nil {
		s.addNode(nodes.Node(o.limit))
		if o.nodes {
			s.ask(ctx, nodes, o)
		}
	}
	return s, nil
}

// sourceOf returns what knows the callers of a system. It is nil if there were none.
func sourceOf(system *actor.ActorSystem) snapshot.Source {
	process, _ := system.ProcessRegistry.GetLocal(snapshot.SourceID)
	source, _ := process.(snapshot.Source)
	return source
}

func newSnapshot(p *snapshot.System) *Snapshot {
	now := time.Now()
	s := &Snapshot{
		Version: Version, System: snapshot.Clean(p.ID), Taken: now, Sequence: p.Sequence,
		Truncated: p.Omitted > 0, Omitted: p.Omitted,
		Callers: make([]*Caller, 0, len(p.Callers)), Failures: make([]Failure, 0, len(p.Failures)), Stopped: make([]Stopped, 0, len(p.Stopped)),
	}
	if !p.Started.IsZero() { // as another node may say
		s.Uptime = Seconds(now.Sub(p.Started))
	}
	for i := range p.Callers {
		s.Callers = append(s.Callers, newCaller(&p.Callers[i], now))
	}
	for _, f := range p.Failures {
		s.Failures = append(s.Failures, Failure{f.Time, snapshot.CleanID(f.Caller), snapshot.Clean(f.Call), snapshot.Clean(f.Error)})
	}
	for _, c := range p.Stopped {
		s.Stopped = append(s.Stopped, Stopped{c.Time, snapshot.CleanID(c.ID), c.Counters.Restarts, newCounters(c.Counters)})
	}
	s.addChildren()
	s.addMakers()
	s.findCircles()
	return s
}

func newCaller(p *snapshot.Caller, now time.Time) *Caller {
	c := &Caller{
		ID: snapshot.CleanID(p.ID), Name: snapshot.Clean(p.Name), Parent: snapshot.CleanID(p.Parent), State: p.State, Backend: p.Backend, Host: snapshot.Clean(p.Host),
		Adopted: p.Adopted, Worker: p.Worker, Protected: p.Protected, NonReentrant: p.NonReentrant,
		Limits: Limits{p.Limits.Queued, p.Limits.Suspended, p.Limits.Workers, Seconds(p.Limits.Turn), Seconds(p.Limits.Stop)},
		Queued: p.Queued, Handling: p.Handling, SuspendedN: p.SuspendedN, DelayedN: p.DelayedN,
		Children: []string{}, Suspended: []*Call{}, Delayed: []*Call{}, Queues: []Queue{},
		Workers: Workers(p.Workers), Restarts: p.Counters.Restarts,
		Counters: newCounters(p.Counters),
	}
	if p.OldestQueued != nil {
		c.OldestQueued = newCall(p.OldestQueued, c.ID, now).Age
	}
	if p.Running != nil {
		c.Running = newCall(p.Running, c.ID, now)
	}
	for i := range p.Suspended {
		c.Suspended = append(c.Suspended, newCall(&p.Suspended[i], c.ID, now))
	}
	for i := range p.Delayed {
		call := newCall(&p.Delayed[i].Call, c.ID, now)
		call.State, call.Due = "delayed", &p.Delayed[i].Due
		c.Delayed = append(c.Delayed, call)
	}
	for _, q := range p.Queues {
		c.Queues = append(c.Queues, Queue{snapshot.Clean(q.Name), q.Items, q.Failed, q.Capacity})
	}
	return c
}

func newCounters(p snapshot.Counters) Counters {
	return Counters{p.Calls, p.Failures, p.Panics, p.Cancelled, p.Refused}
}

func newCall(p *snapshot.Call, caller string, now time.Time) *Call {
	c := &Call{
		ID: p.ID, Name: snapshot.Clean(p.Name), Caller: caller, State: string(p.State), TraceID: p.TraceID, SpanID: p.SpanID,
	}
	if !p.Since.IsZero() {
		since, age := p.Since, Seconds(max(0, now.Sub(p.Since)))
		c.Since, c.Age = &since, &age
	}
	if !p.Before.IsZero() && now.After(p.Before) {
		age := Seconds(now.Sub(p.Before))
		c.Age, c.AtLeast = &age, true
	}
	if p.ParentSpan != "" || p.Maker != nil {
		c.MadeBy = &Maker{SpanID: p.ParentSpan}
	}
	if m := p.Maker; m != nil {
		c.MadeBy.Call, c.MadeBy.Name, c.MadeBy.Caller = m.Call, snapshot.Clean(m.Name), snapshot.CleanID(m.Caller)
	}
	if w := p.WaitsFor; w != nil {
		c.WaitsFor = &Wait{snapshot.Clean(w.What), w.Kind, w.Call, snapshot.CleanID(w.Caller), w.Needs, w.Any, w.Promises}
	}
	if g := p.Progress; g != nil {
		c.Progress = &Progress{g.Done, g.Total, snapshot.Clean(g.Text)}
	}
	return c
}

// addMakers sets which calls have made others, by their spans. It is known of those that were
// made while somebody looked.
func (s *Snapshot) addMakers() {
	bySpan := make(map[string]*Call)
	for _, c := range s.Callers {
		for _, call := range c.started() {
			bySpan[call.SpanID] = call
		}
	}
	for _, c := range s.Callers {
		for _, call := range slices.Concat(c.started(), c.Delayed) {
			m := call.MadeBy
			if m == nil || m.Call != 0 {
				continue
			}
			if maker := bySpan[m.SpanID]; maker != nil && maker != call {
				m.Call, m.Name, m.Caller = maker.ID, maker.Name, maker.Caller
			}
		}
	}
}

// addNode sets what the system has to do with other nodes, and which of them have made calls.
func (s *Snapshot) addNode(p *snapshot.Node) {
	s.Node = newNode(p)
	calls := s.callsByID()
	for i := range s.Node.Calls {
		c := &s.Node.Calls[i]
		call := calls[c.Call]
		if c.Out || call == nil {
			continue
		}
		if call.MadeBy == nil {
			call.MadeBy = &Maker{}
		}
		call.MadeBy.Node = c.Peer
	}
}

// addChildren sets the children of the callers.
func (s *Snapshot) addChildren() {
	byID := make(map[string]*Caller, len(s.Callers))
	for _, c := range s.Callers {
		byID[c.ID] = c
	}
	for _, c := range s.Callers {
		if parent := byID[c.Parent]; parent != nil {
			parent.Children = append(parent.Children, c.ID)
		}
	}
}
