package inspect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
)

// pretended is a node of a system that package rpc knows nothing of. It says what a test has
// it say.
type pretended struct {
	own    *snapshot.Node
	others []string
	say    func(ctx context.Context, address string, q snapshot.Question) ([]byte, error)
}

func (p *pretended) SendUserMessage(*actor.PID, any)   {}
func (p *pretended) SendSystemMessage(*actor.PID, any) {}
func (p *pretended) Stop(*actor.PID)                   {}

func (p *pretended) Node(int) *snapshot.Node {
	own := *p.own
	return &own
}

func (p *pretended) Others() []string { return p.others }

func (p *pretended) Ask(ctx context.Context, address string, q snapshot.Question) snapshot.Answer {
	data, err := p.say(ctx, address, q)
	if err != nil {
		return snapshot.Answer{State: snapshot.Silent, Err: err}
	}
	report, err := snapshot.DecodeReport(data, q.Bounded(), time.Now())
	if err != nil {
		return snapshot.Answer{State: snapshot.Failed, Err: err}
	}
	return snapshot.Answer{State: snapshot.Answers, Report: report}
}

// pretend returns a system with such a node.
func pretend(t testing.TB, p *pretended) *actor.ActorSystem {
	t.Helper()
	system := newSystem()
	if p.own == nil {
		p.own = &snapshot.Node{Address: "own", Incarnation: "0"}
	}
	_, added := system.ProcessRegistry.Add(p, snapshot.NodesID)
	require.True(t, added)
	return system
}

// says returns a node that always answers the same.
func says(data string) func(context.Context, string, snapshot.Question) ([]byte, error) {
	return func(context.Context, string, snapshot.Question) ([]byte, error) { return []byte(data), nil }
}

// encoded returns a report as it travels.
func encoded(t testing.TB, s *snapshot.System, n *snapshot.Node) []byte {
	t.Helper()
	data, err := json.Marshal(&snapshot.Report{Taken: time.Now(), System: s, Node: n})
	require.NoError(t, err)
	return data
}

// requireDrawn requires that all of what there is of nodes can be drawn, with little text.
func requireDrawn(t testing.TB, system *actor.ActorSystem, most int) {
	t.Helper()
	s, err := inspect.Take(context.Background(), system, inspect.Nodes())
	require.NoError(t, err)
	data, err := json.Marshal(s)
	require.NoError(t, err)
	require.Less(t, len(data), most)
	require.Less(t, len(s.String()), most)
	h := inspect.Handler(system)
	for _, page := range []string{
		"/nodes", "/node", "/nodes/x/", "/nodes/x/tree", "/nodes/x/tree?sort=age", "/nodes/x/waits", "/nodes/x/slow", "/nodes/x/node",
		"/nodes/x/snapshot.json", "/nodes/x/snapshot.txt", "/nodes/x/waits.svg", "/nodes/x/caller?id=callers/a", "/nodes/x/call?id=1",
		"/snapshot.json?nodes=yes", "/snapshot.txt?nodes=yes",
	} {
		w := get(h, page)
		require.NotEqual(t, http.StatusInternalServerError, w.Code, w.Body.String())
		require.Less(t, w.Body.Len(), most, page)
		if kind := w.Header().Get("Content-Type"); !strings.Contains(kind, "html") && !strings.Contains(kind, "svg") {
			continue
		}
		require.NotContains(t, w.Body.String(), "<script>", page)
		require.NotContains(t, w.Body.String(), "<img", page)
		require.NotContains(t, w.Body.String(), `"javascript:`, page)
	}
}

func TestANodeThatLiesIsDrawnWithoutHarm(t *testing.T) {
	many := func(n int, each func(i int) string) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(each(i))
		}
		return b.String()
	}
	report := func(callers, node string) string {
		return `{"Taken":"2026-01-02T03:04:05Z","System":{"ID":"` + strings.Repeat("<script>", 40) + `","Callers":[` + callers + `]},"Node":{` + node + `}}`
	}
	for name, data := range map[string]string{
		"garbage":    "\x00\xff",
		"empty":      report("", ""),
		"hostile":    report(`{"ID":"callers/a","Name":"<script>alert(1)</script>","State":"<img src=x>","Backend":"\"><script>","Running":{"ID":1,"Name":"javascript:alert(1)","State":"\"<script>","Progress":{"Done":-5,"Total":-1,"Text":"<img>"},"WaitsFor":{"What":"<script>","Kind":"<script>","Caller":"javascript:x","Needs":[1]}}}`, `"Address":"javascript:alert(1)","Members":[{"Address":"<script>","Kinds":["<img>"]}],"MembersN":-3,"Sessions":[{"Peer":"<script>"}],"Identities":[{"Name":"<script>","Caller":"javascript:x"}],"IdentitiesN":1,"Calls":[{"Peer":"<script>","Function":"<script>"}]`),
		"its own id": report(`{"ID":"callers/a"}`, `"Incarnation":"0"`),
		"one chain": report(many(130, func(i int) string {
			return fmt.Sprintf(`{"ID":"c%s","Parent":"c%s"}`, strings.Repeat("/x", i), strings.Repeat("/x", max(0, i-1)))
		}), ""),
		"many circles with one tail": report(many(400, func(i int) string {
			needs := i + 1
			if i > 200 {
				needs = i
			}
			return fmt.Sprintf(`{"ID":"c%d","Running":{"ID":%d,"State":"keeping","WaitsFor":{"Needs":[%d,1]}}}`, i, i+1, needs)
		}), ""),
		"one long chain of waits": report(many(400, func(i int) string {
			return fmt.Sprintf(`{"ID":"c%d","Running":{"ID":%d,"WaitsFor":{"Needs":[%d]}}}`, i, i+1, i+2)
		}), ""),
		"everybody needs everybody": report(many(190, func(i int) string {
			return fmt.Sprintf(`{"ID":"c%d","Running":{"ID":%d,"WaitsFor":{"Needs":[%s]}}}`, i, i+1, many(190, func(j int) string { return fmt.Sprint(j + 1) }))
		}), ""),
		"one call everywhere": report(many(400, func(i int) string {
			return fmt.Sprintf(`{"ID":"c%d","Running":{"ID":1,"WaitsFor":{"Needs":[1],"Promises":[1]}}}`, i)
		}), `"Incarnation":"1","Calls":[`+many(400, func(i int) string {
			return fmt.Sprintf(`{"Out":%v,"Call":1,"Number":1,"Peer":"own","Incarnation":"0","Stream":{"Promise":1}}`, i%2 == 0)
		})+"]"),
		"largest numbers": report(`{"ID":"callers/a","Queued":9223372036854775807,"SuspendedN":-9223372036854775808,"Counters":{"Calls":18446744073709551615,"Restarts":18446744073709551615},"Limits":{"Queued":1,"Turn":-9223372036854775808}}`,
			`"CallsN":-9223372036854775808,"Remembered":{"For":9223372036854775807}`),
	} {
		t.Run(name, func(t *testing.T) {
			requireDrawn(t, pretend(t, &pretended{others: []string{"x"}, say: says(data)}), 16<<20)
		})
	}
}

// A node that claims to be another one, or that another one has called it, is believed by
// nobody who knows better.
func TestANodeCannotMakeACircleOfCallsThatOthersKnowNothingOf(t *testing.T) {
	waits := func(id, promise uint64) *snapshot.System {
		return &snapshot.System{Callers: []snapshot.Caller{{ID: "callers/x", Running: &snapshot.Call{
			ID: id, Name: "f", State: snapshot.Keeping, WaitsFor: &snapshot.Wait{Promises: []uint64{promise}},
		}}}}
	}
	honest := encoded(t, waits(1, 2), &snapshot.Node{Address: "honest", Incarnation: "h", Calls: []snapshot.NodeCall{
		{Out: true, Peer: "other", Incarnation: "o", Number: 1, Function: "f", Call: 2, Maker: 1},
	}})
	other := encoded(t, waits(7, 9), &snapshot.Node{Address: "other", Incarnation: "o", Calls: []snapshot.NodeCall{
		{Peer: "honest", Incarnation: "h", Number: 1, Function: "f", Call: 7},
	}})
	for name, liar := range map[string]*snapshot.Node{
		"it was called by who has not called it": {Address: "liar", Incarnation: "l", Calls: []snapshot.NodeCall{
			{Peer: "honest", Incarnation: "h", Number: 1, Function: "f", Call: 1},
			{Out: true, Peer: "honest", Incarnation: "h", Number: 1, Function: "f", Call: 2, Maker: 1},
		}},
		"it is the other node": {Address: "other", Incarnation: "o", Calls: []snapshot.NodeCall{
			{Peer: "honest", Incarnation: "h", Number: 1, Function: "f", Call: 1},
			{Out: true, Peer: "honest", Incarnation: "h", Number: 1, Function: "f", Call: 2, Maker: 1},
		}},
		"it is the node that asks": {Address: "own", Incarnation: "0"},
	} {
		t.Run(name, func(t *testing.T) {
			lie := encoded(t, waits(1, 2), liar)
			system := pretend(t, &pretended{others: []string{"a-liar", "honest", "other"}, say: func(_ context.Context, address string, _ snapshot.Question) ([]byte, error) {
				return map[string][]byte{"a-liar": lie, "honest": honest, "other": other}[address], nil
			}})
			s := take(t, system, inspect.Nodes())
			assert.Empty(t, s.Across)
			assert.Equal(t, "answers", s.Nodes[2].State)
			if liar.Address != "liar" {
				assert.Equal(t, "same", s.Nodes[0].State)
			}
			assert.Contains(t, get(inspect.Handler(system), "/nodes").Body.String(), "f on callers/x on other")
		})
	}
}

func TestAThousandNodesAreAskedAtOnceAndShareTheRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pretended{}
		for i := range 1200 {
			p.others = append(p.others, fmt.Sprintf("node-%04d", i))
		}
		var asked, largest atomic.Int64
		p.say = func(ctx context.Context, address string, q snapshot.Question) ([]byte, error) {
			asked.Add(1)
			largest.Store(max(largest.Load(), int64(q.Bytes)))
			if strings.HasSuffix(address, "7") {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return []byte(`{"Taken":"2026-01-02T03:04:05Z","System":{"Callers":[{"ID":"callers/a"}]},"Node":{"Incarnation":"` + address + `"}}`), nil
		}
		system := pretend(t, p)
		begin := time.Now()
		s := take(t, system, inspect.Nodes())
		assert.Equal(t, time.Second, time.Since(begin), "the silent ones are waited for at the same time")
		assert.EqualValues(t, 1000, asked.Load())
		assert.LessOrEqual(t, largest.Load(), int64(64<<10))
		states := make(map[string]int)
		for _, n := range s.Nodes {
			states[n.State]++
		}
		assert.Equal(t, map[string]int{"answers": 900, "silent": 100, "not asked": 200}, states)
		w := get(inspect.Handler(system), "/nodes")
		assert.Equal(t, http.StatusOK, w.Code)
		assert.Less(t, w.Body.Len(), 1<<20)
	})
}

// slowWriter is a client that takes nothing until it is told to.
type slowWriter struct {
	header http.Header
	taken  chan struct{}
	began  sync.Once
	begun  chan struct{}
}

func (s *slowWriter) Header() http.Header { return s.header }
func (s *slowWriter) WriteHeader(int)     {}

func (s *slowWriter) Write(b []byte) (int, error) {
	s.began.Do(func() { close(s.begun) })
	<-s.taken
	return len(b), nil
}

func TestSlowClientsKeepNobodyFromLooking(t *testing.T) {
	h := inspect.Handler(newSystem())
	taken := make(chan struct{})
	var clients sync.WaitGroup
	for range 64 {
		w := &slowWriter{header: http.Header{}, taken: taken, begun: make(chan struct{})}
		clients.Go(func() { h.ServeHTTP(w, local(http.MethodGet, "/tree")) })
		<-w.begun
		if w == nil {
			break
		}
	}
	w := get(h, "/tree")
	assert.Equal(t, http.StatusServiceUnavailable, w.Code, "there are as many as there may be")
	assert.NotEmpty(t, w.Header().Get("Retry-After"))
	assert.Equal(t, http.StatusOK, get(h, "/style.css").Code)
	close(taken)
	clients.Wait()
	assert.Equal(t, http.StatusOK, get(h, "/tree").Code)
}

func TestAFewPagesAreDrawnAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var drawing, most atomic.Int32
		over := make(chan struct{})
		system := pretend(t, &pretended{others: []string{"x"}, say: func(context.Context, string, snapshot.Question) ([]byte, error) {
			most.Store(max(most.Load(), drawing.Add(1)))
			<-over
			drawing.Add(-1)
			return nil, errors.New("no")
		}})
		h := inspect.Handler(system)
		var clients sync.WaitGroup
		var busy atomic.Int32
		for range 20 {
			clients.Go(func() {
				if get(h, "/nodes").Code == http.StatusServiceUnavailable {
					busy.Add(1)
				}
			})
		}
		synctest.Wait()
		assert.EqualValues(t, 4, drawing.Load())
		time.Sleep(10 * time.Second)
		assert.EqualValues(t, 16, busy.Load(), "they have waited long enough")
		close(over)
		clients.Wait()
		assert.EqualValues(t, 4, most.Load())
	})
}

func FuzzPagesOfAnotherNode(f *testing.F) {
	f.Add(encoded(f, &snapshot.System{Callers: []snapshot.Caller{
		{ID: "callers/a", Running: &snapshot.Call{ID: 1, State: snapshot.Keeping, WaitsFor: &snapshot.Wait{Needs: []uint64{1}, Promises: []uint64{2}}}},
	}}, &snapshot.Node{Address: "x", Incarnation: "1", Calls: []snapshot.NodeCall{
		{Out: true, Peer: "own", Incarnation: "0", Call: 2, Number: 1}, {Peer: "own", Incarnation: "0", Call: 1, Number: 1, Stream: &snapshot.Stream{Promise: 2}},
	}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Contains(data, []byte("\\u003c")) || len(data) > 1<<16 {
			return
		}
		requireDrawn(t, pretend(t, &pretended{others: []string{"x"}, say: says(string(data))}), 64<<20)
	})
}
