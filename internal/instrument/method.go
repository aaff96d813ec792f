package instrument

// Method says which function made a pending, for spans and metrics.
type Method uint8

// The methods of package actors, and of its package rpc.
const (
	Schedule Method = iota
	CallSoon
	CallLater
	CallUsing
	ToThread
	Request
	Invoke
	Put // an item of a queue
	Every
	Call
	// Those of package rpc: a call of a function of another node, and the
	// function that another node has called.
	RemoteCall
	Handle
	methods
)

var methodNames = [methods]string{
	"Schedule", "CallSoon", "CallLater", "CallUsing", "ToThread", "Request", "Invoke", "Put", "Every", "Call",
	"rpc.Call", "rpc.Handle",
}

// String returns the name of the function, with "rpc." before those of package
// rpc.
func (m Method) String() string { return methodNames[m] }
