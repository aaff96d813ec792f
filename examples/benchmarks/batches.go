package main

import (
	"context"
	"iter"
	"sync"
	"testing"

	"github.com/alitto/pond/v2"
	"github.com/panjf2000/ants/v2"
	"github.com/sourcegraph/conc/pool"
	"golang.org/x/sync/errgroup"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// atOnce is how many jobs of a batch are done at the same time.
const atOnce = 10

// job is what each worker does: it has a result, and may fail.
func job() (int, error) { return 1, nil }

// asCompletedBatch has workers do n jobs, and takes the results as they come.
func asCompletedBatch(n int) func(*testing.B) {
	return func(b *testing.B) {
		c, ctx := startCaller(b), context.Background()
		jobs := func() iter.Seq[*pending.Pending[int]] {
			return func(yield func(*pending.Pending[int]) bool) {
				for range n {
					if !yield(actors.ToThread(ctx, c, one)) {
						return
					}
				}
			}
		}
		for b.Loop() {
			sum := 0
			for p, err := range pending.AsCompleted(ctx, jobs(), pending.MaxConcurrent(atOnce)) {
				check(err)
				sum += must(p.Result())
			}
			checkSum(b, n, sum)
		}
	}
}

func errgroupBatch(n int) func(*testing.B) {
	return func(b *testing.B) {
		results := make([]int, n)
		for b.Loop() {
			clear(results)
			g, _ := errgroup.WithContext(context.Background())
			g.SetLimit(atOnce)
			for i := range results {
				g.Go(func() (err error) {
					results[i], err = job()
					return err
				})
			}
			check(g.Wait())
			checkSum(b, n, results...)
		}
	}
}

func concBatch(n int) func(*testing.B) {
	return func(b *testing.B) {
		for b.Loop() {
			p := pool.NewWithResults[int]().WithErrors().WithMaxGoroutines(atOnce)
			for range n {
				p.Go(job)
			}
			checkSum(b, n, must(p.Wait())...)
		}
	}
}

func pondBatch(n int) func(*testing.B) {
	return func(b *testing.B) {
		workers := pond.NewResultPool[int](atOnce)
		defer workers.StopAndWait()
		for b.Loop() {
			group := workers.NewGroup()
			for range n {
				group.SubmitErr(job)
			}
			checkSum(b, n, must(group.Wait())...)
		}
	}
}

func antsBatch(n int) func(*testing.B) {
	return func(b *testing.B) {
		workers := must(ants.NewPool(atOnce))
		defer workers.Release()
		results := make([]int, n)
		for b.Loop() {
			clear(results)
			var wg sync.WaitGroup
			wg.Add(n)
			for i := range results {
				check(workers.Submit(func() {
					defer wg.Done()
					results[i], _ = job()
				}))
			}
			wg.Wait()
			checkSum(b, n, results...)
		}
	}
}

// checkSum has a look at the results, as whoever wants them would.
func checkSum(b *testing.B, n int, results ...int) {
	sum := 0
	for _, r := range results {
		sum += r
	}
	if sum != n {
		b.Fatalf("%d of %d jobs were done", sum, n)
	}
}
