package rpc

import "github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"

// collector takes the items of a stream that another node sends. An error that it
// returns ends the stream.
type collector interface {
	// receive takes an item of at most so many bytes. It returns the answer that
	// waits no longer.
	receive(item *wire.Item, limit int) (answer *wire.Envelope, err error)
	// wait keeps the answer until so many items have come, and reports whether it
	// does.
	wait(answer *wire.Envelope, items uint64) (waits bool, err error)
	// started reports whether items have come.
	started() bool
}

// arrived takes an item of a stream, if that is open.
func (n *node) arrived(e *wire.Envelope, item *wire.Item) {
	call, items := n.stream(e)
	if items == nil {
		return
	}
	last, err := items.receive(item, n.config.Load().maxSize)
	if err != nil {
		call.SetError(err)
		return
	}
	if last != nil {
		n.answered(last, last.GetResponse())
	}
}

// early reports whether an answer is not to be taken yet, or not at all: items of
// its stream are missing.
func (n *node) early(e *wire.Envelope, r *wire.Response) bool {
	call, items := n.stream(e)
	if items == nil {
		return false
	}
	waits, err := items.wait(e, r.GetItems())
	if err != nil {
		call.SetError(err)
		return true
	}
	return waits
}

// stream returns the open stream that an envelope is for, if it is for one.
func (n *node) stream(e *wire.Envelope) (openCall, collector) {
	if e.GetGeneration() != n.generation || e.GetVersion() != wire.Version {
		return nil, nil
	}
	call := n.calls.find(e.GetCall())
	if call == nil {
		return nil, nil
	}
	return call, call.Items()
}
