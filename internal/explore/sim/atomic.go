package sim

// number is the value of an atomic number.
type number interface {
	~int32 | ~int64 | ~uint32 | ~uint64
}

// value is an atomic variable.
type value[T number] struct {
	object
	v T
}

func (a *value[T]) at(label string) {
	if a.isNew() {
		a.v = 0
	}
	step(label)
	see(uint64(a.v)) //nolint:gosec // A hash.
}

func (a *value[T]) put(v T) {
	a.v = v
	a.set(uint64(v)) //nolint:gosec // A hash.
}

// Peek returns the value. It is for checks.
func (a *value[T]) Peek() T { return a.v }

// Load stands for that of package atomic.
func (a *value[T]) Load() T {
	a.at("load")
	return a.v
}

// Store stands for that of package atomic.
func (a *value[T]) Store(v T) {
	a.at("store")
	a.put(v)
}

// Swap stands for that of package atomic.
func (a *value[T]) Swap(v T) (before T) {
	a.at("swap")
	before = a.v
	a.put(v)
	return before
}

// CompareAndSwap stands for that of package atomic.
func (a *value[T]) CompareAndSwap(was, v T) bool {
	a.at("compare and swap")
	if a.v != was {
		return false
	}
	a.put(v)
	return true
}

// Add stands for that of package atomic.
func (a *value[T]) Add(n T) T {
	a.at("add")
	a.put(a.v + n)
	return a.v
}

// Or stands for that of package atomic.
func (a *value[T]) Or(v T) (before T) {
	a.at("or")
	before = a.v
	a.put(before | v)
	return before
}

// And stands for that of package atomic.
func (a *value[T]) And(v T) (before T) {
	a.at("and")
	before = a.v
	a.put(before & v)
	return before
}

type (
	// Int32 stands for that of package atomic.
	Int32 = value[int32]
	// Int64 stands for that of package atomic.
	Int64 = value[int64]
	// Uint32 stands for that of package atomic.
	Uint32 = value[uint32]
	// Uint64 stands for that of package atomic.
	Uint64 = value[uint64]
)

// Bool stands for that of package atomic.
type Bool struct{ v value[uint32] }

func bit(v bool) uint32 {
	if v {
		return 1
	}
	return 0
}

// Peek returns the value. It is for checks.
func (a *Bool) Peek() bool { return a.v.v != 0 }

// Load stands for that of package atomic.
func (a *Bool) Load() bool { return a.v.Load() != 0 }

// Store stands for that of package atomic.
func (a *Bool) Store(v bool) { a.v.Store(bit(v)) }

// Swap stands for that of package atomic.
func (a *Bool) Swap(v bool) bool { return a.v.Swap(bit(v)) != 0 }

// CompareAndSwap stands for that of package atomic.
func (a *Bool) CompareAndSwap(was, v bool) bool { return a.v.CompareAndSwap(bit(was), bit(v)) }

// Pointer stands for that of package atomic.
type Pointer[T any] struct {
	object
	p *T
}

func (a *Pointer[T]) at(label string) {
	if a.isNew() {
		a.p = nil
	}
	step(label)
	see(a.value)
}

func (a *Pointer[T]) put(p *T) {
	a.p = p
	if of := process(); of != nil {
		a.set(of.Where)
	}
}

// Load stands for that of package atomic.
func (a *Pointer[T]) Load() *T {
	a.at("load")
	return a.p
}

// Store stands for that of package atomic.
func (a *Pointer[T]) Store(p *T) {
	a.at("store")
	a.put(p)
}

// Swap stands for that of package atomic.
func (a *Pointer[T]) Swap(p *T) (before *T) {
	a.at("swap")
	before = a.p
	a.put(p)
	return before
}

// CompareAndSwap stands for that of package atomic.
func (a *Pointer[T]) CompareAndSwap(was, p *T) bool {
	a.at("compare and swap")
	if a.p != was {
		return false
	}
	a.put(p)
	return true
}
