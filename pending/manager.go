package pending

import (
	"maps"
	"slices"
	"sync"
)

// Manager knows the pendings that are not done yet, of those made by calls
// under a context that carries it, whatever their outcome is. It is made by
// [NewManager] and activated by [WithTracker]. All methods may be called from
// any goroutine. The seed's PendingManager.
type Manager struct {
	mu      sync.Mutex
	members map[Handle]struct{}
}

// NewManager returns a manager that knows no pendings.
func NewManager() *Manager { return &Manager{members: make(map[Handle]struct{})} }

// Add implements [Tracker]: the manager knows h until h is done. A nil h panics.
func (m *Manager) Add(h Handle) {
	requirePending(h, "Add")
	h = h.core().handle // as callbacks are given it
	m.mu.Lock()
	m.members[h] = struct{}{}
	m.mu.Unlock()
	h.OnDone(func(h Handle) { m.Remove(h) })
}

// Remove has the manager forget h, and reports whether it knew it.
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
