package sched

import "github.com/seed-7fcaac1b/protocaller/actors/internal/fifo"

// queued returns how many items of the run queue have not been taken.
func (s *state) queued() int {
	n := s.urgentLen() + s.aheadLen() + s.queue.Len()
	if s.batch != nil {
		n += s.batch.Len() - int(s.cursor.Load())
	}
	return n
}

// waiting returns how many items of the run queue wait to be started: those of queued
// that have not ended.
func (s *state) waiting() int {
	if s.drops == 0 {
		return s.queued()
	}
	s.prune()
	return max(0, s.queued()-int(s.drops)) // the loop may take items meanwhile
}

// pruneAt is how many tasks end unstarted, at least, before the run queue is pruned.
const pruneAt = 64

// drop notes that a task has ended unstarted. Half of the queue at most is such tasks, so
// that they hold little memory and pruning takes little time.
func (s *state) drop() {
	s.drops++
	if s.drops >= pruneAt && 2*int(s.drops) > s.queue.Len()+s.urgentLen() {
		s.prune()
	}
}

// prune removes the tasks that have ended from the run queue, but for those in the batch.
// After it drops counts those.
func (s *state) prune() {
	s.pruneUrgent()
	s.queue.Retain(func(item any) bool { return !hasEnded(item) })
	s.drops = 0
	if s.batch == nil {
		return
	}
	for _, item := range s.batch.Slice(int(s.cursor.Load())) {
		if hasEnded(item) {
			s.drops++
		}
	}
}

// hasEnded reports whether an item of the run queue has nothing to run any more.
func hasEnded(item any) bool {
	switch item := item.(type) {
	case *Task:
		return item.work.IsDone()
	case *Source:
		return item.Ended()
	default:
		return false
	}
}

// takeFromBatch is next without mu, for the loop, while slowPath is not set. An item that
// stays is not taken: advance does that.
func (s *state) takeFromBatch() (item any, ok bool) {
	if s.slowPath.Load() || s.batch == nil {
		return nil, false
	}
	i := s.cursor.Load()
	if int(i) >= s.batch.Len() { // maybe close has taken the rest
		return nil, false
	}
	item = s.batch.At(int(i))
	if stays(item) || s.cursor.CompareAndSwap(i, i+1) {
		return item, true
	}
	return nil, false
}

// advance notes that the loop has a task of a source. It takes one that stays and has no more.
// It needs no mu.
func (s *state) advance(source *Source, more bool) {
	if !source.Stays {
		return
	}
	if more {
		s.cold.more.Add(1)
		return
	}
	if i := s.cursor.Load(); int(i) < s.batch.Len() {
		s.cursor.CompareAndSwap(i, i+1) // else close has taken it
	}
}

// stays reports whether an item of the run queue stays there until advance takes it.
func stays(item any) bool {
	source, ok := item.(*Source)
	return ok && source.Stays
}

// preferQueue reports whether it is the run queue's turn.
func (s *state) preferQueue() bool { return s.queueNext && s.queued() > 0 && s.gate() == nil }

// nextQueued takes the next item of the run queue.
func (s *state) nextQueued() (item any, ok bool) {
	if s.cold != nil && s.cold.slowPath() {
		if item, ok := s.nextUrgent(); ok {
			s.count(1)
			return item, true
		}
		if s.cold.ahead.Len() > 0 {
			s.count(1)
			return s.cold.ahead.Shift(), true
		}
	}
	i := int(s.cursor.Load())
	if s.batch != nil && i == s.batch.Len() {
		s.count(i)
		s.batch.Recycle()
		s.batch = nil
	}
	if s.batch == nil {
		item, i = s.queue.TakeFirst(), 0
		if stays(item) {
			s.batch = fifo.NewChunk(item)
		} else if item != nil {
			s.count(1)
			return item, true
		} else if s.batch = s.queue.Take(); s.batch == nil {
			return nil, false
		}
	}
	item = s.batch.At(i)
	if !stays(item) {
		i++
	}
	s.cursor.Store(int32(i)) //nolint:gosec // At most the size of a chunk.
	return item, true
}

// eachQueued calls yield with the items that wait, until it returns false. Within a
// lane, items come in the order in which they are taken.
func (s *state) eachQueued(yield func(item any) bool) {
	if s.cold != nil {
		if h := s.cold.hook; h != nil && !yield(h) {
			return
		}
		for item := range s.cold.urgent.items.All() {
			if !yield(item) {
				return
			}
		}
		for item := range s.cold.ahead.All() {
			if !yield(item) {
				return
			}
		}
	}
	if s.batch != nil {
		for _, item := range s.batch.Slice(int(s.cursor.Load())) {
			if !yield(item) {
				return
			}
		}
	}
	for item := range s.queue.All() {
		if !yield(item) {
			return
		}
	}
}

// count notes that n items were taken from the run queue. A negative n takes that back.
func (s *state) count(n int) {
	before := s.took
	s.took += uint32(n) //nolint:gosec // At most the size of a chunk, and -1 is 1<<32 - 1.
	switch {
	case n > 0 && s.took < before:
		s.makeCold().wraps++
	case n < 0 && s.took > before:
		s.makeCold().wraps-- // below 0 it wraps, as taken does
	}
}

// taken returns how many items were taken from the run queue. Each task of a source is one.
func (s *state) taken() uint64 {
	n := uint64(s.took)
	if s.cold != nil {
		n += s.cold.wraps<<32 + s.cold.more.Load()
	}
	if s.batch != nil {
		n += uint64(s.cursor.Load()) //nolint:gosec // It is not negative.
	}
	return n
}
