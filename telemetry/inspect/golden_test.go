package inspect_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-7fcaac1b/protocaller/actors"
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

		got, err := json.MarshalIndent(steady(s), "", "\t")
		require.NoError(t, err)
		file := filepath.Join("testdata", "snapshot.json")
		if *update {
			require.NoError(t, os.WriteFile(file, append(got, '\n'), 0o600))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(got)+"\n", "go test -run Golden -update writes it anew; Version says when it changes")

		gate.SetResult(1)
		later.Cancel(nil)
		letters.Close()
		_, _ = first.Wait(ctx)
		_, _ = running.Wait(ctx)
	})
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
					number(&w.Promise)
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
