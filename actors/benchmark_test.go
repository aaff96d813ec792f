package actors_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

func benchCaller(b *testing.B) *actors.Caller {
	c, err := actors.Start(newSystem(b))
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, c.StopWait(context.Background())) })
	return c
}

func one(context.Context) (int, error) { return 1, nil }

func BenchmarkCallSoonWait(b *testing.B) {
	c := benchCaller(b)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = actors.CallSoon(ctx, c, one).Wait(ctx)
	}
}

func BenchmarkCall(b *testing.B) {
	c := benchCaller(b)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = actors.Call(ctx, c, one)
	}
}

func BenchmarkCallInFunction(b *testing.B) {
	c, d := benchCaller(b), benchCaller(b)
	b.ReportAllocs()
	_, _ = actors.CallSoon(context.Background(), c, func(ctx context.Context) (int, error) {
		for b.Loop() {
			_, _ = actors.Call(ctx, d, one)
		}
		return 0, nil
	}).Wait(context.Background())
}

func BenchmarkCallOnOwn(b *testing.B) {
	c := benchCaller(b)
	b.ReportAllocs()
	_, _ = actors.CallSoon(context.Background(), c, func(ctx context.Context) (int, error) {
		for b.Loop() {
			_, _ = actors.Call(ctx, c, one)
		}
		return 0, nil
	}).Wait(context.Background())
}

func BenchmarkCallOf8(b *testing.B) {
	c := benchCaller(b)
	ctx := context.Background()
	b.ReportAllocs()
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = actors.Call(ctx, c, one)
		}
	})
}

func BenchmarkRequestFuture(b *testing.B) {
	system := newSystem(b)
	pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if _, ok := ctx.Message().(int); ok {
			ctx.Respond(1)
		}
	}))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = system.Root.RequestFuture(pid, 1, time.Minute).Result()
	}
}

func BenchmarkChannelHops(b *testing.B) {
	in, out := make(chan int), make(chan int)
	go func() {
		for v := range in {
			out <- v
		}
	}()
	for b.Loop() {
		in <- 1
		<-out
	}
	close(in)
}

func BenchmarkBatch1000(b *testing.B) {
	c := benchCaller(b)
	ctx := context.Background()
	b.ReportAllocs()
	ps := make([]*pending.Pending[int], 1000)
	for b.Loop() {
		for i := range ps {
			ps[i] = actors.CallSoon(ctx, c, one)
		}
		for _, p := range ps {
			_, _ = p.Wait(ctx)
		}
	}
}

func BenchmarkWaitGroup1000(b *testing.B) {
	for b.Loop() {
		var wg sync.WaitGroup
		var mu sync.Mutex
		n := 0
		for range 1000 {
			wg.Go(func() { mu.Lock(); n++; mu.Unlock() })
		}
		wg.Wait()
	}
}

func BenchmarkCallDirect1000(b *testing.B) {
	c := benchCaller(b)
	b.ReportAllocs()
	n := 0
	done := make(chan struct{}, 1)
	fn := func() {
		if n++; n == 1000 {
			n = 0
			done <- struct{}{}
		}
	}
	for b.Loop() {
		for range 1000 {
			_ = c.CallDirect(fn)
		}
		<-done
	}
}

func BenchmarkSend1000(b *testing.B) {
	system := newSystem(b)
	done := make(chan struct{}, 1)
	n := 0
	recv := func(ctx actor.Context) {
		if _, ok := ctx.Message().(int); ok {
			if n++; n == 1000 {
				n = 0
				done <- struct{}{}
			}
		}
	}
	pid := system.Root.Spawn(actor.PropsFromFunc(recv))
	b.ReportAllocs()
	for b.Loop() {
		for range 1000 {
			system.Root.Send(pid, 1)
		}
		<-done
	}
}

func BenchmarkAdoptedSend1000(b *testing.B) {
	system := newSystem(b)
	done := make(chan struct{}, 1)
	n := 0
	recv := func(ctx actor.Context) {
		if _, ok := ctx.Message().(int); ok {
			if n++; n == 1000 {
				n = 0
				done <- struct{}{}
			}
		}
	}
	as, err := actors.AsCaller()
	require.NoError(b, err)
	pid := system.Root.Spawn(actor.PropsFromFunc(recv, as))
	b.ReportAllocs()
	for b.Loop() {
		for range 1000 {
			system.Root.Send(pid, 1)
		}
		<-done
	}
}

func BenchmarkWaitOther(b *testing.B) {
	c, d := benchCaller(b), benchCaller(b)
	bg := context.Background()
	b.ReportAllocs()
	_, _ = actors.CallSoon(bg, c, func(ctx context.Context) (int, error) {
		for b.Loop() {
			_, _ = actors.CallSoon(ctx, d, one).Wait(ctx)
		}
		return 0, nil
	}).Wait(bg)
}

func BenchmarkWaitSame(b *testing.B) {
	c := benchCaller(b)
	bg := context.Background()
	b.ReportAllocs()
	_, _ = actors.CallSoon(bg, c, func(ctx context.Context) (int, error) {
		for b.Loop() {
			_, _ = actors.CallSoon(ctx, c, one).Wait(ctx)
		}
		return 0, nil
	}).Wait(bg)
}

func BenchmarkToThread(b *testing.B) {
	c := benchCaller(b)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = actors.ToThread(ctx, c, one).Wait(ctx)
	}
}

func BenchmarkQueue1000(b *testing.B) {
	n, full := 0, make(chan struct{}, 1)
	q := actors.NewQueue(benchCaller(b), func(context.Context, int) error {
		if n++; n%1000 == 0 {
			full <- struct{}{}
		}
		return nil
	})
	b.ReportAllocs()
	for b.Loop() {
		for i := range 1000 {
			_ = q.Put(i)
		}
		<-full
	}
}

// Workers do 1000 calls, ten at a time, and their results are taken as they come.
func BenchmarkAsCompleted1000(b *testing.B) {
	c, ctx := benchCaller(b), context.Background()
	calls := func(yield func(*pending.Pending[int]) bool) {
		for range 1000 {
			if !yield(actors.ToThread(ctx, c, one)) {
				return
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range pending.AsCompleted(ctx, calls) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkChainOfWaits suspends functions each of which waits for the one before it, the
// first for a promise. The time per function must not grow with the length of the chain.
// Ten chains are as many goroutines as a long one.
func BenchmarkChainOfWaits(b *testing.B) {
	for _, size := range []struct{ chains, length int }{{1, 1_000}, {10, 1_000}, {1, 10_000}} {
		b.Run(fmt.Sprint(size.chains, "x", size.length), func(b *testing.B) {
			ctx := context.Background()
			for b.Loop() {
				b.StopTimer()
				c, err := actors.Start(newSystem(b))
				require.NoError(b, err)
				release := pending.New[int](ctx)
				var ends []*pending.Pending[int]
				runtime.GC() // all begin without goroutines to use again
				b.StartTimer()
				for range size.chains {
					last := release
					for range size.length {
						before := last
						last = actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) { return before.Wait(ctx) })
					}
					ends = append(ends, last)
				}
				_, _ = actors.CallSoon(ctx, c, one).Wait(ctx) // all the others wait by then
				b.StopTimer()
				release.SetResult(1)
				for _, p := range ends {
					_, _ = p.Wait(ctx)
				}
				require.NoError(b, c.StopWait(ctx))
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size.chains*size.length), "ns/function")
		})
	}
}
