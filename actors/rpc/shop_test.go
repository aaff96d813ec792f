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

// shop is a scene whose far node notes in a ledger what it has sold.
type shop struct {
	*scene
	sold *ledger
}

func newShop(tb testing.TB, s *scene) *shop {
	shop := &shop{s, &ledger{}}
	shop.handleSell(tb)
	return shop
}

func (s *shop) handleSell(tb testing.TB) {
	require.NoError(tb, rpc.Handle(s.there, "sell", func(ctx context.Context, item string) (int, error) {
		if err := actors.Sleep(ctx, time.Millisecond); err != nil {
			return 0, err
		}
		return s.sold.note(item), nil
	}))
}

// sell has an item sold once.
func (s *shop) sell(ctx context.Context, item string) *pending.Pending[int] {
	return rpc.Call[string, int](ctx, s.here, s.target, "sell", item, rpc.Idempotent(item))
}

// inShop runs a test in a shop of either network.
func inShop(t *testing.T, test func(ctx context.Context, t *testing.T, s *shop)) {
	onBothNetworks(t, func(t *testing.T, s *scene) { test(t.Context(), t, newShop(t, s)) })
}

// faultyShop is one in memory, whose link can fail.
type faultyShop struct {
	*shop
	network *actorstest.Network
}

// reopen has the far node begin anew.
func (s *faultyShop) reopen(tb testing.TB) {
	s.open(tb)
	s.handleSell(tb)
}

// inFaultyShop runs a test in a bubble, with a context that ends.
func inFaultyShop(t *testing.T, test func(ctx context.Context, t *testing.T, s *faultyShop), opts ...actorstest.Option) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		n := actorstest.NewNetwork(t, opts...)
		test(ctx, t, &faultyShop{newShop(t, newScene(t, inBubble{n})), n})
	})
}

// attemptsTo tells of attempts to call a function, as many as attempts has room for.
func attemptsTo(function string, attempts chan<- struct{}) rpc.Option {
	return rpc.Authorize(func(call rpc.Incoming) bool {
		if call.Function == function {
			select {
			case attempts <- struct{}{}:
			default:
			}
		}
		return true
	})
}
