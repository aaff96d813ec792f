package pending_test

import (
	"context"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/internal/scheduled"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

func BenchmarkNewSetResultResult(b *testing.B) {
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		p := pending.New[int](ctx)
		p.SetResult(1)
		if _, err := p.Result(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTaskRun(b *testing.B) {
	benchmarks := map[string]func(context.Context) (int, error){
		"trivial":    one,
		"asks Err":   func(ctx context.Context) (int, error) { return 1, ctx.Err() },
		"asks Value": func(ctx context.Context) (int, error) { return ctx.Value(keyA).(int), nil },
		"asks Done": func(ctx context.Context) (int, error) {
			ctx.Done()
			return 1, nil
		},
		"schedules with a value": func(ctx context.Context) (int, error) {
			pending.New[int](context.WithValue(ctx, keyB, "b"))
			return 1, nil
		},
	}
	for name, fn := range benchmarks {
		b.Run(name, func(b *testing.B) {
			ctx, r := context.WithValue(b.Context(), keyA, 1), newRunner()
			b.ReportAllocs()
			for b.Loop() {
				task := &scheduled.Call[int]{}
				task.Init(ctx, fn, r)
				_ = task.Run()
			}
		})
	}
}

func BenchmarkWaitOnDone(b *testing.B) {
	ctx := b.Context()
	p := pending.New[int](ctx)
	p.SetResult(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Wait(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWaitAcrossGoroutines(b *testing.B) {
	ctx := b.Context()
	pendings := make(chan *pending.Pending[int])
	go func() {
		for p := range pendings {
			p.SetResult(1)
		}
	}()
	b.ReportAllocs()
	for b.Loop() {
		p := pending.New[int](ctx)
		pendings <- p
		if _, err := p.Wait(ctx); err != nil {
			b.Fatal(err)
		}
	}
	close(pendings)
}

func BenchmarkWaitInAFunction(b *testing.B) {
	pendings := make(chan *pending.Pending[int])
	go func() {
		for p := range pendings {
			p.SetResult(1)
		}
	}()
	task := call(b.Context(), func(ctx context.Context) (int, error) {
		b.ReportAllocs()
		for b.Loop() {
			p := pending.New[int](ctx)
			pendings <- p
			if _, err := p.Wait(ctx); err != nil {
				return 0, err
			}
		}
		return 1, nil
	})
	close(pendings)
	if err := task.Err(); err != nil {
		b.Fatal(err)
	}
}
