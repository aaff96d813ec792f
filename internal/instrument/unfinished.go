package instrument

import (
	"container/heap"
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// openSpans are the spans of pendings that are not done. There is one timer for all of them.
// It is set for the first one that is due, and not for each call: most end before. Spans that
// were never reported are due in the order in which they began, so a list holds them.
type openSpans struct {
	instruments *Instruments
	after       time.Duration

	mu    sync.Mutex
	first *openSpan // of a ring of those that were never reported
	again openHeap  // the others
	timer *time.Timer
	armed bool // the timer will fire
}

// openSpan is one of them.
type openSpan struct {
	of     *observation
	name   string
	parent trace.SpanContext
	on     atomic.Pointer[future.Core] // what the function waits for; nil for nothing

	// Guarded by the mu of openSpans.
	due        time.Time
	next, prev *openSpan
	index      int           // in the heap
	interval   time.Duration // before due
	count      int           // of reports
	closed     bool
}

// openHeap implements [heap.Interface].
type openHeap []*openSpan

func (h openHeap) Len() int           { return len(h) }
func (h openHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }

func (h openHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements [heap.Interface].
func (h *openHeap) Push(x any) {
	e := x.(*openSpan)
	e.index = len(*h)
	*h = append(*h, e)
}

// Pop implements [heap.Interface].
func (h *openHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}

// add adds the span of an observation, which has that parent.
func (s *openSpans) add(o *observation, name string, parent trace.SpanContext) *openSpan {
	e := &openSpan{of: o, name: name, parent: parent, interval: s.after, due: o.began.Add(s.after)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.first == nil {
		s.first, e.next, e.prev = e, e, e
	} else {
		last := s.first.prev
		e.next, e.prev = s.first, last
		last.next, s.first.prev = e, e
	}
	if !s.armed {
		s.arm(e.due)
	}
	return e
}

// remove removes a span that ends, and returns how often it was reported.
func (s *openSpans) remove(e *openSpan) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !e.closed {
		e.closed = true
		s.unlink(e)
	}
	return e.count
}

// unlink removes a span from the list or from the heap. mu must be held.
func (s *openSpans) unlink(e *openSpan) {
	switch e.next {
	case nil:
		heap.Remove(&s.again, e.index)
	case e:
		s.first = nil
	default:
		e.next.prev, e.prev.next = e.prev, e.next
		if s.first == e {
			s.first = e.next
		}
	}
	e.next, e.prev = nil, nil
}

// arm has the timer fire at that time. mu must be held.
func (s *openSpans) arm(due time.Time) {
	s.armed = true
	if s.timer == nil {
		s.timer = time.AfterFunc(time.Until(due), s.fire)
		return
	}
	s.timer.Reset(time.Until(due))
}

// nextDue returns the span that is due first, or nil. mu must be held.
func (s *openSpans) nextDue() *openSpan {
	if len(s.again) > 0 && (s.first == nil || s.again[0].due.Before(s.first.due)) {
		return s.again[0]
	}
	return s.first
}

// fire reports what is due. The timer is set again only if something is open.
func (s *openSpans) fire() {
	var reports []func()
	now := time.Now()
	s.mu.Lock()
	s.armed = false
	for {
		e := s.nextDue()
		if e == nil {
			break
		}
		if e.due.After(now) {
			s.arm(e.due)
			break
		}
		e.interval *= 2
		reports = append(reports, s.reportOf(e))
	}
	s.mu.Unlock()
	for _, report := range reports {
		report() // without the lock: it calls samplers and span processors
	}
}

// reportOf counts a report of a span, and returns what makes it. mu must be held.
func (s *openSpans) reportOf(e *openSpan, more ...attribute.KeyValue) (report func()) {
	e.count++
	count := e.count
	s.unlink(e)
	e.due = time.Now().Add(e.interval)
	heap.Push(&s.again, e)
	return func() { s.report(e, count, more) }
}

// reportNow reports a span before it is due, if it is open.
func (s *openSpans) reportNow(span trace.Span, more ...attribute.KeyValue) {
	if e := s.find(span); e != nil {
		s.mu.Lock()
		report := func() {}
		if !e.closed {
			report = s.reportOf(e, more...)
		}
		s.mu.Unlock()
		report()
	}
}

// find returns the entry of a span, or nil. What it is for happens seldom.
func (s *openSpans) find(span trace.Span) *openSpan {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.again {
		if e.of.span == span {
			return e
		}
	}
	if s.first == nil {
		return nil
	}
	for e := s.first; ; e = e.next {
		switch {
		case e.of.span == span:
			return e
		case e.next == s.first:
			return nil
		}
	}
}

// report makes the span of a report.
func (s *openSpans) report(e *openSpan, count int, more []attribute.KeyValue) {
	defer survive()
	o := e.of
	own := o.span.SpanContext()
	parent := e.parent
	if !parent.IsValid() { // the call is the root of its trace
		parent = own
	}
	attributes := append([]attribute.KeyValue{UnfinishedKey.Int(count), text(StateKey, e.state())}, o.attributes...)
	attributes = append(attributes, more...)
	if o.function != nil {
		attributes = append(attributes, o.function.attribute)
	}
	_, span := s.instruments.startSpan(trace.ContextWithSpanContext(context.Background(), parent), e.name+" (unfinished)",
		trace.WithTimestamp(o.began), trace.WithLinks(trace.Link{SpanContext: own}), trace.WithAttributes(attributes...))
	span.End()
}

// state describes how far the call is.
func (e *openSpan) state() string {
	o := e.of
	if on := e.on.Load(); on != nil && o.suspended.Load() > 0 {
		return "waiting for " + whereabouts(on)
	}
	runner, ok := future.RunnerOf(o.pending).(interface{ Progress() string })
	switch {
	case !ok:
		return "not done"
	case o.source.function != nil && o.started.Load() == 0: // its task runs another item
		return "queued"
	default:
		return runner.Progress()
	}
}

// whereabouts returns the name of a pending, and the caller that its function is on.
func whereabouts(c *future.Core) string {
	where := []string{c.Name()}
	if on, ok := future.RunnerOf(c).(interface{ CallerName() string }); ok {
		where = append(where, "on", on.CallerName())
	}
	return strings.Join(where, " ")
}
