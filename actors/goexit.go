package actors

// forEachDespiteGoexit does something for all items, even if user code that is called on
// the way ends the goroutine.
func forEachDespiteGoexit[E any](items []E, do func(E)) {
	n := 0
	defer func() {
		if n < len(items) {
			forEachDespiteGoexit(items[n:], do)
		}
	}()
	for n < len(items) {
		n++
		do(items[n-1])
	}
}
