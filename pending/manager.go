package pending

import (
	"maps"
	"slices"
	"sync"
)

// Manager lists the pendings that are not done yet, of the calls made under a context
// that carries it. It is made by [NewManager] and activated by [WithTracker]. It is safe
// for concurrent use.
type Manager struct {
	mu      sync.Mutex
	members map[Handle]struct{}
}

// NewManager returns a manager without pendings.
func NewManager() *Manager { return &Manager{members: make(map[Handle]struct{})} }

// Add makes the manager list h until h is done. It implements [Tracker]. A nil h panics.
func (m *Manager) Add(h Handle) {
	requirePending(h, "Add")
	h = h.core().handle // the same value that callbacks get
	m.mu.Lock()
	m.members[h] = struct{}{}
	m.mu.Unlock()
	h.OnDone(func(h Handle) { m.Remove(h) })
}

// Remove removes h from the manager, and reports whether it was listed.
func (m *Manager) Remove(h Handle) bool {
	requirePending(h, "Remove")
	h = h.core().handle
	m.mu.Lock()
	defer m.mu.Unlock()
	_, known := m.members[h]
	delete(m.members, h)
	return known
}

// Pending returns the pendings that are not done, in no order.
func (m *Manager) Pending() []Handle {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Keys(m.members))
}
