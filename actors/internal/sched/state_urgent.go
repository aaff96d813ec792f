package sched

import "github.com/seed-7fcaac1b/protocaller/actors/internal/fifo"

// mostUrgent is how many items of the urgent lane are taken in a row while others wait.
const mostUrgent = 16

// urgentLane has the items that come before all others that are queued.
type urgentLane struct {
	items fifo.Ring[any]
	inRow int // how many were taken since the last item of another lane
}

// submitUrgent adds an item to the urgent lane, with the limit of submit.
func (s *state) submitUrgent(item any, limit int) (start executor, err error) {
	if err := s.checkIntake(limit); err != nil {
		return nil, err
	}
	s.makeCold().urgent.items.Push(item)
	s.slowPath.Store(true)
	return s.ensureLoop(), nil
}

// urgentLen returns how many items are in the urgent lane.
func (s *state) urgentLen() int {
	if s.cold == nil {
		return 0
	}
	return s.cold.urgent.items.Len()
}

// nextUrgent takes the next item of the urgent lane, unless it is the turn of another one.
func (s *state) nextUrgent() (item any, ok bool) {
	n := s.urgentLen()
	if n == 0 {
		return nil, false
	}
	lane := &s.cold.urgent
	if lane.inRow >= mostUrgent && s.queued() > n {
		lane.inRow = 0
		return nil, false
	}
	lane.inRow++
	return lane.items.Shift(), true
}

// pruneUrgent removes the tasks that have ended from the urgent lane.
func (s *state) pruneUrgent() {
	for range s.urgentLen() { // once round
		if item := s.cold.urgent.items.Shift(); !hasEnded(item) {
			s.cold.urgent.items.Push(item)
		}
	}
}
