package instrument

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"
)

// buffer keeps what calls count until there is more of it, or until metrics are collected. The
// SDK needs a deep stack. A goroutine that makes calls has one, a goroutine that runs a function
// would have to grow it each time.
//
// It has only what no exemplar can be made of: calls that are sampled count at once. It is open
// while an actor system is watched, because the callback of that begins a collection.
type buffer struct {
	shards [shards]shard
	next   atomic.Uint32

	mu     sync.Mutex
	opened int // how many systems are watched
}

const (
	// shards is how many goroutines can count at the same time. A caller has one.
	shards = 8
	// batchSize is how many durations there are when the next call that is made records them.
	batchSize = 64
	// mostBuffered is how many there are when a call that starts or ends does so.
	mostBuffered = 8 * batchSize
	// latest is how long values wait if no collection comes, as with a view that drops all
	// instruments which are observed.
	latest = time.Second
)

// series is a histogram with the attributes of a value.
type series struct {
	histogram metric.Float64Histogram
	with      []metric.RecordOption
}

func (s *series) record(ctx context.Context, nanoseconds int64) {
	defer survive()
	s.histogram.Record(ctx, seconds(nanoseconds), s.with...)
}

// duration is a value of a series.
type duration struct {
	of          *series
	nanoseconds int64
}

// batch is what was counted.
type batch struct {
	begun     [methods]int64
	ended     [methods][outcomes]int64
	durations []duration
}

// shard is a part of a buffer.
type shard struct {
	all *[methods]*counters

	mu    sync.Mutex
	open  bool
	now   *batch // nil before the first value
	spare *batch // empty, or nil
	timed bool   // a timer will have all recorded

	recording sync.Mutex // held by who records, so that a collection waits for that
}

// begun counts a pending that was made. It reports false if the shard is not open.
func (s *shard) begun(m Method) bool {
	s.mu.Lock()
	open, full := s.open, false
	if open {
		b := s.batch()
		b.begun[m]++
		full = len(b.durations) >= batchSize
	}
	s.mu.Unlock()
	if full {
		s.flushUnlessBusy()
	}
	return open
}

// queuedFor keeps how long a call was queued. It reports false if the shard takes nothing.
func (s *shard) queuedFor(c *counters, nanoseconds int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.takes() {
		return false
	}
	s.keep(&c.queue, nanoseconds)
	return true
}

// done is that of [counters]. It reports false if the shard takes nothing.
func (s *shard) done(c *counters, end outcome, ran, waited int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.takes() {
		return false
	}
	s.batch().ended[c.method][end]++
	if waited > 0 {
		s.keep(&c.wait, waited)
	}
	if ran >= 0 {
		s.keep(&c.ends[end].run, ran)
	}
	return true
}

// takes reports whether the shard is open, and has room. mu must be held.
func (s *shard) takes() bool {
	return s.open && (s.now == nil || len(s.now.durations) < mostBuffered)
}

// keep keeps a duration. mu must be held.
func (s *shard) keep(of *series, nanoseconds int64) {
	b := s.batch()
	b.durations = append(b.durations, duration{of, nanoseconds})
}

// batch returns what is counted now. mu must be held.
func (s *shard) batch() *batch {
	if s.now == nil {
		s.now = &batch{durations: make([]duration, 0, batchSize)}
	}
	if !s.timed {
		s.timed = true
		time.AfterFunc(latest, s.flushLate)
	}
	return s.now
}

// flushUnlessBusy is flush, but does nothing while somebody else records.
func (s *shard) flushUnlessBusy() {
	if s.recording.TryLock() {
		defer s.recording.Unlock()
		s.record()
	}
}

func (s *shard) flushLate() {
	s.mu.Lock()
	s.timed = false
	s.mu.Unlock()
	s.flush()
}

// flush records what the shard has. When it returns, what it had before is recorded.
func (s *shard) flush() {
	s.recording.Lock()
	defer s.recording.Unlock()
	s.record()
}

// record records what the shard has. recording must be held.
func (s *shard) record() {
	s.mu.Lock()
	b := s.now
	s.now, s.spare = s.spare, nil
	s.mu.Unlock()
	if b == nil {
		return
	}
	b.record(s.all)
	*b = batch{durations: b.durations[:0]}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spare = b
}

// record records the batch. Its values belong to no trace.
func (b *batch) record(all *[methods]*counters) {
	ctx := context.Background()
	for m, c := range all {
		if n := b.begun[m]; n > 0 {
			c.addBegun(ctx, n)
		}
		for end, n := range b.ended[m] {
			if n > 0 {
				c.addEnded(ctx, outcome(end), n) //nolint:gosec // There are four.
			}
		}
	}
	for _, d := range b.durations {
		d.of.record(ctx, d.nanoseconds)
	}
}

func (b *buffer) init(all *[methods]*counters) {
	for i := range b.shards {
		b.shards[i].all = all
	}
}

// shard returns one of the shards, for a caller or for a call that has none.
func (b *buffer) shard() *shard { return &b.shards[b.next.Add(1)%shards] }

// watch opens the buffer. It must be flushed by each collection until stop.
func (b *buffer) watch() (stop func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened++
	b.setOpen()
	return func() {
		b.mu.Lock()
		b.opened--
		b.setOpen()
		b.mu.Unlock()
		b.flush()
	}
}

// setOpen opens or closes the shards. mu must be held.
func (b *buffer) setOpen() {
	for i := range b.shards {
		s := &b.shards[i]
		s.mu.Lock()
		s.open = b.opened > 0
		s.mu.Unlock()
	}
}

// flush records all that there is.
func (b *buffer) flush() {
	for i := range b.shards {
		b.shards[i].flush()
	}
}
