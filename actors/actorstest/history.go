package actorstest

import (
	"math"
	"slices"
	"sync"
)

// History records in order what the clients of a test have asked for, and what they got.
// It is for a check of all of it, as that of linearizability by package [porcupine]. It is
// made by [World.History]. It is safe for concurrent use.
//
// [porcupine]: https://pkg.go.dev/github.com/anishathalye/porcupine
type History struct {
	mu         sync.Mutex
	clock      int64
	operations []Operation
}

// Operation is one request of a client. Its fields are those of an operation of porcupine.
type Operation struct {
	Client int
	Input  any
	Call   int64 // when it began: a number that grows with each begin and end
	Output any   // nil until it has ended
	Return int64 // when it ended; math.MaxInt64 until then
}

// Begin records that a client asks for something. The function that is returned records what
// the client got; its first call counts. A client has one operation at a time.
func (h *History) Begin(client int, input any) (end func(output any)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock++
	n := len(h.operations)
	h.operations = append(h.operations, Operation{Client: client, Input: input, Call: h.clock, Return: math.MaxInt64})
	return func(output any) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if o := &h.operations[n]; o.Return == math.MaxInt64 {
			h.clock++
			o.Output, o.Return = output, h.clock
		}
	}
}

// Operations returns what was recorded, in the order in which it began.
func (h *History) Operations() []Operation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.operations)
}

// History returns the history of the schedule, which is empty at its begin.
func (w *World) History() *History { return &w.history }
