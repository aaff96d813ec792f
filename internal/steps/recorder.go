package steps

// Recorder follows what goes on in a test. It is safe for concurrent use.
type Recorder interface {
	// Made says that something was made: a function of a caller, or a pending without one.
	// It may be called with a lock of who makes it.
	Made(of any)
	// Note says what happens. The argument on may be nil. It is called without a lock.
	Note(of any, what string, on any)
}

// What a [Recorder] notes.
const (
	Begins = "begins"
	Ends   = "ends"
	Waits  = "waits"
	GoesOn = "goes on" // after a wait
	Drops  = "drops"   // a function will never be called
	Asks   = "asks"    // a request was sent, whose answer is to come
)

// Recorded has a [Recorder], or returns nil.
type Recorded interface {
	// Recorder returns the recorder, nil outside of tests.
	Recorder() Recorder
}

// RecorderOf returns the recorder of a value, or nil.
func RecorderOf(v any) Recorder {
	if !Enabled() {
		return nil
	}
	if r, ok := v.(Recorded); ok {
		return r.Recorder()
	}
	return nil
}
