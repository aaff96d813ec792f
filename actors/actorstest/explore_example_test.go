package actorstest_test

import (
	"context"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/props"
)

func ExampleExplore() {
	var t *testing.T // of the test

	actorstest.Explore(t, func(t testing.TB, w *actorstest.World) {
		system := w.System("bank")
		account := actorstest.Start(t, system, props.Name("account"))
		balance := 0
		deposit := func(context.Context) error {
			balance++ // no wait between looking and writing
			return nil
		}
		actors.CallSoon(t.Context(), account, actors.NoResult(deposit))
		actors.CallSoon(t.Context(), account, actors.NoResult(deposit))
		w.Settle()
		if balance != 2 {
			t.Error("a deposit is lost")
		}
	}, actorstest.Schedules(100))
}

// A register is right if its history could be that of requests one after the other.
func ExampleWorld_History() {
	var t *testing.T // of the test

	register := porcupine.Model{
		Init: func() any { return 0 },
		Step: func(state, input, output any) (bool, any) { return output == state, input },
	}
	actorstest.Explore(t, func(t testing.TB, w *actorstest.World) {
		system := w.System("store")
		value := 0
		keeper := actorstest.Start(t, system)
		for id := range 3 {
			client := actorstest.Start(t, system)
			actors.CallSoon(t.Context(), client, actors.NoResult(func(ctx context.Context) error {
				end := w.History().Begin(id, id)
				before, err := actors.Call(ctx, keeper, func(context.Context) (int, error) {
					before := value
					value = id
					return before, nil
				})
				end(before)
				return err
			}))
		}
		w.Settle()

		var operations []porcupine.Operation
		for _, o := range w.History().Operations() {
			operations = append(operations, porcupine.Operation{ClientId: o.Client, Input: o.Input, Call: o.Call, Output: o.Output, Return: o.Return})
		}
		if !porcupine.CheckOperations(register, operations) {
			t.Error("that could not be one after the other")
		}
	})
}
