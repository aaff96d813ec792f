package inspect_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

func TestASystemWithoutCallersIsEmpty(t *testing.T) {
	system := newSystem()
	s := take(t, system)
	assert.Equal(t, system.ID, s.System)
	assert.Empty(t, s.Callers)
	assert.Empty(t, s.Circles)
	assert.Equal(t, "nothing unusual", s.Health())
	assert.NotEmpty(t, s.String())
}

func TestSnapshotSaysWhatRunsAndWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := newSystem()
		shop := start(t, system, props.Name("shop"), props.MaxQueued(5))
		child, err := shop.Child(props.Name("stock"))
		require.NoError(t, err)
		suspend(t, shop)
		hold(t, child, held)
		queued := actors.CallSoon(context.Background(), child, actors.NoResult(func(context.Context) error { return nil }))
		later := actors.CallLater(context.Background(), shop, time.Hour, actors.NoResult(func(context.Context) error { return nil }))
		defer later.Cancel(nil)

		synctest.Wait()
		s := take(t, system)
		c := s.Caller("callers/shop")
		require.NotNil(t, c)
		assert.Equal(t, []string{"callers/shop/stock"}, c.Children)
		assert.Equal(t, "running", c.State)
		assert.Equal(t, 5, c.Limits.Queued)
		require.Len(t, c.Suspended, 1)
		assert.Equal(t, "waiting", c.Suspended[0].State)
		assert.Equal(t, "gate", c.Suspended[0].WaitsFor.What)
		assert.Equal(t, "promise", c.Suspended[0].WaitsFor.Kind)
		require.Len(t, c.Delayed, 1)
		assert.WithinDuration(t, time.Now().Add(time.Hour), *c.Delayed[0].Due, time.Minute)
		assert.Equal(t, later.ID(), c.Delayed[0].ID)

		stock := s.Caller("callers/shop/stock")
		require.NotNil(t, stock)
		assert.Equal(t, "callers/shop", stock.Parent)
		assert.Equal(t, "running", stock.Running.State)
		assert.Equal(t, 1, stock.Queued)
		assert.False(t, queued.IsDone())
		assert.Contains(t, s.String(), "stock  running, 1 queued")
	})
}

func TestCountersGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := newSystem()
		c := start(t, system, props.Name("c"))
		boom := errors.New("boom")
		for range 3 {
			_, err := actors.CallSoon(context.Background(), c, func(context.Context) (int, error) { return 1, nil }).Wait(context.Background())
			require.NoError(t, err)
		}
		require.ErrorIs(t, actors.Do(context.Background(), c, func(context.Context) error { return boom }), boom)
		require.Error(t, actors.Do(context.Background(), c, func(context.Context) error { panic("oh") }))
		release := hold(t, c, held)
		cancelled := actors.CallSoon(context.Background(), c, actors.NoResult(func(context.Context) error { return nil }))
		cancelled.Cancel(boom)
		release()

		s := take(t, system)
		got := s.Caller("callers/c").Counters
		assert.GreaterOrEqual(t, got.Calls, uint64(6))
		assert.Equal(t, uint64(2), got.Failures)
		assert.Equal(t, uint64(1), got.Panics)
		assert.Equal(t, uint64(1), got.Cancelled)
		require.Len(t, s.Failures, 1)
		assert.Equal(t, "callers/c", s.Failures[0].Caller)
		assert.Equal(t, "oh", s.Failures[0].Error)
		assert.Less(t, s.Sequence, take(t, system).Sequence)
	})
}

func TestCallersThatHaveStoppedStayForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := newSystem()
		c := start(t, system, props.Name("short"))
		require.NoError(t, actors.Do(t.Context(), c, func(context.Context) error { return nil }))
		_, err := actors.ToThread(t.Context(), c, func(context.Context) (int, error) { return 1, nil }).Wait(t.Context())
		require.NoError(t, err)
		require.NoError(t, c.StopWait(context.Background()))
		s := take(t, system)
		require.Len(t, s.Stopped, 1, "its worker is of no interest")
		assert.Equal(t, "callers/short", s.Stopped[0].ID)
		assert.NotZero(t, s.Stopped[0].Counters.Calls)
		assert.Empty(t, s.Failures)
		assert.Equal(t, "nothing unusual", s.Health())
		assert.Contains(t, get(inspect.Handler(system), "/").Body.String(), "callers/short")
		for range 300 {
			c, err := actors.Start(system)
			require.NoError(t, err)
			require.NoError(t, c.StopWait(context.Background()))
		}
		assert.Len(t, take(t, system).Stopped, 256, "they are bounded")
		time.Sleep(time.Minute)
		assert.Empty(t, take(t, system).Stopped)
	})
}

func TestWhoHasMadeACallIsKnownIfSomebodyLooked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := newSystem()
		shop, stock := start(t, system, props.Name("shop")), start(t, system, props.Name("stock"))
		gate := pending.New[int](t.Context(), pending.Named("gate"))
		defer gate.SetResult(1)
		// makes returns who has made a call of stock, which a function of shop makes, and
		// which that of the shop does not wait for.
		makes := func() (made, maker *inspect.Call, by *inspect.Maker) {
			var id, own uint64
			require.NoError(t, actors.Do(t.Context(), shop, func(ctx context.Context) error {
				h, _ := pending.Current(ctx)
				own = h.ID()
				id = actors.CallSoon(ctx, stock, func(ctx context.Context) (int, error) { return gate.Wait(ctx) }).ID()
				return nil
			}, actors.Named("sell")))
			synctest.Wait()
			s := take(t, system)
			made = s.Call(id)
			require.NotNil(t, made)
			if made.MadeBy != nil {
				assert.Equal(t, own, made.MadeBy.Call)
			}
			return made, s.Call(own), made.MadeBy
		}
		take(t, system, inspect.Ages())
		made, maker, by := makes()
		require.NotNil(t, by)
		assert.Nil(t, maker, "it has ended")
		assert.Equal(t, "sell", by.Name)
		assert.Equal(t, "callers/shop", by.Caller)
		page := get(inspect.Handler(system), "/call?id="+itoa(made.ID)).Body.String()
		assert.Contains(t, page, `<dt>Made by</dt><dd><a href="call?id=`+itoa(by.Call)+`">sell</a>`)
		assert.Equal(t, http.StatusNotFound, get(inspect.Handler(system), "/call?id="+itoa(by.Call)).Code)
	})
}

func TestWhoHasMadeACallIsKnownByItsSpans(t *testing.T) {
	spans := tracetest.NewRecorder()
	system := newSystem()
	c := start(t, system, props.Name("shop"), props.Telemetry(spans.Telemetry()))
	stock := start(t, system, props.Name("stock"), props.Telemetry(spans.Telemetry()))
	gate := pending.New[int](t.Context(), pending.Named("gate"))
	began := make(chan uint64)
	sell := actors.Schedule(t.Context(), c, actors.NoResult(func(ctx context.Context) error {
		_, err := actors.Schedule(ctx, stock, func(ctx context.Context) (int, error) {
			own, _ := pending.Current(ctx)
			began <- own.ID()
			return gate.Wait(ctx)
		}, actors.Named("take")).Wait(ctx)
		return err
	}), actors.Named("sell"))
	id := <-began
	s := take(t, system)
	made := s.Call(id)
	require.NotNil(t, made)
	require.NotNil(t, made.MadeBy)
	assert.Equal(t, sell.ID(), made.MadeBy.Call)
	assert.Equal(t, "sell", made.MadeBy.Name)
	assert.Equal(t, "callers/shop", made.MadeBy.Caller)
	assert.Nil(t, s.Call(sell.ID()).MadeBy, "no call has made it")
	page := get(inspect.Handler(system), "/call?id="+itoa(id)).Body.String()
	assert.Contains(t, page, `<dt>Made by</dt><dd><a href="call?id=`+itoa(sell.ID()))
	gate.SetResult(1)
	_, err := sell.Wait(t.Context())
	require.NoError(t, err)
}

// circle has the functions of two callers wait for each other, for a minute at most.
func circle(t testing.TB, a, b *actors.Caller) (ids []uint64, first *pending.Pending[struct{}]) {
	ctx := context.Background()
	gate := pending.New[*pending.Pending[struct{}]](ctx)
	pa := actors.CallSoon(ctx, a, actors.NoResult(func(ctx context.Context) error {
		other, err := gate.Wait(ctx)
		if err == nil {
			_, err = other.Wait(ctx, pending.Timeout(time.Minute))
		}
		return err
	}))
	pb := actors.CallSoon(ctx, b, actors.NoResult(func(ctx context.Context) error {
		_, err := pa.Wait(ctx, pending.Timeout(time.Minute))
		return err
	}))
	gate.SetResult(pb)
	t.Cleanup(func() {
		pa.Cancel(nil)
		_, _ = pb.Wait(ctx) // it ends cancelled
	})
	return []uint64{pa.ID(), pb.ID()}, pa
}

func TestCirclesAndTheirTailsAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := newSystem()
		a, b, c := start(t, system, props.Name("a")), start(t, system, props.Name("b")), start(t, system, props.Name("c"))
		ids, first := circle(t, a, b)
		behind := actors.CallSoon(context.Background(), c, actors.NoResult(func(ctx context.Context) error {
			_, _ = first.Wait(ctx) // it ends with the circle
			return nil
		}))
		synctest.Wait()
		s := take(t, system)
		require.Len(t, s.Circles, 1)
		assert.ElementsMatch(t, ids, s.Circles[0])
		assert.Equal(t, [][]uint64{{behind.ID()}}, s.Tails)
		assert.Equal(t, "1 circle", s.Health())
		assert.Contains(t, s.WaitsDOT(), "color=red")
		assert.Contains(t, s.String(), "circle: ")

	})
}

func TestAgesAreKnownFromTheFirstLookOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := newSystem()
		c := start(t, system, props.Name("c"))
		suspend(t, c)
		s := take(t, system, inspect.Ages())
		assert.Nil(t, s.Callers[0].Suspended[0].Age, "it began before looking began")
		suspend(t, c)
		time.Sleep(3 * time.Second)
		s = take(t, system, inspect.Ages())
		var known []inspect.Seconds
		for _, call := range s.Callers[0].Suspended {
			if call.Since != nil {
				known = append(known, *call.Age)
			}
		}
		require.Len(t, known, 1)
		assert.InDelta(t, 3, time.Duration(known[0]).Seconds(), 1.1)
		for _, call := range s.Callers[0].Suspended {
			if call.Since == nil {
				assert.True(t, call.AtLeast)
				assert.InDelta(t, 3, time.Duration(*call.Age).Seconds(), 1.1)
			}
		}
		time.Sleep(time.Minute) // nobody looks
		s = take(t, system, inspect.Ages())
		assert.Nil(t, s.Callers[0].Suspended[0].Age)
	})
}

func TestOptionsNarrow(t *testing.T) {
	system := newSystem()
	a := start(t, system, props.Name("a"))
	_, err := a.Child(props.Name("x"))
	require.NoError(t, err)
	start(t, system, props.Name("b"))
	ids := func(opts ...inspect.Option) (ids []string) {
		for _, c := range take(t, system, opts...).Callers {
			ids = append(ids, c.ID)
		}
		return ids
	}
	assert.Equal(t, []string{"callers/a", "callers/a/x", "callers/b"}, ids())
	assert.Equal(t, []string{"callers/a", "callers/a/x"}, ids(inspect.Below("callers/a")))
	assert.Equal(t, []string{"callers/b"}, ids(inspect.Names("b")))
	assert.Empty(t, ids(inspect.States("stopped")))
	assert.Equal(t, []string{"callers/a"}, ids(inspect.Limit(1)))
	s := take(t, system, inspect.Limit(1))
	assert.True(t, s.Truncated)
	assert.Equal(t, 2, s.Omitted)
	_, err = inspect.Take(context.Background(), system, inspect.Names("["))
	require.ErrorContains(t, err, "Names([)")
	ended, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("enough"))
	_, err = inspect.Take(ended, system)
	require.EqualError(t, err, "enough")
}

func TestJSONHasTheDocumentedFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := newSystem()
		c := start(t, system, props.Name("c"))
		suspend(t, c)
		hold(t, c, held)
		synctest.Wait()
		b, err := json.Marshal(take(t, system))
		require.NoError(t, err)
		var got map[string]any
		require.NoError(t, json.Unmarshal(b, &got))
		for _, key := range strings.Fields("version system taken uptime sequence truncated circles callers") {
			assert.Contains(t, got, key)
		}
		caller := got["callers"].([]any)[0].(map[string]any)
		for _, key := range strings.Fields("id name parent state queued oldest_queued running suspended delayed workers children restarts counters") {
			assert.Contains(t, caller, key)
		}
		call := caller["suspended"].([]any)[0].(map[string]any)
		for _, key := range strings.Fields("id name since waits_for") {
			assert.Contains(t, call, key)
		}
		var back inspect.Snapshot
		require.NoError(t, json.Unmarshal(b, &back))
		assert.Equal(t, "c", back.Callers[0].Name)
	})
}

func TestProgressIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := newSystem()
		c := start(t, system, props.Name("c"))
		hold(t, c, func(ctx context.Context, gate *pending.Pending[int]) {
			actors.Progress(ctx, 3, 10, "pages")
			_, _ = gate.Wait(ctx)
		})
		synctest.Wait()
		got := take(t, system).Callers[0].Suspended[0].Progress
		require.NotNil(t, got)
		assert.Equal(t, inspect.Progress{Done: 3, Total: 10, Text: "pages"}, *got)
		actors.Progress(context.Background(), 1, 1, "outside of a function it has no effect")
	})
}

func TestATurnHeldBeforeLookingBeganIsAMatterOfHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := newSystem()
		hold(t, start(t, system, props.Name("c")), held)
		for range 12 {
			take(t, system, inspect.Ages())
			time.Sleep(time.Second)
		}
		assert.Equal(t, "1 turn held for 12s", take(t, system, inspect.Ages()).Health())
	})
}

func TestIdleCallersAreOmittedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := newSystem()
		for _, name := range []string{"a", "b", "c"} {
			start(t, system, props.Name(name))
		}
		circle(t, start(t, system, props.Name("x")), start(t, system, props.Name("y")))
		synctest.Wait()
		s := take(t, system, inspect.Limit(3))
		require.Len(t, s.Callers, 3)
		assert.Equal(t, "callers/a", s.Callers[0].ID)
		assert.Len(t, s.Circles, 1, "the limit hides no circle while there is room for it")
		assert.Equal(t, 2, s.Omitted)
	})
}

func TestNamesThatAreCutAreStillThoseOfDifferentCallers(t *testing.T) {
	system := newSystem()
	c := start(t, system, props.Name("g"))
	for range 4 {
		child, err := c.Child(props.Name(strings.Repeat("x", 200)))
		require.NoError(t, err)
		c = child
	}
	s := take(t, system)
	ids := make(map[string]bool)
	for _, one := range s.Callers {
		ids[one.ID] = true
		assert.Less(t, len(one.ID), 400)
		assert.Same(t, one, s.Caller(one.ID))
	}
	assert.Len(t, ids, 5)
	assert.Equal(t, 6, strings.Count(s.String(), "\n"), "%s", s)
}

func TestDirectCallThatPanicsIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := newSystem()
		c := start(t, system, props.Name("c"))
		require.NoError(t, c.CallDirect(func() { panic("oh") }))
		synctest.Wait()
		s := take(t, system)
		assert.EqualValues(t, 1, s.Callers[0].Counters.Panics)
		assert.EqualValues(t, 1, s.Callers[0].Counters.Failures)
		require.Len(t, s.Failures, 1)
		assert.Equal(t, "oh", s.Failures[0].Error)
	})
}

func TestMessageWhoseHandlerPanicsIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		system := newSystem()
		pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if ctx.Message() == "go" {
				panic("oh")
			}
		}, actors.MustAsCaller()))
		system.Root.Send(pid, "go")
		synctest.Wait()
		s := take(t, system)
		require.NotEmpty(t, s.Failures)
		assert.Equal(t, "string", s.Failures[0].Call)
		assert.Equal(t, "oh", s.Failures[0].Error)
		require.NoError(t, actors.Shutdown(context.Background(), system))
		time.Sleep(time.Minute) // timers of protoactor's
	})
}
