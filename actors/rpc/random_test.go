package rpc_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

const randomCalls = 2000

// inStorm runs a test in a bubble whose link is slow and loses what it carries. The
// link is reset and parted now and then until the test is over. All of it depends on a
// seed, which is printed.
func inStorm(t *testing.T, test func(ctx context.Context, t *testing.T, s *faultyShop, random *rand.Rand)) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	faults := []actorstest.Option{
		actorstest.Seed(seed), actorstest.Loss(0.2), actorstest.Duplication(0.2),
		actorstest.Delay(0, 300*time.Millisecond), actorstest.Reorder(),
	}
	inFaultyShop(t, func(ctx context.Context, t *testing.T, s *faultyShop) {
		over := make(chan struct{})
		go s.partAndHeal(rand.New(rand.NewPCG(seed, 1)), over)
		test(ctx, t, s, rand.New(rand.NewPCG(seed, 2)))
		close(over)
		time.Sleep(time.Minute) // what is under way arrives
		assert.Zero(t, rpc.StatsOf(s.here).Open)
		assert.Zero(t, rpc.StatsOf(s.there).Served)
	}, faults...)
}

// partAndHeal parts the nodes now and then. Each of them learns of that, or does not.
func (s *faultyShop) partAndHeal(random *rand.Rand, over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-time.After(upTo(random, 3*time.Second)):
		}
		if random.IntN(2) == 0 {
			s.network.Reset("here", "there")
		}
		s.network.Partition("here", "there")
		time.Sleep(upTo(random, 3*time.Second))
		s.network.Heal("here", "there")
	}
}

func upTo(random *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(random.Int64N(int64(d)))
}

func TestRandomCallsWithKeysHaveTheirEffectOnce(t *testing.T) {
	inStorm(t, func(ctx context.Context, t *testing.T, s *faultyShop, random *rand.Rand) {
		var calls []*pending.Pending[int]
		for n := range randomCalls {
			calls = append(calls, s.sell(ctx, strconv.Itoa(n)))
			if random.IntN(10) == 0 { // the same again
				calls = append(calls, s.sell(ctx, strconv.Itoa(n)))
			}
			time.Sleep(upTo(random, 20*time.Millisecond))
		}
		for n, p := range calls {
			sold, err := p.Wait(ctx)
			require.NoError(t, err, n)
			assert.Equal(t, 1, sold, n)
		}
		for n := range randomCalls {
			assert.Equal(t, 1, s.sold.of(strconv.Itoa(n)), n)
		}
		assert.Equal(t, randomCalls, rpc.StatsOf(s.there).Remembered)
	})
}

func TestRandomCallsWithoutKeysHaveTheirEffectAtMostOnce(t *testing.T) {
	inStorm(t, func(ctx context.Context, t *testing.T, s *faultyShop, random *rand.Rand) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Minute) // for those of which all is lost
		defer cancel()
		calls := make([]*pending.Pending[int], randomCalls)
		for n := range calls {
			calls[n] = rpc.Call[string, int](ctx, s.here, s.target, "sell", strconv.Itoa(n))
			time.Sleep(upTo(random, 20*time.Millisecond))
		}
		succeeded, ran := 0, 0
		for n, p := range calls {
			<-p.Done()
			sold := s.sold.of(strconv.Itoa(n))
			assert.LessOrEqual(t, sold, 1, n)
			ran += sold
			if p.Err() == nil {
				succeeded++
				assert.Equal(t, 1, sold, n)
			}
		}
		t.Logf("of %d calls %d have run and %d succeeded", randomCalls, ran, succeeded)
		assert.Positive(t, succeeded)
		assert.LessOrEqual(t, succeeded, ran)
		assert.Less(t, succeeded, randomCalls, "some calls or answers were lost")
	})
}
