package session

import (
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/testdata/v4/wire"
)

// Server is the half of a session of the node that serves. C is what that node knows of a
// call.
type Server[C any] struct {
	core
	calls   map[uint64]C
	refused bool // nothing is heard any more
}

// NewServer returns a session that begins.
func NewServer[C any](own *wire.Hello, now time.Time) *Server[C] {
	return &Server[C]{core: newCore(own, now), calls: make(map[uint64]C)}
}

// Accept welcomes the other node, after its hello.
func (s *Server[C]) Accept() {
	if s.state == greeting && !s.refused {
		s.own.Version = s.spoken()
		s.queue.control = wire.AppendHello(s.queue.control, wire.KindWelcome, &s.own)
		s.state = open
	}
}

// Refuse refuses the session, which is to end when that was sent.
func (s *Server[C]) Refuse(why *wire.Error) {
	if s.state == greeting {
		s.queue.control = wire.AppendRefuse(s.queue.control, s.spoken(), why)
		s.refused = true
	}
}

// Understands reports whether both nodes speak a version, after the hello of the other one.
func (s *Server[C]) Understands() bool {
	return s.peer.Version >= wire.Oldest && min(s.peer.Version, s.peer.Oldest) <= wire.Version
}

// spoken returns the newest version that both nodes speak, or that of this node if there is
// none.
func (s *Server[C]) spoken() uint32 {
	if !s.Understands() {
		return wire.Version
	}
	return min(s.peer.Version, wire.Version)
}

// Calls returns how many calls are open.
func (s *Server[C]) Calls() int { return len(s.calls) }

// Each calls f with all open calls.
func (s *Server[C]) Each(f func(number uint64, call C)) {
	for number, call := range s.calls {
		f(number, call)
	}
}

// Admit opens a call, whose request has come.
func (s *Server[C]) Admit(number uint64, call C) {
	if s.state != ended {
		s.calls[number] = call
	}
}

// Answer answers a call that is open, which it then is no more, or one that is not
// admitted. It reports whether there is anybody to be answered.
func (s *Server[C]) Answer(number uint64, answer *wire.Response) bool {
	if !s.Drop(number) {
		return false
	}
	s.queue.enqueue(number, outgoing{answer: answer})
	return true
}

// Reject answers a call that was not admitted.
func (s *Server[C]) Reject(number uint64, answer *wire.Response) {
	if s.state == ended {
		return
	}
	delete(s.assemblies, number)
	s.queue.enqueue(number, outgoing{answer: answer})
}

// Item sends an item of an open call, and reports whether it is open.
func (s *Server[C]) Item(number uint64, value *wire.Payload) bool {
	if _, ok := s.calls[number]; !ok {
		return false
	}
	s.queue.enqueue(number, outgoing{item: value})
	return true
}

// Probe sends a probe about an open call. It reports whether it is sent.
func (s *Server[C]) Probe(number uint64, p *wire.Probe) bool {
	_, ok := s.calls[number]
	return ok && s.sendProbe(number, p)
}

// Drop forgets a call without an answer, and reports whether it was open.
func (s *Server[C]) Drop(number uint64) bool {
	if _, ok := s.calls[number]; !ok {
		return false
	}
	delete(s.calls, number)
	return true
}

// Leave has the other node make no more calls.
func (s *Server[C]) Leave() {
	if s.state == open {
		s.state = leaving
		s.queue.control = wire.AppendSignal(s.queue.control, wire.KindGoaway)
	}
}

// Next returns the batch that is to be sent next, if there is one. When it was sent,
// Sent is to be called.
func (s *Server[C]) Next(now time.Time) (b Batch, ok bool) {
	b, _, ok = s.next(now)
	return b, ok
}

// Finished reports whether the session was refused, and the other node was told so.
func (s *Server[C]) Finished() bool { return s.refused && s.Idle() }

// End ends the session, and returns the calls that were open.
func (s *Server[C]) End(err error) (calls []C) {
	if s.state == ended {
		return nil
	}
	for _, call := range s.calls {
		calls = append(calls, call)
	}
	s.state, s.err = ended, err
	s.calls, s.queue, s.assemblies = nil, queue{}, nil
	return calls
}

// ServerEvent is what a frame has meant.
type ServerEvent[C any] struct {
	// Kind is that of the frame, 0 if nothing is to be done. After a Hello the session
	// is to be accepted or refused, after a Request the call is to be admitted or
	// rejected. A Chunk completes the argument of a call that was admitted.
	Kind   wire.Kind
	Number uint64
	// Call is the open call that it is about; none for a Request.
	Call C
	// Request is a call. Its argument comes later, of Total bytes, if it is Chunked.
	Request  wire.Request
	Chunked  bool
	Total    uint64
	Argument wire.Payload // that is complete
	Granted  uint64       // of a Credit
	Cause    *wire.Error  // of a Cancel
	Probe    *wire.Probe
}

// Receive deals with a frame. After an error the session has to end.
func (s *Server[C]) Receive(f *wire.Frame, now time.Time) (e ServerEvent[C], err error) {
	s.heard = now
	if s.state == ended {
		return e, s.err
	}
	if s.refused || f.Kind == wire.KindPing {
		return e, nil
	}
	if s.state == greeting {
		return s.greeted(f)
	}
	call, ok := s.calls[f.Number]
	switch f.Kind {
	case wire.KindRequest:
		return s.requested(f, now)
	case wire.KindChunk:
		whole, err := s.assemblies.add(f)
		if whole == nil || !ok {
			return e, err
		}
		e = ServerEvent[C]{Kind: f.Kind, Number: f.Number, Call: call}
		e.Argument = whole.frame.Request.Argument
		whole.data.Move(&e.Argument)
		return e, nil
	case wire.KindCredit, wire.KindCancel:
		if f.Kind == wire.KindCancel { // also of what was answered, if that is not sent yet
			s.Drop(f.Number)
			delete(s.assemblies, f.Number)
			s.queue.drop(f.Number)
		}
		if !ok { // it has ended meanwhile
			return e, nil
		}
		return ServerEvent[C]{Kind: f.Kind, Number: f.Number, Call: call, Granted: f.Granted, Cause: f.Response.Error}, nil
	case wire.KindProbe:
		if wanted, err := s.probed(f); !wanted || !ok {
			return e, err
		}
		return ServerEvent[C]{Kind: f.Kind, Number: f.Number, Call: call, Probe: f.Probe}, nil
	default:
		return e, violation(f, "it is none for a node that serves")
	}
}

func (s *Server[C]) greeted(f *wire.Frame) (e ServerEvent[C], err error) {
	switch f.Kind {
	case wire.KindHello:
		if s.peer.Version != 0 {
			return e, violation(f, "a second hello")
		}
		s.greet(&f.Hello)
		return ServerEvent[C]{Kind: f.Kind}, nil
	default:
		return e, violation(f, "it comes before the handshake is done")
	}
}

func (s *Server[C]) requested(f *wire.Frame, now time.Time) (e ServerEvent[C], err error) {
	if _, open := s.calls[f.Number]; open || f.Number == 0 || s.assemblies[f.Number] != nil || s.queue.transfers[f.Number] != nil {
		return e, violation(f, "the number is taken")
	}
	if f.Chunked {
		if err := s.assemblies.begin(f, now); err != nil {
			return e, err
		}
	}
	return ServerEvent[C]{Kind: f.Kind, Number: f.Number, Request: f.Request, Chunked: f.Chunked, Total: f.Total}, nil
}
