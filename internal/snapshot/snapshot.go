// Package snapshot describes a running system of callers. Package actors fills the
// description, and package inspect shows it.
package snapshot

import (
	"context"
	"time"
)

// SourceID is the id of the process of an actor system that is a [Source].
const SourceID = "callers"

// Source takes pictures of the callers of one actor system. It is safe for concurrent use.
type Source interface {
	// Picture returns what is there now. It holds the lock of one caller at a time. With no
	// lock held it asks the contexts of calls for their spans. The error is that of ctx.
	Picture(ctx context.Context, q Query) (*System, error)
	// CancelCall cancels a call that a picture shows. It reports false if there is none.
	CancelCall(id uint64, cause error) bool
	// StopCaller stops a caller, also a protected one, by its id or by what [CleanID] makes of
	// that. It reports false if there is none.
	StopCaller(id string, cause error) bool
}

// Query says what a picture shows.
type Query struct {
	Limit int               // of the callers, and of the calls of each of them; at least 1
	Keep  func(Caller) bool // which callers, from what is known before Queued; nil for all
	Ages  bool              // find out since when calls are in their states
}

// System is what the callers of a system do at one time.
type System struct {
	ID       string
	Started  time.Time
	Sequence uint64 // of the pictures of this system
	Callers  []Caller
	Omitted  int       // callers that are not shown, because of the limit: idle ones first
	Failures []Failure // of the last minute, the oldest first
	Stopped  []Stopped // in the last minute without a failure, the oldest first
}

// Caller is what one caller does.
type Caller struct {
	ID           string `id:"caller"`
	Name         string
	Parent       string `id:"caller" json:",omitzero"`
	State        string
	Backend      string
	Host         string `json:",omitzero"`
	Adopted      bool   `json:",omitzero"` // another actor, made a caller
	Worker       bool   `json:",omitzero"`
	Protected    bool   `json:",omitzero"`
	NonReentrant bool   `json:",omitzero"`
	Limits       Limits `json:",omitzero"`

	Queued       int       `json:",omitzero"`
	OldestQueued *Call     `json:",omitzero"`
	Running      *Call     `json:",omitzero"` // that has the turn; nil for none
	Handling     bool      `json:",omitzero"` // a message has the turn
	Suspended    []Call    `json:",omitzero"` // up to the limit
	SuspendedN   int       `json:",omitzero"`
	Delayed      []Delayed `json:",omitzero"` // calls, up to the limit, the next one first
	DelayedN     int       `json:",omitzero"`
	Workers      Workers   `json:",omitzero"`
	Queues       []Queue   `json:",omitzero"`
	Children     int       `json:",omitzero"`
	Counters     Counters  `json:",omitzero"`
}

// IsIdle reports whether nothing is under way.
func (c *Caller) IsIdle() bool {
	return c.Running == nil && !c.Handling && c.Queued+c.SuspendedN+c.DelayedN+c.Workers.Queued == 0
}

// Limits are those of the options; 0 is none.
type Limits struct {
	Queued    int           `json:",omitzero"`
	Suspended int           `json:",omitzero"`
	Workers   int           `json:",omitzero"`
	Turn      time.Duration `json:",omitzero"`
	Stop      time.Duration `json:",omitzero"`
}

// Call is a function that was called and has not returned.
type Call struct {
	Key     any       `json:"-"`         // that it is known by from picture to picture; comparable
	Since   time.Time `json:",omitzero"` // of its state, as far as a [Clock] knows; zero if that is not known
	Before  time.Time `json:",omitzero"` // that the state began before; zero if Since is known
	ID      uint64
	Name    string
	TraceID string `json:",omitzero"`
	SpanID  string `json:",omitzero"`
	// ParentSpan is the id of the span of what has made the call; "" if it has no span of its
	// own, or nothing has.
	ParentSpan string `json:",omitzero"`
	Maker      *Maker `json:",omitzero"` // nil if that is not known, or no call has made it
	State      CallState
	WaitsFor   *Wait     `json:",omitzero"` // nil for a call that does not wait
	Progress   *Progress `json:",omitzero"`
}

// Maker is the call that has made another one. It may have ended.
type Maker struct {
	Call   uint64
	Name   string
	Caller string `id:"caller"` // that it is or was on
}

// CallState is what a call does.
type CallState string

// The states of a call.
const (
	Queued   CallState = "queued"
	Running  CallState = "running"
	Waiting  CallState = "waiting"  // the turn is free
	Keeping  CallState = "keeping"  // it waits, and keeps the turn
	Runnable CallState = "runnable" // its wait is over, and the turn is taken
)

// Wait is what a call waits for.
type Wait struct {
	Number uint64 // of the wait, which grows from wait to wait
	What   string
	Kind   string
	Call   uint64   `json:",omitzero"`             // that is waited for; 0 for none
	Caller string   `id:"caller" json:",omitzero"` // that it is on
	Needs  []uint64 `json:",omitzero"`             // the calls that have to go on before the wait ends
	Any    bool     `json:",omitzero"`             // one of them is enough
	// Promises are the pendings that are waited for, if no call of this system completes them.
	Promises []uint64 `json:",omitzero"`
}

// Delayed is a call that is to be queued later.
type Delayed struct {
	Call
	Due time.Time
}

// Workers are those of a caller.
type Workers struct {
	Total, Idle, Queued int
}

// Queue is one queue of a caller.
type Queue struct {
	Name          string
	Items, Failed int
	Capacity      int // 0 is no limit
}

// Counters only grow.
type Counters struct {
	Calls     uint64 `json:",omitzero"` // begun: functions, items of queues, and messages
	Failures  uint64 `json:",omitzero"` // calls that ended with an error, panics among them
	Panics    uint64 `json:",omitzero"`
	Cancelled uint64 `json:",omitzero"`
	Refused   uint64 `json:",omitzero"` // calls that ended with an error before they began
	Restarts  uint64 `json:",omitzero"`
}

// Progress is how far a call says that it is.
type Progress struct {
	Done, Total int64
	Text        string
}

// Failure is a call or a caller that has failed.
type Failure struct {
	Time   time.Time
	Caller string `id:"caller"`
	Call   string // "" for a caller
	Error  string
}

// Stopped is a caller that has stopped.
type Stopped struct {
	Time     time.Time
	ID       string `id:"caller"`
	Counters Counters
}
