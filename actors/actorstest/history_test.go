package actorstest_test

import (
	"context"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// counter is the model of a counter: an input is what is added, and an output the sum.
var counter = porcupine.Model{
	Init: func() any { return 0 },
	Step: func(state, input, output any) (bool, any) {
		sum := state.(int) + input.(int)
		return output == nil || output.(int) == sum, sum
	},
}

// isLinearizable reports whether a history could be that of requests one after the other.
func isLinearizable(model porcupine.Model, h *actorstest.History) bool {
	var operations []porcupine.Operation
	for _, o := range h.Operations() {
		operations = append(operations, porcupine.Operation{
			ClientId: o.Client, Input: o.Input, Call: o.Call, Output: o.Output, Return: o.Return,
		})
	}
	return porcupine.CheckOperations(model, operations)
}

// count has clients add to a counter that waits between looking and writing, with a lock if
// it is right.
func count(right bool) func(t testing.TB, w *actorstest.World) {
	return func(t testing.TB, w *actorstest.World) {
		system := w.System("a")
		c := actorstest.Start(t, system, props.Name("counter"))
		disk := actorstest.Start(t, system, props.Name("disk"))
		lock, sum := pending.NewMutex(), 0
		add := func(ctx context.Context) (int, error) {
			if right {
				if err := lock.Lock(ctx); err != nil {
					return 0, err
				}
				defer lock.Unlock()
			}
			before := sum
			err := actors.Do(ctx, disk, func(context.Context) error { return nil })
			sum = before + 1
			return sum, err
		}
		var clients []*pending.Pending[struct{}]
		for id := range 3 {
			client := actorstest.Start(t, system)
			clients = append(clients, actors.CallSoon(t.Context(), client, actors.NoResult(func(ctx context.Context) error {
				end := w.History().Begin(id, 1)
				n, err := actors.Call(ctx, c, add)
				end(n)
				return err
			})))
		}
		wait(t, clients...)
		require.True(t, isLinearizable(counter, w.History()), "%v", w.History().Operations())
	}
}

func TestHistoryTellsWhatNoSingleAssertionDoes(t *testing.T) {
	assert.NotEmpty(t, actorstest.Find(t, count(false)).Report)
	assert.Empty(t, actorstest.Find(t, count(true), actorstest.Schedules(scaled(500))).Report)
}

func TestHistoryHasWhatHasNotEnded(t *testing.T) {
	var h actorstest.History
	first := h.Begin(1, "a")
	h.Begin(2, "b")
	first("x")
	first("y")
	all := h.Operations()
	require.Len(t, all, 2)
	assert.Equal(t, actorstest.Operation{Client: 1, Input: "a", Call: 1, Output: "x", Return: 3}, all[0])
	assert.Nil(t, all[1].Output)
	assert.Greater(t, all[1].Return, all[0].Return)
}
