package pending

// Suspension is the wait of a function that does not park: its goroutine runs the function
// that it waits for. It is for package actors.
type Suspension struct {
	// Wait says what the function waits for.
	Wait Wait

	observation guarded
}

// Suspend begins the wait of the function behind own for the pending on. It is called on
// the function's goroutine.
func Suspend(own, on Handle) Suspension {
	b := own.core()
	s := Suspension{Wait{On: on, Began: waits.Add(1)}, b.observed()}
	if s.observation.Observation != nil {
		s.observation.Suspended(on)
	}
	return s
}

// End ends the wait. It is called on the same goroutine.
func (s Suspension) End() {
	if s.observation.Observation != nil {
		s.observation.Resumed()
	}
}
