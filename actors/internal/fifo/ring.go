package fifo

import "iter"

// Ring is a first-in first-out queue that reuses its memory. The zero value is empty.
type Ring[A any] struct {
	items []A // as many as a power of two
	first int
	n     int
}

// minRing is the capacity of the first allocation, a power of two.
const minRing = 8

// Len returns the number of items.
func (r *Ring[A]) Len() int { return r.n }

// Push adds an item at the end.
func (r *Ring[A]) Push(item A) {
	if r.n == len(r.items) {
		r.grow()
	}
	r.items[(r.first+r.n)&(len(r.items)-1)] = item
	r.n++
}

func (r *Ring[A]) grow() {
	bigger := make([]A, max(minRing, 2*len(r.items)))
	n := copy(bigger, r.items[r.first:])
	copy(bigger[n:], r.items[:r.first])
	r.items, r.first = bigger, 0
}

// First returns the first item, in place. The ring must not be empty, nor change while the
// result is used.
func (r *Ring[A]) First() *A { return &r.items[r.first] }

// Last is [Ring.First] for the last item.
func (r *Ring[A]) Last() *A { return &r.items[(r.first+r.n-1)&(len(r.items)-1)] }

// Shift removes and returns the first item. The ring must not be empty.
func (r *Ring[A]) Shift() A {
	var none A
	item := r.items[r.first]
	r.items[r.first] = none
	r.first = (r.first + 1) & (len(r.items) - 1)
	r.n--
	return item
}

// All iterates over the items, the first one first. The ring must not change meanwhile.
func (r *Ring[A]) All() iter.Seq[A] {
	return func(yield func(A) bool) {
		for i := range r.n {
			if !yield(r.items[(r.first+i)&(len(r.items)-1)]) {
				return
			}
		}
	}
}
