package actorstest_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
)

// journal is an actor that writes down what comes, and when.
type journal struct {
	since time.Time
	mu    sync.Mutex
	order []int
	times []time.Duration
}

func (j *journal) Receive(ctx actor.Context) {
	number, ok := ctx.Message().(int)
	if !ok {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.order = append(j.order, number)
	j.times = append(j.times, time.Since(j.since))
}

// hundred sends the numbers from 0 to 99, one each millisecond of a bubble, over
// a network with faults. It returns what has become of them after an hour.
func hundred(t *testing.T, opts ...actorstest.Option) *journal {
	var j *journal
	synctest.Test(t, func(t *testing.T) {
		network := actorstest.NewNetwork(t, opts...)
		here, there := network.System("here"), network.System("there")
		j = &journal{since: time.Now()}
		far := there.Root.Spawn(actor.PropsFromProducer(func() actor.Actor { return j }))
		to := actor.NewPID("there", far.Id)
		for i := range 100 {
			here.Root.Send(to, i)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
	})
	return j
}

func numbers() []int {
	all := make([]int, 100)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestDelayIsWithinItsRangeAndKeepsTheOrder(t *testing.T) {
	j := hundred(t, actorstest.Delay(5*time.Millisecond, 20*time.Millisecond))

	assert.Equal(t, numbers(), j.order)
	for i, at := range j.times {
		delay := at - time.Duration(i)*time.Millisecond
		assert.True(t, delay >= 5*time.Millisecond && delay <= 20*time.Millisecond, "%d took %v", i, delay)
	}
	assert.NotEqual(t, j.times[0]+99*time.Millisecond, j.times[99], "all took the same time")
}

func TestReorderLetsMessagesOvertake(t *testing.T) {
	j := hundred(t, actorstest.Delay(0, 20*time.Millisecond), actorstest.Reorder())

	assert.ElementsMatch(t, numbers(), j.order)
	assert.False(t, slices.IsSorted(j.order))
	assert.True(t, slices.IsSorted(j.times))
}

func TestLossAndDuplication(t *testing.T) {
	for _, test := range []struct {
		name              string
		loss, duplication float64
		least, most       int // how many arrive
	}{
		{"nothing is lost", 0, 0, 100, 100},
		{"some is lost", 0.3, 0, 40, 95},
		{"all is lost", 1, 0, 0, 0},
		{"some comes twice", 0, 0.3, 105, 160},
		{"all comes twice", 0, 1, 200, 200},
		{"what is lost never comes twice", 1, 1, 0, 0},
	} {
		for _, delay := range []time.Duration{0, time.Second} {
			t.Run(fmt.Sprint(test.name, " after ", delay), func(t *testing.T) {
				j := hundred(t, actorstest.Delay(delay, delay),
					actorstest.Loss(test.loss), actorstest.Duplication(test.duplication))

				assert.GreaterOrEqual(t, len(j.order), test.least)
				assert.LessOrEqual(t, len(j.order), test.most)
				assert.True(t, slices.IsSorted(j.order))
			})
		}
	}
}

func TestFaultsAreTheSameForASeed(t *testing.T) {
	faults := func(seed uint64) []actorstest.Option {
		return []actorstest.Option{
			actorstest.Seed(seed), actorstest.Delay(0, time.Second), actorstest.Reorder(),
			actorstest.Loss(0.2), actorstest.Duplication(0.2),
		}
	}
	first, again, other := hundred(t, faults(1)...), hundred(t, faults(1)...), hundred(t, faults(2)...)

	assert.Equal(t, first.order, again.order)
	assert.Equal(t, first.times, again.times)
	assert.NotEqual(t, first.order, other.order)
}

func TestImpossibleFaultsAreRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		option actorstest.Option
		want   string
	}{
		{"loss", actorstest.Loss(1.5), "actorstest: Loss(1.5): it is not from 0 to 1"},
		{"duplication", actorstest.Duplication(-1), "actorstest: Duplication(-1): it is not from 0 to 1"},
		{"delay", actorstest.Delay(time.Second, 0), "actorstest: Delay(1s, 0s): no time is between them"},
		{"reorder", actorstest.Reorder(), "actorstest: Reorder: there is no Delay that varies"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, fatal(t, func(tb testing.TB) { actorstest.NewNetwork(tb, test.option) }))
		})
	}
}

// critic is the testing.TB of a test that is to fail.
type critic struct {
	testing.TB
	verdict string
}

func (c *critic) Helper() {}

func (c *critic) Fatal(args ...any) {
	c.verdict = fmt.Sprint(args...)
	panic(c)
}

func (c *critic) Fatalf(format string, args ...any) { c.Fatal(fmt.Sprintf(format, args...)) }

// fatal returns what a test fails at once with.
func fatal(tb testing.TB, test func(testing.TB)) string {
	tb.Helper()
	c := &critic{TB: tb}
	assert.PanicsWithValue(tb, c, func() { test(c) })
	return c.verdict
}
