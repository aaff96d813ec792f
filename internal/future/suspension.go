package future

// Suspension is the wait of a function that does not park: its goroutine runs the function
// that it waits for.
type Suspension struct {
	// Wait says what the function waits for.
	Wait Wait

	observation Guarded
}

// Suspend begins the wait of the function of t for the pending on. It is called on the
// function's goroutine.
func (t *Task) Suspend(on *Core) Suspension {
	s := Suspension{Wait{On: on, Began: waits.Add(1)}, t.Observed()}
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
