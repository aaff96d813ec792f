package inspect

import (
	"encoding/json"
	"time"
)

// Version is the version of the JSON of a [Snapshot]. It changes when a field is removed or
// changes its meaning. Fields may be added without a change.
const Version = 1

// Snapshot is what the callers of an actor system did at one time. Its JSON has durations
// in seconds and times as RFC 3339.
type Snapshot struct {
	Version   int       `json:"version"`
	System    string    `json:"system"`    // the id of the actor system
	Taken     time.Time `json:"taken"`     // when it was taken
	Uptime    Seconds   `json:"uptime"`    // of the first caller
	Sequence  uint64    `json:"sequence"`  // grows with each snapshot of the system
	Truncated bool      `json:"truncated"` // there are more callers than the limit
	Omitted   int       `json:"omitted"`   // how many are left out
	Callers   []*Caller `json:"callers"`   // in the order of their ids
	// Circles are calls that wait for each other. Tails are the calls that only wait for a
	// circle, in the order of Circles.
	Circles  [][]uint64 `json:"circles"`
	Tails    [][]uint64 `json:"tails"`
	Failures []Failure  `json:"failures"` // of the last minute, the oldest first
	Stopped  []Stopped  `json:"stopped"`  // in the last minute, without a failure, the oldest first
	// Node is what the system has to do with other nodes. It is left out if package rpc is
	// not used.
	Node *Node `json:"node,omitempty"`
	// Nodes are the other nodes, by their addresses, and Across the circles of calls on
	// different nodes, each in the order of its waits. They are there with [Nodes].
	Nodes  []*OtherNode `json:"nodes,omitempty"`
	Across [][]Step     `json:"across,omitempty"`
}

// Caller is what one caller did.
type Caller struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Parent       string   `json:"parent"`   // its id; "" for none
	Children     []string `json:"children"` // their ids, of those in the snapshot
	State        string   `json:"state"`
	Backend      string   `json:"backend"`
	Host         string   `json:"host,omitempty"`
	Adopted      bool     `json:"adopted"` // an actor that AsCaller has made a caller
	Worker       bool     `json:"worker"`
	Protected    bool     `json:"protected"`
	NonReentrant bool     `json:"non_reentrant"`
	Limits       Limits   `json:"limits"`

	Queued       int      `json:"queued"`        // calls and messages that wait to be started
	OldestQueued *Seconds `json:"oldest_queued"` // how long the first of them has waited, at least; null if unknown
	Handling     bool     `json:"handling"`      // a message has the turn
	Running      *Call    `json:"running"`       // the call that has the turn; null for none
	Suspended    []*Call  `json:"suspended"`     // calls that wait without the turn
	SuspendedN   int      `json:"suspended_count"`
	Delayed      []*Call  `json:"delayed"` // calls that are queued later
	DelayedN     int      `json:"delayed_count"`
	Workers      Workers  `json:"workers"`
	Queues       []Queue  `json:"queues"`
	Restarts     uint64   `json:"restarts"`
	Counters     Counters `json:"counters"`
}

// Limits are those of the caller's options. 0 is no limit.
type Limits struct {
	Queued    int     `json:"queued"`
	Suspended int     `json:"suspended"`
	Workers   int     `json:"workers"`
	Turn      Seconds `json:"turn"` // after which a turn is reported
	Stop      Seconds `json:"stop"` // after which a stop abandons functions
}

// Call is a call that has not ended.
type Call struct {
	ID       uint64     `json:"id"`
	Name     string     `json:"name"`
	Caller   string     `json:"caller"`             // the id of the caller that it is on
	State    string     `json:"state"`              // queued, running, waiting, keeping (waits with the turn) or runnable
	Since    *time.Time `json:"since"`              // of the state; null if that began before looking began
	Age      *Seconds   `json:"age"`                // the time since then; null if nothing is known
	AtLeast  bool       `json:"at_least,omitempty"` // it began before looking began, which is Age ago
	Due      *time.Time `json:"due,omitempty"`
	TraceID  string     `json:"trace_id,omitempty"`
	SpanID   string     `json:"span_id,omitempty"`
	MadeBy   *Maker     `json:"made_by,omitempty"`
	WaitsFor *Wait      `json:"waits_for,omitempty"`
	Progress *Progress  `json:"progress,omitempty"`
}

// Maker is who has made a call, as far as that is known. A call bears nothing for that unless
// somebody looks, as by a page or [Ages], or has looked a few seconds before. It is also known
// of a call that is traced, and of one from another node.
type Maker struct {
	SpanID string `json:"span_id,omitempty"` // of what has made it
	Call   uint64 `json:"call,omitempty"`    // the call that has, which may have ended
	Name   string `json:"name,omitempty"`
	Caller string `json:"caller,omitempty"`
	Node   string `json:"node,omitempty"` // the address of the node that has, as it claims
}

// Wait is what a call waits for.
type Wait struct {
	What   string   `json:"what"`
	Kind   string   `json:"kind"`             // call, calls, group, queue, worker, end, lock, turn, timer or promise
	Call   uint64   `json:"call,omitempty"`   // the id of the call that is waited for
	Caller string   `json:"caller,omitempty"` // that it is on
	Needs  []uint64 `json:"needs,omitempty"`  // the calls that have to go on before
	Any    bool     `json:"any,omitempty"`    // one of them is enough
	// Promises are the ids of the pendings that are waited for, if no call of this system
	// completes them. They may be those of calls in Node.
	Promises []uint64 `json:"promises,omitempty"`
}

// Progress is how far a function has said that it is.
type Progress struct {
	Done  int64  `json:"done"`
	Total int64  `json:"total"` // 0 if that is not known
	Text  string `json:"text"`
}

// Workers are those of a caller.
type Workers struct {
	Total  int `json:"total"`
	Idle   int `json:"idle"`
	Queued int `json:"queued"` // calls that wait for one
}

// Queue is a queue of items.
type Queue struct {
	Name     string `json:"name"`
	Items    int    `json:"items"`
	Failed   int    `json:"failed"`
	Capacity int    `json:"capacity"` // 0 is no limit
}

// Counters only grow. A client that knows two snapshots of a system computes rates.
type Counters struct {
	Calls     uint64 `json:"calls"`     // calls, items and messages that were begun
	Failures  uint64 `json:"failures"`  // calls that ended with an error
	Panics    uint64 `json:"panics"`    // calls that panicked
	Cancelled uint64 `json:"cancelled"` // calls that ended cancelled
	Refused   uint64 `json:"refused"`   // calls that a limit has refused
}

// Failure is a call that has panicked, or a caller that an error has stopped.
type Failure struct {
	Time   time.Time `json:"time"`
	Caller string    `json:"caller"`
	Call   string    `json:"call,omitempty"` // its name; "" for the caller itself
	Error  string    `json:"error"`
}

// Stopped is a caller that has stopped.
type Stopped struct {
	Time     time.Time `json:"time"`
	ID       string    `json:"id"`
	Restarts uint64    `json:"restarts"`
	Counters Counters  `json:"counters"`
}

// Seconds is a duration that is a number of seconds in JSON.
type Seconds time.Duration

// MarshalJSON implements [json.Marshaler].
func (s Seconds) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(s).Seconds()) }

// UnmarshalJSON implements [json.Unmarshaler].
func (s *Seconds) UnmarshalJSON(b []byte) error {
	var seconds float64
	if err := json.Unmarshal(b, &seconds); err != nil {
		return err
	}
	*s = Seconds(seconds * float64(time.Second))
	return nil
}

// String implements [fmt.Stringer], as 1m30s.
func (s Seconds) String() string {
	d := time.Duration(s)
	switch {
	case d >= time.Minute:
		d = d.Round(time.Second)
	case d >= time.Second:
		d = d.Round(100 * time.Millisecond)
	default:
		d = d.Round(time.Millisecond)
	}
	return d.String()
}
