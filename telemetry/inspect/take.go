package inspect

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
	"unicode"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
)

// mostText bounds each name and error that is shown, in bytes.
const mostText = 256

// hashBytes is how much of the hash of an id is shown.
const hashBytes = 8

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
	if _, err := path.Match(o.name, ""); err != nil {
		return nil, errors.New("inspect: Names(" + o.name + "): " + err.Error())
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	source := sourceOf(system)
	if source == nil {
		return newSnapshot(&snapshot.System{ID: system.ID, Started: time.Now()}), nil
	}
	picture, err := source.Picture(ctx, o.query())
	if err != nil {
		return nil, err
	}
	return newSnapshot(picture), nil
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
		Version: Version, System: p.ID, Taken: now, Uptime: Seconds(now.Sub(p.Started)), Sequence: p.Sequence,
		Truncated: p.Omitted > 0, Omitted: p.Omitted,
		Callers: make([]*Caller, 0, len(p.Callers)), Failures: make([]Failure, 0, len(p.Failures)),
	}
	for i := range p.Callers {
		s.Callers = append(s.Callers, newCaller(&p.Callers[i], now))
	}
	for _, f := range p.Failures {
		s.Failures = append(s.Failures, Failure{f.Time, cleanID(f.Caller), clean(f.Call), clean(f.Error)})
	}
	s.addChildren()
	s.findCircles()
	return s
}

func newCaller(p *snapshot.Caller, now time.Time) *Caller {
	c := &Caller{
		ID: cleanID(p.ID), Name: clean(p.Name), Parent: cleanID(p.Parent), State: p.State, Backend: p.Backend, Host: clean(p.Host),
		Adopted: p.Adopted, Worker: p.Worker, Protected: p.Protected, NonReentrant: p.NonReentrant,
		Limits: Limits{p.Limits.Queued, p.Limits.Suspended, p.Limits.Workers, Seconds(p.Limits.Turn), Seconds(p.Limits.Stop)},
		Queued: p.Queued, Handling: p.Handling, SuspendedN: p.SuspendedN, DelayedN: p.DelayedN,
		Children: []string{}, Suspended: []*Call{}, Delayed: []*Call{}, Queues: []Queue{},
		Workers: Workers(p.Workers), Restarts: p.Counters.Restarts,
		Counters: Counters{p.Counters.Calls, p.Counters.Failures, p.Counters.Panics, p.Counters.Cancelled, p.Counters.Refused},
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
		c.Queues = append(c.Queues, Queue{clean(q.Name), q.Items, q.Failed, q.Capacity})
	}
	return c
}

func newCall(p *snapshot.Call, caller string, now time.Time) *Call {
	c := &Call{
		ID: p.ID, Name: clean(p.Name), Caller: caller, State: string(p.State), TraceID: p.TraceID, SpanID: p.SpanID,
	}
	if !p.Since.IsZero() {
		since, age := p.Since, Seconds(max(0, now.Sub(p.Since)))
		c.Since, c.Age = &since, &age
	}
	if !p.Before.IsZero() && now.After(p.Before) {
		age := Seconds(now.Sub(p.Before))
		c.Age, c.AtLeast = &age, true
	}
	if w := p.WaitsFor; w != nil {
		c.WaitsFor = &Wait{clean(w.What), w.Kind, w.Call, cleanID(w.Caller), w.Needs, w.Any}
	}
	if g := p.Progress; g != nil {
		c.Progress = &Progress{g.Done, g.Total, clean(g.Text)}
	}
	return c
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

// cleanID returns the id of a caller as it is shown. Callers whose ids differ beyond what is
// shown have a hash at the end, so that they are told apart.
func cleanID(id string) string {
	cut := clean(id)
	if cut == id {
		return id
	}
	return fmt.Sprintf("%s~%x", cut, sha256.Sum256([]byte(id)))[:len(cut)+1+2*hashBytes]
}

// clean returns text of user code on one line, without control characters, and cut.
func clean(text string) string {
	cut := text
	if len(cut) > mostText {
		cut = cut[:mostText]
	}
	cut = strings.ToValidUTF8(cut, "\uFFFD")
	cut = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, cut)
	if len(text) > mostText {
		cut += "…"
	}
	return cut
}
