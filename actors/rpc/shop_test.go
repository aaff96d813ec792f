package rpc_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// ledger counts how often each thing was done.
type ledger struct {
	mu   sync.Mutex
	done map[string]int
}

func (l *ledger) note(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done == nil {
		l.done = make(map[string]int)
	}
	l.done[what]++
	return l.done[what]
}

func (l *ledger) of(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done[what]
}

// shop is two nodes whose link has faults. The far one notes in a ledger what it
// has sold.
type shop struct {
	*scene
	network *actorstest.Network
	sold    *ledger
}

func newShop(tb testing.TB, opts ...actorstest.Option) *shop {
	s := &shop{&scene{}, actorstest.NewNetwork(tb, opts...), &ledger{}}
	s.here = s.network.System("here")
	s.open(tb)
	s.target = rpc.At("there", s.clerk.ID())
	return s
}

// open has the far node begin, or begin anew.
func (s *shop) open(tb testing.TB) {
	s.there = s.network.System("there")
	require.NoError(tb, register(s.there))
	require.NoError(tb, rpc.Handle(s.there, "sell", func(ctx context.Context, item string) (int, error) {
		if err := actors.Sleep(ctx, time.Millisecond); err != nil {
			return 0, err
		}
		return s.sold.note(item), nil
	}))
	s.clerk = actorstest.Start(tb, s.there, props.Name("clerk"))
}

// sell has an item sold once.
func (s *shop) sell(ctx context.Context, item string) *pending.Pending[int] {
	return rpc.Call[string, int](ctx, s.here, s.target, "sell", item, rpc.Idempotent(item), rpc.AttemptTimeout(time.Second))
}

// inShop runs a test in a bubble, with a context that ends.
func inShop(t *testing.T, test func(ctx context.Context, t *testing.T, s *shop), opts ...actorstest.Option) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		test(ctx, t, newShop(t, opts...))
	})
}
