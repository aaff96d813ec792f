package inspect_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestJSONIsTheGoldenFile has one of everything in a snapshot. What differs from run to run is
// replaced: the id of the system, and the numbers of calls.
func TestJSONIsTheGoldenFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		system := newSystem()
		shop := start(t, system, props.Name("shop"), props.MaxQueued(5), props.MaxSuspended(6), props.MaxWorkers(7))
		stock, err := shop.Child(props.Name("stock"), props.NonReentrant())
		require.NoError(t, err)
		require.Error(t, actors.Do(ctx, stock, func(context.Context) error { panic("no stock") }))
		require.Error(t, actors.Do(ctx, stock, func(context.Context) error { return errors.New("no") }))
		take(t, system, inspect.Ages()) // looking begins
		circle(t, start(t, system, props.Name("a")), start(t, system, props.Name("b")))

		id := trace.SpanContextConfig{TraceID: trace.TraceID{1, 2}, SpanID: trace.SpanID{3}}
		traced := trace.ContextWithSpanContext(ctx, trace.NewSpanContext(id))
		gate := pending.New[int](ctx, pending.Named("gate"))
		first := actors.Schedule(traced, shop, func(ctx context.Context) (int, error) {
			actors.Progress(ctx, 3, 10, "orders")
			return gate.Wait(ctx)
		}, actors.Named("export"))
		synctest.Wait()
		running := actors.Schedule(ctx, shop, func(context.Context) (int, error) {
			<-gate.Done()
			return 0, nil
		}, actors.Named("print"))
		synctest.Wait()
		actors.Schedule(ctx, shop, func(context.Context) (int, error) { return 0, nil }, actors.Named("queued"))
		later := actors.Schedule(ctx, shop, func(context.Context) (int, error) { return 0, nil }, actors.Named("later"), actors.Delay(time.Hour))
		letters := actors.NewQueue(stock, func(ctx context.Context, _ int) error {
			_, err := gate.Wait(ctx)
			return err
		}, actors.QueueName("letters"), actors.QueueCapacity(20))
		for i := range 3 {
			require.NoError(t, letters.Put(i))
		}
		time.Sleep(3 * time.Second)
		s := take(t, system, inspect.Ages())

		requireGolden(t, "snapshot.json", steady(s))

		gate.SetResult(1)
		later.Cancel(nil)
		letters.Close()
		_, _ = first.Wait(ctx)
		_, _ = running.Wait(ctx)
	})
}

// TestJSONOfNodesIsTheGoldenFile has one of everything that concerns other nodes.
func TestJSONOfNodesIsTheGoldenFile(t *testing.T) {
	at := time.Now()
	c := snapshot.Caller{ID: "callers/cart", Name: "cart", State: "running", Backend: "goroutine", Running: &snapshot.Call{
		ID: 7, Name: "add", State: snapshot.Keeping,
		TraceID: strings.Repeat("0a", 16), SpanID: strings.Repeat("0b", 8), ParentSpan: strings.Repeat("0c", 8),
		WaitsFor: &snapshot.Wait{Number: 1, What: "book", Kind: "promise", Promises: []uint64{8}},
	}}
	other := encoded(t, &snapshot.System{ID: "there", Started: at, Callers: []snapshot.Caller{c}}, &snapshot.Node{
		Address: "there:1", Incarnation: "2", Calls: []snapshot.NodeCall{
			{Peer: "here:1", Incarnation: "1", Number: 1, Function: "add", Target: "callers/cart", Call: 7, State: "running"},
			{Out: true, Peer: "here:1", Incarnation: "1", Number: 1, Function: "book", Target: "callers/ledger", Call: 8, Maker: 7, State: "open"},
		}, CallsN: 2,
	})
	system := pretend(t, &pretended{
		own: &snapshot.Node{
			Address: "here:1", Incarnation: "1", Leaving: true, Members: []snapshot.Member{{ID: "m", Address: "there:1", Kinds: []string{"cart"}}}, MembersN: 1,
			Identities: []snapshot.Identity{{Name: "cart/alice", Caller: "callers/cart"}}, IdentitiesN: 1,
			Sessions: []snapshot.Session{{Out: true, Peer: "there:1", Incarnation: "2", State: "open", Calls: 2, Queued: 3}}, SessionsN: 1,
			Calls: []snapshot.NodeCall{{
				Peer: "there:1", Incarnation: "2", Number: 1, Function: "book", Target: "callers/ledger", Call: 9, Key: true, State: "running",
				Stream: &snapshot.Stream{Items: 4, Granted: 5, Promise: 6},
			}}, CallsN: 1,
			Remembered: snapshot.Remembered{Keys: 1, Bytes: 2, Most: 3, For: time.Minute},
			Counters:   snapshot.NodeCounters{Open: 1, OpenBytes: 2, Served: 3, ServedBytes: 4, Late: 5, Denied: 6},
		},
		others: []string{"gone:1", "there:1"},
		say: func(_ context.Context, address string, _ snapshot.Question) ([]byte, error) {
			if address == "gone:1" {
				return nil, errors.New("it does not answer")
			}
			return other, nil
		},
	})
	s := take(t, system, inspect.Nodes())
	for _, one := range []*inspect.Snapshot{s, s.Nodes[1].Snapshot} {
		one.System, one.Taken, one.Uptime = "system", time.Time{}, 0
	}
	requireGolden(t, "nodes.json", s)
}

// requireGolden requires that the JSON of a snapshot is that of a file.
func requireGolden(t *testing.T, name string, s *inspect.Snapshot) {
	t.Helper()
	got, err := json.MarshalIndent(s, "", "\t")
	require.NoError(t, err)
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, append(got, '\n'), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got)+"\n", "go test -run Golden -update writes it anew; Version says when it changes")
}

// steady replaces what differs from run to run.
func steady(s *inspect.Snapshot) *inspect.Snapshot {
	s.System = "system"
	numbers := map[uint64]uint64{0: 0}
	number := func(id *uint64) {
		if _, known := numbers[*id]; !known {
			numbers[*id] = uint64(len(numbers))
		}
		*id = numbers[*id]
	}
	for _, c := range s.Callers {
		for _, calls := range [][]*inspect.Call{{c.Running}, c.Suspended, c.Delayed} {
			for _, call := range calls {
				if call == nil {
					continue
				}
				number(&call.ID)
				if w := call.WaitsFor; w != nil {
					number(&w.Call)
					for i := range w.Promises {
						number(&w.Promises[i])
					}
					for i := range w.Needs {
						number(&w.Needs[i])
					}
				}
			}
		}
	}
	for _, circle := range s.Circles {
		for i := range circle {
			number(&circle[i])
		}
	}
	for i := range s.Failures {
		s.Failures[i].Time = s.Failures[i].Time.UTC()
	}
	utc := func(at *time.Time) {
		if at != nil {
			*at = at.UTC()
		}
	}
	utc(&s.Taken)
	for _, c := range s.Callers {
		for _, calls := range [][]*inspect.Call{{c.Running}, c.Suspended, c.Delayed} {
			for _, call := range calls {
				if call != nil {
					utc(call.Since)
					utc(call.Due)
				}
			}
		}
	}
	return s
}
