package supervision

import "time"

// times is a queue of times in a ring. It grows as it is filled, up to a given size, and does not
// shrink.
type times struct {
	ring  []time.Time
	first int // index of the oldest time
	n     int
}

func (t *times) oldest() time.Time { return t.ring[t.first] }

func (t *times) dropOldest() {
	t.first = (t.first + 1) % len(t.ring)
	t.n--
}

// add adds the newest time. The ring may grow up to most, unless it is larger already.
func (t *times) add(newest time.Time, most int) {
	if t.n == len(t.ring) {
		t.grow(most)
	}
	t.ring[(t.first+t.n)%len(t.ring)] = newest
	t.n++
}

// grow doubles the ring, so that the copies cost little for each time that was added.
func (t *times) grow(most int) {
	larger := make([]time.Time, min(max(2*t.n, 4), most))
	n := copy(larger, t.ring[t.first:])
	copy(larger[n:], t.ring[:t.first])
	t.ring, t.first = larger, 0
}
