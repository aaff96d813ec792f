package main

import (
	"context"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// The messages of the stock.
type (
	take  struct{ item string }
	taken struct{ left int }
)

// stock is an actor as protoactor knows them.
type stock struct{ books *actors.Caller }

// Receive implements [actor.Actor].
func (s *stock) Receive(ctx actor.Context) {
	if message, ok := ctx.Message().(*take); ok {
		left := actors.ToThread(telemetry.ContextOf(ctx), s.books, func(ctx context.Context) (*taken, error) {
			return s.count(ctx, message.item)
		})
		_ = actors.PipeTo(left, ctx.Sender()) // fails for pendings of no system alone
	}
}

// count is run by a worker, at the same time as the counts for other orders. It
// has the caller write down what it has found, because a worker must not touch
// what belongs to the caller.
func (s *stock) count(ctx context.Context, item string) (*taken, error) {
	left := 10 - len(item)
	return actors.Schedule(ctx, s.books, func(context.Context) (*taken, error) {
		return &taken{left}, nil
	}, actors.Named("book")).Wait(ctx)
}
