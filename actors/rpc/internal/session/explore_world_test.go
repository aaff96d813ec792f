package session

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/internal/explore"
)

// world is a node that calls and one that serves, driven step by step. There is one session
// after another between them. Their link can be slow, be cut, be reset, or lose either node.
// The halves of the sessions are real. What is around them is a model of package rpc.
type world struct {
	*explore.World
	now      time.Time
	sessions []*session
	jobs     []*job

	probes  int        // how many were tried
	ticks   int        // how many are left; the clock goes on when nothing else does
	busy    bool       // the user is to do something
	limits  wire.Hello // of the node that serves
	refuses bool       // the node that serves refuses sessions
	rejects bool       // and calls
	deaf    bool       // the node that serves never greets
	older   bool       // the node that calls speaks the oldest version alone
	behind  bool       // the node that serves does
	stuck   bool       // the transport takes nothing any more
	keep    func()     // is called before each tick
	faulty  bool       // sessions may end because of the time
	buf     []byte
}

// session is one session, and what both nodes know of it.
type session struct {
	*world
	id                     int
	client                 *Client[*job]
	server                 *Server[*job]
	clientOver, serverOver bool
	there, back            lane
	cut                    bool      // the link carries nothing, and nobody is told
	since                  time.Time // it is
	broken                 bool      // both nodes learn that it has ended, sooner or later
	hostile                bool      // a node sends what it likes
	hello, greeted         bool      // it has come, and was accepted
	welcomed               bool      // the calling node knows
	denied                 bool      // it was refused
	leaves                 bool      // the serving node takes no more calls
	paused                 bool      // the serving node does not read
	retired                bool      // the calling node makes no more calls in it
	lastSmall              uint64    // that has come
	clientParts            parts
	serverParts            parts
}

// parts are how many bytes are to come of the payloads under way.
type parts map[uint64]uint64

// lane is one way of a link.
type lane struct {
	batches [][]byte          // that are under way
	rest    []byte            // of the batch that is being read
	batch   []byte            // that one, whose memory is used again after that
	smallAt time.Time         // when small frames were sent last
	passed  map[*transfer]int // how often another payload was preferred
	sending []byte            // that the transport has not taken
}

// job is a call, as both nodes know it, and what has become of it.
type job struct {
	name     string
	data     []byte
	items    int    // that its function sends
	window   uint64 // 0 for a call
	session  *session
	number   uint64
	left     bool     // some of it was sent
	ends     []string // how it has ended, as the calling node sees it
	runs     int
	sent     uint64 // items
	granted  uint64 // items
	got      uint64 // items
	consumed uint64 // items
	admitted bool   // by the serving node, which has not forgotten it
	running  bool
	argument []byte
	probes   int
}

// script builds a world.
type script struct {
	name  string
	build func(w *world)
}

func (s script) explored() explore.Script {
	return explore.Script{Name: s.name, Build: func(of *explore.World) explore.Model {
		w := &world{World: of, now: time.Unix(1000, 0), limits: *hello("b")}
		of.Locates = true
		s.build(w)
		return w
	}}
}

func explored(scripts []script) (of []explore.Script) {
	for _, s := range scripts {
		of = append(of, s.explored())
	}
	return of
}

// connect begins another session.
func (w *world) connect() *session {
	s := &session{world: w, id: len(w.sessions), clientParts: make(parts), serverParts: make(parts)}
	own := hello("a")
	if w.older {
		own.Version = wire.Oldest
	}
	s.client = NewClient[*job](own, w.now)
	s.server = NewServer[*job](&w.limits, w.now)
	w.sessions = append(w.sessions, s)
	w.Spawn("client writer", service, func(p *explore.Proc) { s.write(p, &s.there, s.client, &s.client.core, &s.clientOver, s.endClient) })
	w.Spawn("server writer", service, func(p *explore.Proc) { s.write(p, &s.back, s.server, &s.server.core, &s.serverOver, s.endServer) })
	w.Spawn("client reader", service, func(p *explore.Proc) { s.read(p, &s.back, &s.clientOver, s.receive, s.endClient) })
	w.Spawn("server reader", service, func(p *explore.Proc) { s.read(p, &s.there, &s.serverOver, s.serve, s.endServer) })
	w.Spawn("functions", service, s.work)
	w.Spawn("consumer", service, s.consume)
	return s
}

func service(p *explore.Proc) { p.Service = true }

// fillings are those that were made before: worlds are built many times.
var fillings = make(map[[2]int][]byte)

// filled returns so many bytes of a kind, which are not to be changed.
func filled(with, size int) []byte {
	key := [2]int{with, size}
	if fillings[key] == nil {
		fillings[key] = bytes.Repeat([]byte{byte(with)}, size) //nolint:gosec // Any byte will do.
	}
	return fillings[key]
}

// newJob adds a call that is to be made.
func (w *world) newJob(size, items int, window uint64) *job {
	j := &job{name: fmt.Sprint("job ", len(w.jobs)), items: items, window: window, granted: window}
	j.data = filled(1+len(w.jobs), size)
	w.jobs = append(w.jobs, j)
	return j
}

// call makes a call, in another session if the last one takes none.
func (w *world) call(p *explore.Proc, j *job) {
	p.Step("call", j.name)
	w.callNow(j)
}

func (w *world) callNow(j *job) {
	s := w.last()
	r := &wire.Request{Function: j.name, Window: uint32(j.window), Argument: wire.Payload{Encoding: "bytes", Data: j.data}} //nolint:gosec // It is small.
	number, err := s.client.Call(j, r)
	var want error
	switch {
	case s.clientOver:
		want = ErrNotOpen
	case s.retired:
		want = ErrLeaving
	}
	w.check(err == want, "a call has the error %v, not %v", err, want) //nolint:errorlint // That one.
	if err != nil {
		s = w.connect()
		number, _ = s.client.Call(j, r)
	}
	j.session, j.number = s, number
	w.check(s.client.MaySend(4<<20) && (s.client.state == greeting || !s.client.MaySend(4<<20+1)), "the limit of the other node counts")
}

func (w *world) last() *session { return w.sessions[len(w.sessions)-1] }

func (w *world) cancel(p *explore.Proc, j *job) {
	p.Step("cancel", j.name)
	w.cancelNow(j)
}

func (w *world) cancelNow(j *job) {
	if j.session == nil || j.session.clientOver {
		return
	}
	found, open := j.session.client.Find(j.number)
	w.check(open == (len(j.ends) == 0) && (!open || found == j), "%s is found while it is open", j.name)
	if j.session.client.Cancel(j.number, &wire.Error{Text: j.name}) {
		w.check(open, "%s was open", j.name)
		j.ends = append(j.ends, "cancelled")
		delete(j.session.clientParts, j.number)
	}
}

// half is what writers need of either half.
type half interface {
	Next(now time.Time) (Batch, bool)
	Sent(now time.Time)
	Finished() bool
}

func (s *session) write(p *explore.Proc, l *lane, h half, c *core, over *bool, end func(error)) {
	for {
		p.Await(func() bool { return *over || h.Finished() || hasMore(c) }, "next")
		if *over {
			return
		}
		ready := c.queue.ready()
		b, ok := h.Next(s.now)
		s.check(ok || h.Finished(), "what waits can be sent")
		if !ok {
			end(errFinished)
			return
		}
		l.sending = append(bytes.Clone(b.Head), b.Tail...)
		s.check(len(l.sending) > 0 && len(l.sending) <= wire.MaxBatch, "a batch has its size")
		s.check(!c.Idle(), "what is being sent is not idle")
		s.note(l, c, ready)
		s.check(cap(b.Head) >= bufferSize, "a batch has a buffer")
		Release(b.Head)
		s.check(cap(b.Head) != bufferSize || isFree(b.Head), "a buffer is used again")
		p.Await(func() bool { return *over || !s.stuck }, "sent")
		sent := l.sending
		l.sending = nil
		if *over {
			return
		}
		l.batches = append(l.batches, sent)
		h.Sent(s.now)
	}
}

// isFree reports whether a buffer is free, and no other memory is. It cannot know that but in
// the program of TestMutants.
func isFree(head []byte) bool {
	l, ok := any(&buffers).(interface{ Items() ([]any, int) })
	if !ok {
		return true
	}
	found := false
	free, _ := l.Items()
	for _, item := range free {
		b := *item.(*[]byte)
		if len(b) != 0 || cap(b) != bufferSize {
			return false
		}
		found = found || &b[:1][0] == &head[:1][0]
	}
	return found
}

var (
	errFinished = errors.New("finished")
	errBroken   = errors.New("broken")
)

// hasMore reports whether something can be sent. It is a second account of what next does.
func hasMore(c *core) bool {
	switch c.state {
	case ended:
		return false
	case greeting:
		return len(c.queue.control) > 0
	default:
		return len(c.queue.control)+len(c.queue.small)+len(c.queue.transfers) > 0
	}
}

// read receives frame by frame, because others take the lock between them.
func (s *session) read(p *explore.Proc, l *lane, over *bool, receive func(*explore.Proc, *wire.Frame) error, end func(error)) {
	for {
		way := p.Choose(func() int {
			switch {
			case *over || len(l.rest) > 0:
				return 1
			case s.paused && l == &s.there:
				return 0
			case s.cut && !s.broken:
				return 0
			case s.broken:
				return min(2, 1+len(l.batches)) // what is under way may be lost
			default:
				return min(1, len(l.batches))
			}
		}, "receive")
		switch {
		case *over:
			return
		case len(l.rest) > 0:
		case way == 1 || len(l.batches) == 0:
			end(errBroken)
			return
		default:
			for i := range l.batch {
				l.batch[i] = 0xee
			}
			l.batch = bytes.Clone(l.batches[0])
			l.rest, l.batches = l.batch, l.batches[1:]
		}
		f := new(wire.Frame)
		var err error
		if l.rest, err = wire.Next(f, l.rest); err == nil {
			if n := len(f.Data) / 2; n > 0 { // as it comes from gRPC
				f.Data, f.More = f.Data[:n:n], [][]byte{f.Data[n:]}
			}
			err = receive(p, f)
		}
		if err != nil {
			end(err)
			return
		}
	}
}

// offer has the calling node begin anew, over another connection.
func (s *session) offer(version uint32) {
	s.check(!s.client.Offer(wire.Version) && !s.client.Offer(wire.Oldest-1), "what was refused is not offered, nor what nobody speaks")
	s.check(s.client.Offer(version), "an older version is offered")
	s.check(!s.client.Offer(version), "it is offered once")
	*s.server = *NewServer[*job](&s.limits, s.now)
	s.there, s.back, s.hello = lane{sending: s.there.sending}, lane{}, false
}

// checkVersions checks which version a serving node speaks with which other node.
func (w *world) checkVersions() {
	for _, one := range []struct {
		version, oldest, spoken uint32
		understood              bool
	}{
		{wire.Oldest - 1, wire.Oldest - 1, wire.Version, false},
		{wire.Oldest, wire.Oldest, wire.Oldest, true},
		{wire.Version, wire.Oldest, wire.Version, true},
		{wire.Version + 1, wire.Version, wire.Version, true},
		{wire.Version + 1, wire.Version + 1, wire.Version, false},
	} {
		s := NewServer[*job](&w.limits, w.now)
		s.greet(&wire.Hello{Version: one.version, Oldest: one.oldest})
		w.check(s.Understands() == one.understood && s.spoken() == one.spoken, "the version of a session: %+v", one)
	}
}

// serve is what the serving node does with a frame.
func (s *session) serve(p *explore.Proc, f *wire.Frame) error {
	legal := s.judgeServer(f)
	e, err := s.server.Receive(f, s.now)
	s.check(err == nil || s.hostile, "the serving node is sent what must not come: %v", err)
	s.check(legal == (err == nil), "the serving node takes a frame: %v, %v", legal, err)
	if err != nil {
		s.check(errors.Is(err, ErrProtocol), "it says why: %v", err)
		return err
	}
	if s.denied {
		s.check(e.Kind == 0, "nothing is heard after a refusal")
		return nil
	}
	switch f.Kind {
	case wire.KindHello:
		s.hello = true
		s.check(e.Kind == f.Kind && s.server.Peer().Address == "a", "the hello is understood")
		p.Step("greet")
		switch {
		case s.serverOver || s.deaf:
		case s.behind && s.server.Peer().Version != wire.Oldest:
			s.back.batches = append(s.back.batches, wire.AppendRefuse(nil, wire.Oldest, &wire.Error{Text: "another version"}))
		case s.refuses:
			s.server.Refuse(&wire.Error{Text: "no"})
			s.denied = true
			s.check(!s.server.Finished(), "the refusal is to be sent")
			s.server.Accept() // which is too late
		default:
			s.server.Accept()
			s.greeted = true
		}
	case wire.KindRequest:
		s.check(e.Kind == f.Kind && e.Number == f.Number && e.Chunked == f.Chunked && e.Total == f.Total, "a request is an event")
		s.requested(p, &e)
	case wire.KindChunk:
		s.complete(&e)
	case wire.KindCredit, wire.KindCancel:
		s.about(f, &e)
	case wire.KindProbe:
		s.probed(s.admitted(f.Number), f, e.Kind, e.Call, e.Probe)
	default:
		s.check(e.Kind == 0, "a frame of kind %d means nothing", f.Kind)
	}
	return nil
}

// ghost is a function that a hostile node calls.
const ghost = "ghost"

func (s *session) requested(p *explore.Proc, e *ServerEvent[*job]) {
	if e.Chunked {
		s.serverParts[e.Number] = e.Total
	} else if !s.hostile {
		s.check(e.Number > s.lastSmall, "small calls come in order")
		s.lastSmall = e.Number
	}
	j := s.find(e.Request.Function)
	if e.Request.Function == ghost { // of a hostile node; nobody waits for it
		j = &job{name: ghost, session: s, number: e.Number, ends: []string{"none"}}
		s.jobs = append(s.jobs, j)
	}
	s.check(s.hostile || j.session == s && j.number == e.Number && !j.admitted && j.runs == 0, "%s comes once, in its session", j.name)
	e.Request.Argument.Data = bytes.Clone(e.Request.Argument.Data)
	p.Step("admit", j.name)
	if s.rejects {
		s.server.Reject(e.Number, &wire.Response{Error: &wire.Error{Text: "rejected", NotRun: true}})
		delete(s.serverParts, e.Number)
		return
	}
	s.server.Admit(e.Number, j)
	if s.serverOver {
		return
	}
	j.admitted = true
	if !e.Chunked {
		s.run(j, e.Request.Argument.Data)
	}
}

// complete is what a chunk has completed.
func (s *session) complete(e *ServerEvent[*job]) {
	if e.Kind == 0 {
		for number, left := range s.serverParts {
			s.check(left > 0, "the argument of call %d is complete", number)
		}
		return
	}
	j := e.Call
	left, ok := s.serverParts[e.Number]
	s.check(ok && left == 0 && j.admitted && j.number == e.Number, "an argument is complete")
	delete(s.serverParts, e.Number)
	s.check(e.Argument.Encoding == "bytes", "the argument has its encoding")
	s.run(j, bytes.Clone(e.Argument.Data))
	e.Argument.Free()
}

// about is what a credit or a cancellation means.
func (s *session) about(f *wire.Frame, e *ServerEvent[*job]) {
	of := s.admitted(f.Number)
	if f.Kind == wire.KindCancel {
		delete(s.serverParts, f.Number)
		s.check(s.server.queue.transfers[f.Number] == nil, "nothing more is sent of what was cancelled")
	}
	if of == nil {
		s.check(e.Kind == 0, "it is for a call that is not open")
		return
	}
	s.check(e.Kind == f.Kind && e.Call == of && e.Number == of.number, "it is for an open call")
	if f.Kind == wire.KindCredit {
		of.granted = max(of.granted, min(e.Granted, of.sent+of.window))
		return
	}
	s.check(e.Cause != nil && (s.hostile || e.Cause.Text == of.name), "the cause is that of the call")
	of.admitted, of.running = false, false
}

func (s *session) run(j *job, data []byte) {
	s.check(s.hostile || bytes.Equal(j.data, data), "%s has its argument", j.name)
	s.check(j.runs == 0, "%s runs once", j.name)
	j.runs++
	j.running, j.argument = true, data
}

func (w *world) find(name string) *job {
	i := slices.IndexFunc(w.jobs, func(j *job) bool { return j.name == name })
	if i < 0 {
		return nil
	}
	return w.jobs[i]
}

// work has one of the functions go on: with its next item, or its end.
func (s *session) work(p *explore.Proc) {
	var ready []*job
	for {
		way := p.Choose(func() int {
			ready = ready[:0]
			for _, j := range s.jobs {
				if j.session == s && j.running && (j.sent == uint64(j.items) || j.sent < j.granted) {
					ready = append(ready, j)
				}
			}
			return min(8, len(ready))
		}, "go on")
		j := ready[way]
		if j.sent < uint64(j.items) {
			value := &wire.Payload{Encoding: "item", Data: filled(int(j.sent), len(j.data))} //nolint:gosec // It is small.
			s.check(s.server.Item(j.number, value), "an item of an open call is sent")
			j.sent++
			continue
		}
		j.running, j.admitted = false, false
		s.check(s.server.Answer(j.number, &wire.Response{Result: wire.Payload{Encoding: "bytes", Data: j.argument}}), "an open call is answered")
		s.check(!s.server.Answer(j.number, &wire.Response{}) && !s.server.Item(j.number, &wire.Payload{}), "once")
	}
}

// consume takes items from the loops of streams.
func (s *session) consume(p *explore.Proc) {
	var ready []*job
	for {
		way := p.Choose(func() int {
			ready = ready[:0]
			for _, j := range s.jobs {
				if j.session == s && j.got > j.consumed && len(j.ends) == 0 {
					ready = append(ready, j)
				}
			}
			return min(8, len(ready))
		}, "consume")
		j := ready[way]
		j.consumed++
		s.client.Credit(j.number, j.consumed+j.window)
	}
}

// receive is what the calling node does with a frame.
func (s *session) receive(_ *explore.Proc, f *wire.Frame) error {
	legal := s.judgeClient(f)
	e, err := s.client.Receive(f, s.now)
	s.check(err == nil || s.hostile, "the calling node is sent what must not come: %v", err)
	s.check(legal == (err == nil), "the calling node takes a frame: %v, %v", legal, err)
	if err != nil {
		s.check(errors.Is(err, ErrProtocol), "it says why: %v", err)
		return err
	}
	switch f.Kind {
	case wire.KindWelcome:
		s.check(e.Kind == f.Kind && s.client.Peer().Address == "b", "the welcome is understood")
		s.welcomed = true
	case wire.KindRefuse:
		if s.behind && s.client.own.Version != wire.Oldest {
			s.offer(e.Version)
			return nil
		}
		s.check(e.Kind == f.Kind && e.Response.Error.Text == "no" && e.Version == s.client.own.Version, "the refusal is understood")
		return errFinished
	case wire.KindGoaway:
		s.check(e.Kind == f.Kind, "the goaway is understood")
		s.retired = true
	case wire.KindResponse, wire.KindItem:
		s.outcome(f, &e)
	case wire.KindChunk:
		s.assembled(&e)
	case wire.KindProbe:
		s.probed(s.open(f.Number), f, e.Kind, e.Call, e.Probe)
	default:
		s.check(e.Kind == 0, "a frame of kind %d means nothing", f.Kind)
	}
	return nil
}

// open returns the job that is open under a number, for the calling node.
func (s *session) open(number uint64) *job {
	for _, j := range s.jobs {
		if j.session == s && j.number == number && len(j.ends) == 0 {
			return j
		}
	}
	return nil
}

// admitted returns the job that is open under a number, for the serving node.
func (s *session) admitted(number uint64) *job {
	for _, j := range s.jobs {
		if j.session == s && j.number == number && j.admitted {
			return j
		}
	}
	return nil
}

// probed is what a probe means, about a job or, with nil, a call that is not open.
func (s *session) probed(of *job, f *wire.Frame, kind wire.Kind, call *job, p *wire.Probe) {
	if of == nil {
		s.check(kind == 0, "a probe is for a call that is not open")
		return
	}
	s.check(kind == wire.KindProbe && call == of && p == f.Probe, "a probe is for an open call")
	of.probes++
}

// probe has both nodes send a probe about a job, at any time.
func (w *world) probe(j *job) {
	w.Spawn("probe", nil, func(p *explore.Proc) {
		for range 2 {
			p.Await(func() bool { return j.session != nil }, "probe there")
			s := j.session
			w.probes++
			may := s.welcomed && !w.older && !w.behind && !s.clientOver && j.left && len(j.ends) == 0
			s.check(s.client.Probe(j.number, aProbe()) == may, "the calling node sends a probe: %v", may)
			p.Step("probe back")
			may = s.greeted && !w.older && !w.behind && !s.serverOver && j.admitted
			s.check(s.server.Probe(j.number, aProbe()) == may, "the serving node sends a probe: %v", may)
		}
	})
}

func aProbe() *wire.Probe { return &wire.Probe{Phase: wire.Searching, Hops: make([]wire.Hop, 1)} }

func (s *session) outcome(f *wire.Frame, e *ClientEvent[*job]) {
	j := s.open(f.Number)
	switch {
	case j == nil:
		s.check(e.Call == nil && e.Late == (f.Kind == wire.KindResponse), "an answer that is late is said to be")
	case f.Chunked:
		s.check(e.Kind == 0, "nothing is to be done before the payload is there")
		s.clientParts[f.Number] = f.Total
	default:
		s.check(e.Kind == f.Kind && e.Call == j && e.Number == f.Number && !e.Late && !e.Assembled, "an event of an open call")
		s.arrived(j, e)
	}
}

func (s *session) assembled(e *ClientEvent[*job]) {
	if e.Kind == 0 {
		for number, left := range s.clientParts {
			s.check(left > 0, "the payload of call %d is complete", number)
		}
		return
	}
	left, ok := s.clientParts[e.Number]
	s.check(ok && left == 0 && e.Call != nil && e.Call == s.open(e.Number) && e.Assembled, "a payload is complete")
	delete(s.clientParts, e.Number)
	s.arrived(e.Call, e)
	e.Response.Result.Free()
	e.Value.Free()
}

func (s *session) arrived(j *job, e *ClientEvent[*job]) {
	if e.Kind == wire.KindItem {
		s.check(s.hostile || bytes.Equal(e.Value.Data, filled(int(j.got), len(j.data))), "items come in order")
		s.check(s.hostile || e.Value.Encoding == "item", "the item has its encoding")
		j.got++
		return
	}
	_, open := s.client.Find(j.number)
	s.check(!open, "%s is open no more", j.name)
	if e.Response.Error != nil {
		s.check(s.hostile || s.rejects && e.Response.Error.Text == "rejected", "%s fails: %v", j.name, e.Response.Error)
		j.ends = append(j.ends, "rejected")
		return
	}
	s.check(s.hostile || bytes.Equal(j.data, e.Response.Result.Data) && e.Response.Result.Encoding == "bytes", "%s has its result", j.name)
	s.check(s.hostile || j.got == uint64(j.items), "the end comes after the items")
	j.ends = append(j.ends, "answered")
}

// endClient ends the session of the calling node.
func (s *session) endClient(err error) {
	s.clientOver, s.broken = true, true
	unsent, sent := s.client.End(err)
	for _, j := range unsent {
		s.check(!j.left && j.runs == 0, "%s is said not to have run", j.name)
		j.ends = append(j.ends, "unsent")
	}
	for _, j := range sent {
		s.check(j.left, "%s is said to have been sent", j.name)
		j.ends = append(j.ends, "lost")
	}
	unsent, sent = s.client.End(errBroken)
	s.check(len(unsent)+len(sent) == 0 && s.client.Err() == err, "a session ends once") //nolint:errorlint // That one.
}

// endServer ends that of the serving node.
func (s *session) endServer(err error) {
	s.serverOver, s.broken = true, true
	for _, j := range s.server.End(err) {
		s.check(j.admitted, "%s was open", j.name)
		j.admitted, j.running = false, false
	}
	s.check(len(s.server.End(errBroken)) == 0 && s.server.Err() == err, "a session ends once") //nolint:errorlint // That one.
}

// kill ends the serving node as a crash would.
func (s *session) kill() {
	s.serverOver, s.broken = true, true
	s.server.End(errBroken)
	for _, j := range s.jobs {
		if j.session == s {
			j.admitted, j.running = false, false
		}
	}
}

// clock has time go by when nothing else happens.
func (w *world) clock(p *explore.Proc) {
	for w.ticks > 0 {
		p.Await(func() bool { return !w.busy && w.quiet() }, "tick", w.ticks)
		w.ticks--
		w.pass(TickEvery)
	}
}

// pass has time go by, at the end of which both nodes run.
func (w *world) pass(d time.Duration) {
	w.now = w.now.Add(d)
	if w.keep != nil {
		w.keep()
	}
	for _, s := range w.sessions {
		if !s.clientOver {
			s.tick(s.client.Tick(w.now), s.endClient)
		}
		if !s.serverOver {
			s.tick(s.server.Tick(w.now), s.endServer)
		}
		s.check(s.since.IsZero() || w.now.Sub(s.since) < 15*time.Second || s.clientOver && s.serverOver, "a silent node is found")
	}
}

func (s *session) tick(err error, end func(error)) {
	if err != nil {
		s.check(s.cut || s.faulty, "a session ends whose link works: %v", err)
		end(err)
	}
}

// quiet reports whether nothing can happen but that time goes by.
func (w *world) quiet() bool {
	for _, s := range w.sessions {
		if s.clientOver && s.serverOver {
			continue
		}
		for _, l := range []*lane{&s.there, &s.back} {
			paused := s.cut || s.paused && l == &s.there
			if len(l.rest) > 0 || len(l.batches) > 0 && !paused || l.sending != nil && !w.stuck {
				return false
			}
		}
		c, v := &s.client.core, &s.server.core
		if hasMore(c) && c.sending.IsZero() || hasMore(v) && v.sending.IsZero() || s.broken {
			return false
		}
	}
	return true
}
