package wire

// Incarnation is a random number that a node draws when it starts. No other node has
// it, nor has the same node after it has started anew.
type Incarnation [16]byte

// Hello is how a node introduces itself.
type Hello struct {
	// Version is the newest that the calling node speaks, or that of the session in what the
	// serving node answers.
	Version uint32
	// Oldest is the oldest version that the node speaks. Version 2 speaks no other.
	Oldest      uint32
	Incarnation Incarnation
	// Address is that under which the node says it can be reached; it may be empty.
	Address string
	// Target is the address that a calling node has connected to.
	Target string
	// MaxSize is how large a call or an answer the node takes, in bytes.
	MaxSize uint64
	// MaxWindow is the largest window of a stream that the node grants.
	MaxWindow uint32
}

// Payload is a value as it travels.
type Payload struct {
	// Encoding is empty for a message of protobuf.
	Encoding string
	// Type is the full name of that message.
	Type string
	Data []byte

	pooled *[]byte // whose memory Data is; nil if it is not of the pool
}

// Size returns about how many bytes a payload needs.
func (p *Payload) Size() int { return len(p.Encoding) + len(p.Type) + len(p.Data) }

// Request is a call.
type Request struct {
	Function string
	// Caller is the id of the caller that is to run it.
	Caller string
	// Identity is what the caller must be, as "kind/identity"; empty for any caller.
	Identity string
	// Key is that of a call that is made again; empty for one that is not.
	Key string
	// Timeout is what is left until the deadline, in nanoseconds; 0 for no deadline.
	Timeout uint64
	// Window is how many items of a stream may be sent at first; 0 for a call.
	Window uint32
	// Worker says that a worker of the caller runs it.
	Worker bool
	// Trace is headers of W3C: keys, each with its value behind it.
	Trace    []string
	Argument Payload
}

// Size returns about how many bytes a call needs.
func (r *Request) Size() int {
	size := len(r.Function) + len(r.Caller) + len(r.Identity) + len(r.Key) + r.Argument.Size() + 24
	for _, text := range r.Trace {
		size += len(text) + 2
	}
	return size
}

// Response is how a call has ended: with an error, or with a result if that is nil.
type Response struct {
	Result Payload
	Error  *Error
}

// Size returns about how many bytes an answer needs.
func (r *Response) Size() int {
	if r.Error != nil {
		return r.Error.Size()
	}
	return r.Result.Size()
}

// Error is an error as it travels.
type Error struct {
	Text string
	// Codes are those of the errors that it matches.
	Codes []string
	// Node is the address of the node that it comes from.
	Node string
	// Stack is that of a panic.
	Stack    []byte
	Panicked bool
	// NotRun says that the function has not run, and will not.
	NotRun bool
	// Again says that nothing is remembered of a call with a key, so that it may be
	// made again.
	Again bool
}

// Size returns about how many bytes an error needs.
func (e *Error) Size() int {
	size := len(e.Text) + len(e.Node) + len(e.Stack) + 12
	for _, code := range e.Codes {
		size += len(code) + 2
	}
	return size
}

// Frame is one frame. What of it is set depends on its kind. All texts and bytes are
// those of the batch that it was decoded from.
type Frame struct {
	Kind   Kind
	Number uint64 // of the call
	// Chunked says that the payload follows in chunks, of Total bytes in all.
	Chunked bool
	Total   uint64

	Hello    Hello    // of Hello and Welcome
	Request  Request  // of Request
	Response Response // of Response; its error also of Refuse and Cancel
	Value    Payload  // of Item
	Data     []byte   // of Chunk
	More     [][]byte // of it too, behind Data
	Granted  uint64   // of Credit
	Probe    *Probe   // of Probe
}

// Phase says what a probe is for.
type Phase byte

// The phases of a search.
const (
	Searching  Phase = iota + 1 // it looks for a way back to the node that has sent it
	Nominating                  // it tells the node whose wait began last to check the circle
	Checking                    // it goes round the circle, whose waits must be the same
)

// Probe goes from node to node along calls that need each other. It is sent in the session of
// a call, about that call: by the node that calls if the call must end, or send an item, by
// the node that serves if items must be taken.
type Probe struct {
	Phase Phase
	// Nonce is drawn by the node that has sent it first, which alone knows what for.
	Nonce uint64
	// Items is of a stream how many items have come, or how many may be sent in all.
	Items uint64
	// At is which hop is next, and Last whose wait began last.
	At, Last uint32
	// Hops are those that were made so far or, but for Searching, all of a circle.
	Hops []Hop
}

// Hop is what a function of one node needs: a call to another node.
type Hop struct {
	Node Incarnation
	// Root and Exit are numbers of that node for the function and the call. Print is one for
	// all waits because of which the one needs the other.
	Root, Exit, Print uint64
	// Age is for how long the last of those waits has lasted, in milliseconds.
	Age uint64
	// Where names the node and the callers, Text says what waits for what.
	Where, Text string
}

// Size returns about how many bytes a probe needs.
func (p *Probe) Size() int {
	size := 40
	for i := range p.Hops {
		size += len(Incarnation{}) + 48 + len(p.Hops[i].Where) + len(p.Hops[i].Text)
	}
	return size
}
