package pending

// TurnsWaiting returns the turns of the functions that wait for h, also through [Then],
// groups and waits for several pendings. It is meant for package actors. A function may be
// among them several times. It may also have something else to do at the moment, as in the
// body of a loop over [AsCompleted]. It is safe to call from any goroutine.
func TurnsWaiting(h Handle) []Turn {
	var turns []Turn
	seen := make(map[*base]bool)
	for next := []*base{h.core()}; len(next) > 0; next = next[1:] {
		if b := next[0]; b != nil && !seen[b] {
			seen[b] = true
			turns, next = b.addWaiting(turns, next)
		}
	}
	return turns
}

// addWaiting appends the turns that wait for b itself, and the pendings that do.
func (b *base) addWaiting(turns []Turn, onward []*base) ([]Turn, []*base) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lazy != nil {
		onward = append(onward, b.lazy.outer)
	}
	for w := b.waiters.first; w != nil; {
		if w.turn != nil {
			turns = append(turns, w.turn)
		}
		onward = append(onward, w.onward)
		if w = w.next; w == b.waiters.first {
			break
		}
	}
	return turns, onward
}
