package main

import (
	"context"
	"testing"

	"github.com/alitto/pond/v2"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// toThread has a worker of a warm pool do one call after the other.
func toThread(b *testing.B) {
	c, ctx := startCaller(b), context.Background()
	must(actors.ToThread(ctx, c, one).Wait(ctx))
	for b.Loop() {
		must(actors.ToThread(ctx, c, one).Wait(ctx))
	}
}

func pondSubmit(b *testing.B) {
	pool := pond.NewResultPool[int](props.DefaultMaxIdleWorkers)
	defer pool.StopAndWait()
	job := func() (int, error) { return 1, nil }
	must(pool.SubmitErr(job).Wait())
	for b.Loop() {
		must(pool.SubmitErr(job).Wait())
	}
}
