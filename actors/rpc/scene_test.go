package rpc_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// errSoldOut is an error of the functions that both nodes know.
var errSoldOut = errors.New("sold out")

// order and receipt travel as JSON.
type (
	order   struct{ Item string }
	receipt struct{ Item, Caller string }
)

// register registers the functions of the tests.
func register(system *actor.ActorSystem) error {
	return errors.Join(
		registerStreams(system),
		rpc.RegisterError(system, "shop.sold_out", errSoldOut),
		rpc.Handle(system, "buy", func(ctx context.Context, o order) (receipt, error) {
			c, _ := actors.Current(ctx)
			return receipt{o.Item, c.ID()}, nil
		}),
		rpc.Handle(system, "double", func(_ context.Context, d *durationpb.Duration) (*durationpb.Duration, error) {
			return durationpb.New(2 * d.AsDuration()), nil
		}),
		rpc.Handle(system, "echo message", func(_ context.Context, s *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
			return s, nil
		}),
		rpc.Handle(system, "echo", func(_ context.Context, s string) (string, error) { return s, nil }),
		rpc.Handle(system, "echo bytes", func(_ context.Context, b *wrapperspb.BytesValue) (*wrapperspb.BytesValue, error) {
			return b, nil
		}),
		rpc.Handle(system, "repeat", func(_ context.Context, n int) (string, error) { return strings.Repeat("x", n), nil }),
		rpc.Handle(system, "fail", func(context.Context, struct{}) (int, error) {
			return 0, errors.Join(errors.New("no tea"), errSoldOut)
		}),
		rpc.Handle(system, "panic", func(context.Context, struct{}) (int, error) { panic("boom") }),
		rpc.Handle(system, "deadline", func(ctx context.Context, _ struct{}) (time.Duration, error) {
			deadline, ok := ctx.Deadline()
			if !ok {
				return 0, nil
			}
			return time.Until(deadline), nil
		}),
		rpc.Handle(system, "race", func(context.Context, struct{}) (n int, err error) {
			var both sync.WaitGroup
			both.Go(func() { n++ })
			both.Go(func() { n++ })
			both.Wait()
			return n, nil
		}),
		rpc.Handle(system, "sleep", func(ctx context.Context, _ struct{}) (int, error) { // without its turn
			return 0, actors.Sleep(ctx, time.Hour)
		}),
		rpc.Handle(system, "wait", func(ctx context.Context, _ struct{}) (int, error) {
			<-ctx.Done()
			return 0, context.Cause(ctx)
		}),
	)
}

// failure returns the error of a call.
func failure[Resp, Req any](
	tb testing.TB, system *actor.ActorSystem, target rpc.Target, function string, req Req,
) error {
	tb.Helper()
	_, err := rpc.Call[Req, Resp](tb.Context(), system, target, function, req).Wait(tb.Context())
	require.Error(tb, err)
	return err
}
