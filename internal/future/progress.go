package future

import "github.com/seed-7fcaac1b/protocaller/internal/snapshot"

// SetProgress notes how far the function of a pending says that it is.
func SetProgress(b *Core, p *snapshot.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ensureDetails().progress = p
}

// ProgressOf returns what [SetProgress] was given, or nil.
func ProgressOf(b *Core) *snapshot.Progress {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.details == nil {
		return nil
	}
	return b.details.progress
}
