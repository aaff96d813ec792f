package pending

import "github.com/seed-7fcaac1b/protocaller/internal/snapshot"

// SetProgress notes how far the function behind h says that it is. It is for package
// actors.
func SetProgress(h Handle, p *snapshot.Progress) {
	b := h.core()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ensureLazy().progress = p
}

// ProgressOf returns what SetProgress was given for h, or nil.
func ProgressOf(h Handle) *snapshot.Progress {
	b := h.core()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lazy == nil {
		return nil
	}
	return b.lazy.progress
}
