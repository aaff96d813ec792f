package inspect_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
)

// fleet returns a system of n callers, under parents of a hundred.
func fleet(b *testing.B, n int) *actor.ActorSystem {
	b.Helper()
	system := newSystem()
	var parent *actors.Caller
	for i := range n {
		if i%100 == 0 {
			var err error
			parent, err = actors.Start(system, props.Name(fmt.Sprintf("group-%05d", i/100)))
			require.NoError(b, err)
			continue
		}
		_, err := parent.Child(props.Name(fmt.Sprintf("device-%02d", i%100)))
		require.NoError(b, err)
	}
	b.Cleanup(func() { require.NoError(b, actors.Shutdown(context.Background(), system)) })
	return system
}

// BenchmarkTake takes snapshots of idle callers: all of them, and the thousand that a page
// shows.
func BenchmarkTake(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		system := fleet(b, n)
		for _, limit := range []int{1000, 100_000} {
			if limit > n {
				continue
			}
			b.Run(fmt.Sprintf("callers=%d/limit=%d", n, limit), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					s, err := inspect.Take(context.Background(), system, inspect.Limit(limit))
					if err != nil || len(s.Callers) != min(n, limit) {
						b.Fatal(err, len(s.Callers))
					}
				}
			})
		}
	}
}

// BenchmarkTakeOne takes a snapshot of one caller with a thousand calls that wait and ten
// thousand that are queued. It is a bound of the time for which the caller's lock is held.
func BenchmarkTakeOne(b *testing.B) {
	system := newSystem()
	c := start(b, system, props.Name("c"))
	for range 1000 {
		suspend(b, c)
	}
	hold(b, c, held)
	for range 10_000 {
		actors.CallSoon(context.Background(), c, func(context.Context) (int, error) { return 0, nil })
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := inspect.Take(context.Background(), system); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJSON is what the JSON of 100 000 callers costs after the snapshot.
func BenchmarkJSON(b *testing.B) {
	s, err := inspect.Take(context.Background(), fleet(b, 100_000), inspect.Limit(100_000))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if err := json.NewEncoder(io.Discard).Encode(s); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPage draws the page with the tree of a thousand callers.
func BenchmarkPage(b *testing.B) {
	h := inspect.Handler(fleet(b, 1000))
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, local(http.MethodGet, "/tree"))
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}

// BenchmarkLongestCall reports the longest of many calls of one caller while snapshots of
// 100 000 callers are taken all the time, and while none is. On a machine with few processors
// it is the time for which the scheduler of Go lets others run.
func BenchmarkLongestCall(b *testing.B) {
	system := fleet(b, 100_000)
	c, ok := actors.Lookup(system, "callers/group-00500/device-50")
	require.True(b, ok)
	for _, looking := range []bool{false, true} {
		b.Run(fmt.Sprintf("looking=%v", looking), func(b *testing.B) {
			var over atomic.Bool
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for looking && !over.Load() {
					_, _ = inspect.Take(context.Background(), system) // it cannot fail
					runtime.Gosched()
				}
			}()
			longest := time.Duration(0)
			for b.Loop() {
				begin := time.Now()
				if err := actors.Do(context.Background(), c, func(context.Context) error { return nil }); err != nil {
					b.Fatal(err)
				}
				longest = max(longest, time.Since(begin))
			}
			over.Store(true)
			<-ended
			b.ReportMetric(float64(longest.Microseconds()), "longest-µs")
		})
	}
}
