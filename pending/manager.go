package pending

import (
	"sync"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// Manager lists the pendings that are not done yet, of the calls made under a context
// that carries it. It is made by [NewManager] and activated by [WithTracker]. It is safe
// for concurrent use.
type Manager struct {
	mu      sync.Mutex
	members map[*core]struct{}
}

// NewManager returns a manager without pendings.
func NewManager() *Manager { return &Manager{members: make(map[*core]struct{})} }

// Add makes the manager list h until h is done. It implements [Tracker]. A nil h panics.
func (m *Manager) Add(h Handle) {
	requirePending(h, "Add")
	c := future.Of(h)
	m.mu.Lock()
	m.members[c] = struct{}{}
	m.mu.Unlock()
	future.OnDone(c, managed{m})
}

// Remove removes h from the manager, and reports whether it was listed.
func (m *Manager) Remove(h Handle) bool {
	requirePending(h, "Remove")
	return m.remove(future.Of(h))
}

func (m *Manager) remove(c *core) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, known := m.members[c]
	delete(m.members, c)
	return known
}

// managed is a [Manager] as it is notified of the end of a pending.
type managed struct{ *Manager }

// Done implements [future.Callback].
func (m managed) Done(c *core) { m.remove(c) }

// Pending returns the pendings that are not done, in no order.
func (m *Manager) Pending() []Handle {
	m.mu.Lock()
	defer m.mu.Unlock()
	return handlesOf(m.members)
}
