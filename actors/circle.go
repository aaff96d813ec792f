package actors

import (
	"fmt"
	"strings"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// findCircle returns an error that matches [pending.ErrDeadlock] if the pending
// that f is about to wait for needs f itself.
//
// A function needs what it waits for. One that has no turn needs its caller's
// as well, and with it the function that holds that turn while it waits. There
// are no other ways to be in need that can be seen from here: a promise that
// somebody is to keep belongs to no function.
func (f *frame) findCircle(on pending.Handle) error {
	s := search{from: f}
	if !s.visit(on) {
		return nil
	}
	return fmt.Errorf("%w: %s", pending.ErrDeadlock, s.describe())
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
	f, ok := pending.RunnerOf(h).(*frame)
	return ok && s.enter(f)
}

func (s *search) enter(f *frame) bool {
	if f == s.from {
		return true
	}
	waitsFor, holder := f.needs()
	if waitsFor == nil && holder == nil || s.seen[f] {
		return false
	}
	if s.seen == nil {
		s.seen = make(map[*frame]bool)
	}
	s.seen[f] = true
	s.path = append(s.path, f)
	if s.visit(waitsFor) || holder != nil && s.enter(holder) {
		return true
	}
	s.path = s.path[:len(s.path)-1]
	return false
}

// needs returns what a function that has not returned waits for, and the
// function that keeps the turn it lacks while it waits.
func (f *frame) needs() (on pending.Handle, holder *frame) {
	m := f.box.Load()
	if f.pool != nil && m == &f.pool.owner.box {
		return nil, nil // it has no worker yet
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.parking != nil {
		on = f.parking.on
	}
	if h := m.holder.Load(); h != nil && h != f && h.state == keeping {
		holder = h
	}
	return on, holder
}

// describe names the callers round the circle.
func (s *search) describe() string {
	var b strings.Builder
	b.WriteString(s.from.caller().path())
	for _, f := range append(s.path, s.from) {
		b.WriteString(" waits for ")
		b.WriteString(f.caller().path())
	}
	return b.String()
}
