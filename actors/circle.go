package actors

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// findCircle returns an error that matches [pending.ErrDeadlock] if the pending
// that f is about to wait for needs f itself.
//
// A function needs what it waits for. One that has no turn needs its caller's
// as well, and with it the function that holds that turn while it waits; and
// when the caller has escalated a failure, in the same way, that of the parent,
// which decides on it. There are no other ways to be in need that can be seen
// from here: a promise that somebody is to keep belongs to no function, unless
// [pending.KeptBy] says to which.
func (f *frame) findCircle(on pending.Handle) error {
	s := search{from: f}
	if !s.visit(on) {
		return nil
	}
	return fmt.Errorf("%w: %s", pending.ErrDeadlock, s.describe())
}

// recheck ends the wait of the function that keeps the turn if that wait can
// never end, now that a child needs the turn for a decision on its failure.
func (m *mailbox) recheck() {
	m.mu.Lock()
	f := m.keeper()
	if f == nil {
		m.mu.Unlock()
		return
	}
	on := f.parking.on
	m.mu.Unlock()

	err := f.findCircle(on)
	if err == nil {
		return
	}
	var woken sleeper
	m.mu.Lock()
	if m.keeper() == f && f.parking.on == on {
		f.parking.err = err
		woken = f.unpark()
	}
	m.mu.Unlock()
	wake(woken)
}

// search is a walk along what functions need.
type search struct {
	from *frame
	path []*frame
	seen map[*frame]bool
}

// visit reports whether the function behind h needs the one the walk is from,
// in which case path leads there.
func (s *search) visit(h pending.Handle) bool {
	if h == nil || h.IsDone() {
		return false
	}
	if f, ok := pending.RunnerOf(h).(*frame); ok {
		return s.enter(f)
	}
	return s.visit(pending.KeeperOf(h))
}

func (s *search) enter(f *frame) bool {
	if f == s.from {
		return true
	}
	waitsFor, keepers := f.needs()
	if waitsFor == nil && keepers == nil || s.seen[f] {
		return false
	}
	if s.seen == nil {
		s.seen = make(map[*frame]bool)
	}
	s.seen[f] = true
	s.path = append(s.path, f)
	if s.visit(waitsFor) || slices.ContainsFunc(keepers, s.enter) {
		return true
	}
	s.path = s.path[:len(s.path)-1]
	return false
}

// needs returns what a function that has not returned waits for, and the
// functions that keep the turns it lacks while they wait.
func (f *frame) needs() (on pending.Handle, keepers []*frame) {
	m := f.box.Load()
	if m.invoker == nil {
		return nil, nil // in the lobby, which it may leave at any moment
	}
	m.mu.Lock()
	if f.parking != nil && f.state != ready && !f.woken && !f.parking.over { // else it looks again itself
		on = f.parking.on
	}
	lacking := m.holder.Load() != f
	for lacking {
		if h := m.keeper(); h != nil {
			keepers = append(keepers, h)
		}
		parent := m.caller.parent
		lacking = m.undecided && m.held == nil && parent != nil
		if lacking {
			m.mu.Unlock()
			m = &parent.box
			m.mu.Lock()
		}
	}
	m.mu.Unlock()
	return on, keepers
}

// keeper returns the function that keeps the turn while it waits, or nil. The
// caller holds mu.
func (m *mailbox) keeper() *frame {
	if f := m.holder.Load(); f != nil && f.state == keeping {
		return f
	}
	return nil
}

// describe names the callers round the circle. Functions of one caller that wait
// for each other count once.
func (s *search) describe() string {
	names := []string{s.from.caller().path()}
	for _, f := range append(s.path, s.from) {
		names = append(names, f.caller().path())
	}
	if round := slices.Compact(names); len(round) > 1 {
		return strings.Join(round, " waits for ")
	}
	return names[0] + " waits for " + names[0]
}
