// Package goexit goes on with what is to be done although user code on the way ends the
// goroutine with runtime.Goexit.
package goexit

// ForEach calls a function for all items, also for those after one at which the goroutine
// ends.
func ForEach[E any](items []E, do func(E)) {
	n := 0
	defer func() {
		if n < len(items) {
			ForEach(items[n:], do)
		}
	}()
	for n < len(items) {
		n++
		do(items[n-1])
	}
}
