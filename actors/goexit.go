package actors

// forEachDespiteGoexit calls a function for all items. It continues even if user
// code ends the goroutine on the way.
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
