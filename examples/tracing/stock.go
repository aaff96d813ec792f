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
type stock struct{ orders *actors.Caller }

// Receive implements [actor.Actor].
func (s *stock) Receive(ctx actor.Context) {
	if message, ok := ctx.Message().(*take); ok {
		count := counting{s.orders, message.item}
		left := actors.ToThread(telemetry.ContextOf(ctx), s.orders, count.shelves)
		_ = actors.PipeTo(left, ctx.Sender()) // fails for pendings of no system alone
	}
}

// counting is the work for one message.
type counting struct {
	orders *actors.Caller
	item   string
}

// shelves is run by a worker, at the same time as others count. The caller
// writes down what it has found, because a worker must not touch what belongs
// to the caller.
func (c counting) shelves(ctx context.Context) (*taken, error) {
	left := 10 - len(c.item)
	return actors.Schedule(ctx, c.orders, func(context.Context) (*taken, error) {
		return &taken{left}, nil
	}, actors.Named("write down")).Wait(ctx)
}
