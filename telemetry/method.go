package telemetry

// Method is the way in which a pending came to be, for spans and metrics.
type Method uint8

// The methods of package actors.
const (
	Schedule Method = iota
	CallSoon
	CallLater
	CallUsing
	ToThread
	Request
	Invoke
	Put // an item of a queue
	methods
)

var methodNames = [methods]string{"Schedule", "CallSoon", "CallLater", "CallUsing", "ToThread", "Request", "Invoke", "Put"}

// String returns the name of the function of package actors.
func (m Method) String() string { return methodNames[m] }
