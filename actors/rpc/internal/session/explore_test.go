package session

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// world is a node that calls and one that serves. There is one session after another
// between them. Their link can be slow, be cut, be reset, or lose either node.
// What happens next is chosen by pick, so that all orders can be tried, or some at random.
type world struct {
	testing.TB
	pick func(n int) int
	now  time.Time

	client        *Client[*job]
	server        *Server[*job]
	there, back   [][]byte // batches that are under way
	cut           bool     // the link carries nothing, and nobody is told
	wasCut        time.Time
	resets        int
	jobs          []*job
	maxAssemblies int
}

// job is a call, as both nodes know it, and what has become of it.
type job struct {
	name  string
	data  []byte
	items int

	runs, got int      // how often it has run; how many items have come
	sent      int      // how many were sent
	ends      []string // how it has ended, as the calling node sees it
	number    uint64
	session   int
	running   bool
	argument  []byte
}

func newWorld(tb testing.TB, pick func(n int) int) *world {
	w := &world{TB: tb, pick: pick, now: time.Unix(1000, 0)}
	w.connect()
	return w
}

func (w *world) connect() {
	w.client = NewClient[*job](hello("a"), w.now)
	w.server = NewServer[*job](hello("b"), w.now)
	w.there, w.back, w.cut = nil, nil, false
	w.resets++
}

// sizes are those of arguments, results and items: in one piece, and in chunks.
var sizes = []int{1, wire.InlineSize, wire.InlineSize + 1, wire.ChunkSize + 1}

func (w *world) call(size, items int) {
	j := &job{name: fmt.Sprint("job ", len(w.jobs)), items: items, session: w.resets}
	j.data = bytes.Repeat([]byte{byte(len(w.jobs))}, size)
	w.jobs = append(w.jobs, j)
	number, err := w.client.Call(j, &wire.Request{Function: j.name, Argument: wire.Payload{Data: j.data}})
	require.NoError(w, err)
	j.number = number
}

func (w *world) cancel(j *job) {
	if j.session == w.resets && w.client.Cancel(j.number, &wire.Error{Text: "cancelled"}) {
		j.ends = append(j.ends, "cancelled")
	}
}

// work has a function that runs go on: with its next item, or its end.
func (w *world) work(j *job) {
	if j.sent < j.items {
		value := &wire.Payload{Data: bytes.Repeat([]byte{byte(j.sent)}, len(j.data))}
		if w.server.Item(j.number, value) {
			j.sent++
		} else {
			j.running = false // it was cancelled
		}
		return
	}
	j.running = false
	w.server.Answer(j.number, &wire.Response{Result: wire.Payload{Data: j.argument}})
}

// send has a node send its next batch.
func (w *world) send(fromClient bool) {
	var b Batch
	var ok bool
	if fromClient {
		if b, ok = w.client.Next(w.now); ok {
			w.there = append(w.there, append(bytes.Clone(b.Head), b.Tail...))
			w.client.Sent(w.now)
		}
	} else if b, ok = w.server.Next(w.now); ok {
		w.back = append(w.back, append(bytes.Clone(b.Head), b.Tail...))
		w.server.Sent(w.now)
	}
	Release(b.Head)
}

func (w *world) deliver(toServer bool) {
	from := &w.back
	if toServer {
		from = &w.there
	}
	if w.cut || len(*from) == 0 {
		return
	}
	batch := (*from)[0]
	*from = (*from)[1:]
	for len(batch) > 0 {
		f := new(wire.Frame)
		rest, err := wire.Next(f, batch)
		require.NoError(w, err)
		batch = rest
		if toServer {
			w.serve(f)
		} else {
			w.receive(f)
		}
	}
}

func (w *world) serve(f *wire.Frame) {
	e, err := w.server.Receive(f, w.now)
	require.NoError(w, err)
	w.maxAssemblies = max(w.maxAssemblies, len(w.server.assemblies))
	switch e.Kind {
	case wire.KindHello:
		w.server.Accept()
	case wire.KindRequest:
		j := w.find(string(bytes.Clone([]byte(e.Request.Function))))
		require.Equal(w, w.resets, j.session, "a call of an earlier session")
		require.Zero(w, j.runs, "it comes twice")
		w.server.Admit(e.Number, j)
		if !e.Chunked {
			w.run(j, e.Request.Argument.Data)
		}
	case wire.KindChunk:
		w.run(e.Call, e.Argument.Data)
	case wire.KindCancel:
		e.Call.running = false
	}
}

func (w *world) run(j *job, data []byte) {
	require.Equal(w, j.data, data, j.name)
	j.runs++
	j.running, j.argument = true, bytes.Clone(data)
}

func (w *world) find(name string) *job {
	for _, j := range w.jobs {
		if j.name == name {
			return j
		}
	}
	require.Fail(w, "no such job", name)
	return nil
}

func (w *world) receive(f *wire.Frame) {
	e, err := w.client.Receive(f, w.now)
	require.NoError(w, err)
	switch e.Kind {
	case wire.KindItem:
		if e.Call != nil {
			require.Equal(w, bytes.Repeat([]byte{byte(e.Call.got)}, len(e.Call.data)), e.Value.Data, "items come in order")
			e.Call.got++
		}
	case wire.KindResponse:
		if e.Call != nil {
			require.Equal(w, e.Call.data, e.Response.Result.Data)
			require.Equal(w, e.Call.items, e.Call.got, "the end comes after the items")
			e.Call.ends = append(e.Call.ends, "answered")
		}
	}
}

// reset ends the session of both nodes.
func (w *world) reset(err error) {
	unsent, sent := w.client.End(err)
	for _, j := range unsent {
		require.Zero(w, j.runs, "%s is said not to have run", j.name)
		j.ends = append(j.ends, "unsent")
	}
	for _, j := range sent {
		j.ends = append(j.ends, "lost")
	}
	for _, j := range w.server.End(err) {
		j.running = false
	}
	for _, j := range w.jobs {
		require.False(w, j.running, "%s runs on", j.name)
	}
	w.connect()
}

// pass has time go by. Either node may find the other silent, but none whose link works.
func (w *world) pass(d time.Duration) {
	for range d / TickEvery {
		w.now = w.now.Add(TickEvery)
		err := errors.Join(w.client.Tick(w.now), w.server.Tick(w.now))
		if err != nil {
			require.LessOrEqual(w, w.now.Sub(w.wasCut), PingEvery+TickEvery, "a session ends whose link works: %v", err)
			w.reset(err)
			return
		}
		if w.cut {
			w.wasCut = w.now
		} else {
			w.flow()
		}
	}
}

// flow has everything that waits arrive.
func (w *world) flow() {
	for {
		before := len(w.there) + len(w.back)
		w.send(true)
		w.send(false)
		if before+len(w.there)+len(w.back) == 0 {
			return
		}
		w.deliver(true)
		w.deliver(false)
	}
}

// step does one of the things that may happen.
func (w *world) step(faults bool) {
	switch n := w.pick(17); {
	case n < 3:
		w.call(sizes[w.pick(len(sizes))], 0)
	case n < 4:
		w.call(sizes[w.pick(len(sizes))], 3)
	case n < 5:
		if len(w.jobs) > 0 {
			w.cancel(w.jobs[w.pick(len(w.jobs))])
		}
	case n < 7:
		for _, j := range w.jobs {
			if j.running && w.pick(2) == 0 {
				w.work(j)
			}
		}
	case n < 9:
		w.send(true)
	case n < 11:
		w.send(false)
	case n < 13:
		w.deliver(true)
	case n < 15:
		w.deliver(false)
	case !faults:
	case n == 15:
		w.fault()
	default:
		w.pass(time.Duration(1+w.pick(3)) * TickEvery)
	}
}

func (w *world) fault() {
	switch w.pick(4) {
	case 0:
		w.reset(errors.New("reset"))
	case 1:
		w.cut = true
	case 2:
		w.cut = false
	default:
		w.pass(20 * time.Second)
	}
}

// settle has everything end that can, and checks that nothing is left.
func (w *world) settle() {
	w.cut = false
	for range 100 {
		w.flow()
		for _, j := range w.jobs {
			if j.running {
				w.work(j)
			}
		}
	}
	for _, j := range w.jobs {
		require.Len(w, j.ends, 1, "%s ends once", j.name)
		require.LessOrEqual(w, j.runs, 1)
		if j.ends[0] == "answered" {
			require.Equal(w, 1, j.runs)
		}
	}
	require.LessOrEqual(w, w.maxAssemblies, wire.MaxTransfers)
	for _, c := range []*core{&w.client.core, &w.server.core} {
		require.Zero(w, c.Queued())
		require.Empty(w, c.assemblies)
		require.True(w, c.queue.empty())
	}
	require.Zero(w, w.client.Calls())
	require.Zero(w, w.server.Calls())
}

// TestEveryCallEndsOnceWhateverTheLinkDoes tries many histories at random. Each is known
// by its seed.
func TestEveryCallEndsOnceWhateverTheLinkDoes(t *testing.T) {
	worlds := 150
	if testing.Short() {
		worlds = 30
	}
	for seed := range uint64(worlds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			w := newWorld(t, random.IntN)
			for range 300 {
				w.step(seed%4 != 0)
			}
			w.settle()
		})
	}
}

// TestAllOrdersOfAShortScript has two calls, one of them large and cancelled at some time,
// and a reset at any time, in all orders of what the link does.
func TestAllOrdersOfAShortScript(t *testing.T) {
	for _, size := range []int{1, wire.InlineSize + 1} {
		histories := 0
		for path := []int{}; path != nil; {
			i := 0
			next := func(n int) int { // the next choice of this path, the first one beyond it
				if i == len(path) {
					path = append(path, 0)
				}
				limits(&path, i, n)
				i++
				return path[i-1] & 0xff
			}
			w := newWorld(t, next)
			w.script(size)
			w.settle()
			histories++
			path = advance(path[:i])
		}
		t.Logf("%d histories of calls with %d bytes", histories, size)
		require.Greater(t, histories, 1000)
	}
}

// limits notes how many choices there are at a point, above the choice itself.
func limits(path *[]int, i, n int) { (*path)[i] = (*path)[i]&0xff | n<<8 }

// advance returns the next path, nil after the last one.
func advance(path []int) []int {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i]&0xff+1 < path[i]>>8 {
			path[i]++
			return path[:i+1]
		}
	}
	return nil
}

// script makes two calls, and has seven things happen.
func (w *world) script(size int) {
	w.flow() // the handshake
	w.call(size, 0)
	w.call(1, 0)
	reset, cancelled := false, false
	for range 6 {
		switch w.pick(6) {
		case 0:
			w.send(true)
		case 1:
			w.send(false)
		case 2:
			w.deliver(true)
			for _, j := range w.jobs {
				if j.running {
					w.work(j)
				}
			}
		case 3:
			w.deliver(false)
		case 4:
			if !cancelled {
				w.cancel(w.jobs[0])
			}
			cancelled = true
		default:
			if !reset {
				w.reset(errors.New("reset"))
			}
			reset = true
		}
	}
}
