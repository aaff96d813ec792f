package session

import (
	"encoding/binary"
	"hash/maphash"
	"maps"
	"slices"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

func (w *world) check(ok bool, format string, args ...any) {
	if !ok {
		w.Failf(format, args...)
	}
}

// ready returns the payloads of which a chunk may be sent.
func (q *queue) ready() (ready []*transfer) {
	for _, t := range q.active {
		if t.begun || q.sent >= q.hold {
			ready = append(ready, t)
		}
	}
	return ready
}

// note notes which calls are on their way. It checks that large payloads leave room for small
// frames, and that each of those that were ready has its turn.
func (s *session) note(l *lane, c *core, ready []*transfer) {
	for rest := l.sending; len(rest) > 0; {
		f := new(wire.Frame)
		var err error
		if rest, err = wire.Next(f, rest); err != nil {
			s.Failf("a batch that is no batch: %v", err)
			return
		}
		switch f.Kind {
		case wire.KindRequest, wire.KindResponse, wire.KindItem, wire.KindCredit, wire.KindCancel:
			if !f.Chunked {
				l.smallAt = s.now
			}
		case wire.KindChunk:
			recent := s.now.Sub(l.smallAt) < smallTime
			s.check(!recent || f.DataSize() <= wire.SmallChunk, "a chunk of %d bytes while small frames are sent", f.DataSize())
			s.check(recent || f.DataSize() != wire.SmallChunk, "a small chunk while there are no small frames")
			passed := make(map[*transfer]int)
			for _, t := range ready {
				if t.number != f.Number {
					passed[t] = l.passed[t] + 1
					s.check(passed[t] < wire.MaxTransfers, "payloads are sent in turns")
				}
			}
			l.passed = passed
		}
		switch f.Kind {
		case wire.KindPing:
			s.check(s.now.Sub(c.spoke) >= PingEvery, "a ping after %v", s.now.Sub(c.spoke))
		case wire.KindRequest:
			s.find(f.Request.Function).left = true
		case wire.KindCancel:
			i := slices.IndexFunc(s.jobs, func(j *job) bool { return j.session == s && j.number == f.Number && j.name != ghost })
			s.check(s.jobs[i].left, "the other node learns of the end of a call that it knows")
		}
	}
}

// add is what a chunk does to the parts. It reports whether it may come.
func (p parts) add(f *wire.Frame) bool {
	left, ok := p[f.Number]
	if ok && uint64(f.DataSize()) > left { //nolint:gosec // A size is not negative.
		return false
	}
	if ok {
		p[f.Number] = left - uint64(f.DataSize()) //nolint:gosec // A size is not negative.
	}
	return true
}

// judgeServer is a second account of which frames the serving node may be sent.
func (s *session) judgeServer(f *wire.Frame) bool {
	_, underWay := s.serverParts[f.Number]
	switch {
	case s.denied, f.Kind == wire.KindPing:
		return true
	case !s.greeted:
		return f.Kind == wire.KindHello && !s.hello
	case f.Kind == wire.KindRequest:
		for _, j := range s.jobs {
			if j.session == s && j.number == f.Number && j.admitted {
				return false
			}
		}
		return f.Number != 0 && !underWay && s.server.queue.transfers[f.Number] == nil &&
			(!f.Chunked || len(s.serverParts) < wire.MaxTransfers)
	case f.Kind == wire.KindChunk:
		return s.serverParts.add(f)
	default:
		return f.Kind == wire.KindCredit || f.Kind == wire.KindCancel || f.Kind == wire.KindProbe
	}
}

// judgeClient is one of which the calling node may be sent.
func (s *session) judgeClient(f *wire.Frame) bool {
	_, underWay := s.clientParts[f.Number]
	known := f.Number != 0 && f.Number <= s.client.last
	switch {
	case f.Kind == wire.KindPing:
		return true
	case !s.welcomed:
		return f.Kind == wire.KindRefuse || f.Kind == wire.KindWelcome && f.Hello.Version <= s.client.own.Version && f.Hello.Version >= wire.Oldest
	case f.Kind == wire.KindChunk:
		return known && s.clientParts.add(f)
	case f.Kind == wire.KindResponse, f.Kind == wire.KindItem:
		j := s.open(f.Number)
		return known && !underWay &&
			(j == nil || j.left && (!f.Chunked || f.Total <= 4<<20 && len(s.clientParts) < wire.MaxTransfers))
	case f.Kind == wire.KindProbe:
		j := s.open(f.Number)
		return known && (j == nil || j.left)
	default:
		return f.Kind == wire.KindGoaway
	}
}

// Check implements [explore.Model].
func (w *world) Check() {
	for _, s := range w.sessions {
		s.checkCore(&s.client.core, s.clientOver)
		s.checkCore(&s.server.core, s.serverOver)
		s.checkCalls()
	}
	for _, j := range w.jobs {
		w.check(len(j.ends) <= 1, "%s ends more than once: %v", j.name, j.ends)
		w.check(j.runs <= 1, "%s runs %d times", j.name, j.runs)
		w.check(j.sent <= j.granted && j.granted <= j.sent+j.window &&
			(j.session == nil || j.session.hostile || j.granted <= j.consumed+j.window), "%s has %d items sent and %d consumed, with a window of %d", j.name, j.sent, j.consumed, j.window)
		w.check(!j.running || j.admitted, "%s runs, and nobody waits for it", j.name)
	}
}

// checkCalls compares the calls that either node knows with those that are open.
func (s *session) checkCalls() {
	calling, serving := 0, 0
	for _, j := range s.jobs {
		if j.session != s {
			continue
		}
		if len(j.ends) == 0 {
			calling++
			known, ok := s.client.Find(j.number)
			s.check(ok && known == j, "%s is open for the calling node", j.name)
		}
		if j.admitted {
			serving++
			s.check(s.server.calls[j.number] == j, "%s is open for the serving node", j.name)
		}
	}
	each := 0
	s.client.Each(func(number uint64, j *job, _ bool) {
		each++
		s.check(j.number == number, "each call has its number")
	})
	s.check(s.client.Calls() == calling && each == calling, "the calling node knows %d calls, and %d are open", s.client.Calls(), calling)
	s.check(s.server.Calls() == serving, "the serving node knows %d calls, and %d are open", s.server.Calls(), serving)
	s.check(len(s.client.assemblies) == 0 || s.clientOver || len(s.client.assemblies) == len(s.clientParts), "payloads of the calling node")
	s.check(len(s.server.assemblies) == 0 || s.serverOver || len(s.server.assemblies) == len(s.serverParts), "payloads of the serving node")
	for number := range s.client.queue.transfers {
		_, open := s.client.Find(number)
		s.check(open, "the argument of call %d is sent, which is not open", number)
	}
	s.check(s.server.Finished() == (s.denied && (s.serverOver || s.server.Idle())), "a session that was refused is finished")
	leaving := s.client.state == leaving && s.client.Calls() == 0 && !hasMore(&s.client.core)
	s.check(s.client.Finished() == leaving, "a session in which nothing is left is finished")
}

// checkCore looks at what waits to be sent, and at what has come in part.
func (s *session) checkCore(c *core, over bool) {
	q := &c.queue
	s.check(over == (c.state == ended), "a session that is over has ended")
	if over {
		s.check(q.empty() && q.bytes == 0 && len(q.active)+len(q.waiting)+len(c.assemblies) == 0, "something is held after the end")
		return
	}
	bytes := 0
	for i, b := range q.small {
		bytes += len(b.frames)
		s.check(len(b.frames) <= wire.BatchSize, "a batch is small")
		s.check(i == 0 || len(q.small[i-1].frames)+len(b.frames)+100 > wire.BatchSize, "a batch has what there is room for")
	}
	for number, t := range q.transfers {
		s.check(t.number == number && slices.Contains(q.active, t) != slices.Contains(q.waiting, t), "payload %d is in one list", number)
		s.check(len(t.data) > 0 && t.begun == (len(t.head) == 0) && (!t.begun || slices.Contains(q.active, t)), "payload %d is under way", number)
		bytes += len(t.head) + len(t.data)
		for _, o := range t.behind {
			bytes += o.size()
		}
	}
	s.check(c.Queued() == bytes, "%d bytes wait, not %d", bytes, c.Queued())
	s.check(len(q.active)+len(q.waiting) == len(q.transfers), "no other payloads")
	s.check(len(q.active) == wire.MaxTransfers || len(q.active) < wire.MaxTransfers && len(q.waiting) == 0, "as many at a time as may be")
	s.check(q.put-q.sent == uint64(len(q.small)) && q.hold <= q.put, "small batches are counted")
	s.check(c.Idle() == (!hasMoreEver(c) && c.sending.IsZero()), "idle")
	s.check(len(c.assemblies) <= wire.MaxTransfers, "payloads that come")
}

// hasMoreEver reports whether something waits, also for the handshake.
func hasMoreEver(c *core) bool {
	return len(c.queue.control)+len(c.queue.small)+len(c.queue.transfers) > 0
}

// CheckEnd implements [explore.Model]: nothing is left, and every call has ended.
func (w *world) CheckEnd() {
	w.Check()
	for _, p := range w.Procs() {
		w.check(p.Service, "%v waits for ever", p)
	}
	for _, j := range w.jobs {
		w.check(j.session == nil || len(j.ends) == 1, "%s has not ended", j.name)
		w.check(!j.running && !j.admitted, "%s runs on", j.name)
	}
	for _, s := range w.sessions {
		w.check(s.clientOver == s.serverOver, "one side of a session goes on")
		w.check(s.clientOver || !s.retired || !s.welcomed, "a session in which nothing is left goes on")
		w.check(s.clientOver || !s.leaves, "a session whose serving node leaves goes on")
		w.check(!s.welcomed || s.hostile || s.client.Peer().Address == "b" && s.server.Peer().Address == "a", "the nodes know each other")
		s.checkIdle(&s.client.core)
		s.checkIdle(&s.server.core)
		s.checkOver()
		w.check(s.client.Calls()+s.server.Calls() == 0, "calls are open")
	}
}

func (s *session) checkIdle(c *core) {
	s.check(c.state == ended || c.Idle() && len(c.assemblies) == 0 && c.Queued() == 0, "something is left")
}

// checkOver checks that a session that is over does nothing more.
func (s *session) checkOver() {
	ping := &wire.Frame{Kind: wire.KindPing, Number: 1}
	if s.clientOver {
		_, err := s.client.Receive(ping, s.now)
		_, sends := s.client.Next(s.now)
		s.client.Retire()
		s.client.Credit(1, 1)
		s.check(err == s.client.Err() && s.client.Tick(s.now) == err && !sends && !s.client.Cancel(1, &wire.Error{}), "the calling node is over") //nolint:errorlint // That one.
	}
	if s.serverOver {
		_, err := s.server.Receive(ping, s.now)
		s.server.Admit(1, &job{})
		s.server.Reject(1, &wire.Response{})
		s.server.Leave()
		s.server.Accept()
		s.server.Refuse(&wire.Error{})
		_, sends := s.server.Next(s.now)
		s.check(err == s.server.Err() && s.server.Tick(s.now) == err && !sends && !s.server.Drop(1), "the serving node is over") //nolint:errorlint // That one.
	}
}

var hashSeed = maphash.MakeSeed()

// Hash implements [explore.Model].
func (w *world) Hash() uint64 {
	w.buf = w.buf[:0]
	w.add(uint64(w.now.UnixNano()), uint64(w.ticks), uint64(w.probes)) //nolint:gosec // Any number will do.
	w.flags(w.refuses, w.rejects, w.deaf, w.stuck, w.busy)
	for _, p := range w.Procs() {
		w.add(uint64(p.ID), p.Where) //nolint:gosec // As above.
	}
	for _, s := range w.sessions {
		w.flags(s.clientOver, s.serverOver, s.cut, s.broken, s.hello, s.greeted, s.welcomed, s.client.retired, s.server.refused, s.retired, s.leaves, s.paused)
		w.add(s.client.last, s.client.through, s.lastSmall)
		for _, l := range []*lane{&s.there, &s.back} {
			w.add(uint64(len(l.batches)))
			w.bytes(append([][]byte{l.rest, l.sending}, l.batches...)...)
		}
		w.core(&s.client.core)
		w.core(&s.server.core)
	}
	for _, j := range w.jobs {
		w.add(j.number, uint64(j.runs), j.sent, j.granted, j.got, j.consumed, uint64(len(j.ends))) //nolint:gosec // As above.
		w.flags(j.left, j.admitted, j.running, j.session != nil)
		for _, end := range j.ends {
			w.buf = append(w.buf, end...)
		}
	}
	return maphash.Bytes(hashSeed, w.buf)
}

func (w *world) core(c *core) {
	w.add(uint64(c.state), uint64(w.now.Sub(c.heard)), uint64(w.now.Sub(c.spoke)), uint64(c.ticked.UnixNano()), uint64(c.sending.UnixNano())) //nolint:gosec // As above.
	q := &c.queue
	w.bytes(q.control)
	for _, b := range q.small {
		w.add(b.through)
		w.bytes(b.frames)
	}
	w.flags(w.now.Sub(q.lastSmall) < smallTime, q.sent >= q.hold)
	w.add(q.put-q.sent, q.hold-min(q.hold, q.sent))
	for _, t := range slices.Concat(q.active, q.waiting) {
		w.flags(t.begun)
		w.add(t.number, uint64(len(t.head)), uint64(len(t.data)), uint64(len(t.behind)))
		for _, o := range t.behind {
			w.add(uint64(o.size())) //nolint:gosec // As above.
		}
	}
	for _, number := range slices.Sorted(maps.Keys(c.assemblies)) {
		w.add(number, uint64(c.assemblies[number].data.Len())) //nolint:gosec // As above.
	}
}

func (w *world) add(numbers ...uint64) {
	for _, n := range numbers {
		w.buf = binary.LittleEndian.AppendUint64(w.buf, n)
	}
}

func (w *world) bytes(all ...[]byte) {
	for _, data := range all {
		w.add(uint64(len(data)), maphash.Bytes(hashSeed, data))
	}
}

func (w *world) flags(flags ...bool) {
	for _, f := range flags {
		if f {
			w.buf = append(w.buf, 1)
		} else {
			w.buf = append(w.buf, 0)
		}
	}
}
