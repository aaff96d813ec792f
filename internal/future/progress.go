package future

import "github.com/seed-7fcaac1b/protocaller/internal/snapshot"

// SetProgress notes how far the function of a pending says that it is.
func SetProgress(c *Core, p *snapshot.Progress) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ensureDetails().progress = p
}

// ProgressOf returns what [SetProgress] was given, or nil.
func ProgressOf(c *Core) *snapshot.Progress {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.details == nil {
		return nil
	}
	return c.details.progress
}
