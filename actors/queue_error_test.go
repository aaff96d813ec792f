package actors_test

import (
	"context"
	"strings"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

func TestErrorOfAClosedQueueSaysItsCauseOnce(t *testing.T) {
	type setting struct {
		caller *actors.Caller
		queue  *actors.Queue[int]
		end    context.CancelCauseFunc
	}
	for name, tt := range map[string]struct {
		closes func(s setting)
		want   string
	}{
		"Close":               {func(s setting) { s.queue.Close() }, "pending: cancelled: actors: queue closed"},
		"Close, twice":        {func(s setting) { s.queue.Close(); s.queue.Close() }, "pending: cancelled: actors: queue closed"},
		"Cancel":              {func(s setting) { s.queue.Pending().Cancel(errBoom) }, "pending: cancelled: boom"},
		"its context":         {func(s setting) { s.end(errBoom) }, "pending: cancelled: boom"},
		"its context, closed": {func(s setting) { s.end(actors.ErrQueueClosed) }, "pending: cancelled: actors: queue closed"},
		"Stop":                {func(s setting) { s.caller.Stop() }, "pending: caller stopped"},
		"a stop by a failure": {func(s setting) {
			do(context.Background(), s.caller, func(context.Context) { panic(errBoom) })
		}, "pending: caller stopped: pending: panic: boom"},
		"Cancel, then Close": {func(s setting) { s.queue.Pending().Cancel(errBoom); s.queue.Close(); s.queue.Close() }, ""},
	} {
		for items, put := range map[string]int{"idle": 0, "working": 1, "full": 3} {
			t.Run(name+", "+items, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					c := start(t, system, props.Supervision(supervision.Stop()))
					ctx, end := context.WithCancelCause(t.Context())
					defer end(nil)
					q := actors.NewQueue(c, func(ctx context.Context, _ int) error {
						_, err := asleep(ctx)
						return err
					}, actors.QueueContext(ctx))
					for i := range put {
						require.NoError(t, q.Put(i))
					}
					_ = actors.Sleep(t.Context(), 1)
					tt.closes(setting{c, q, end})
					<-q.Pending().Done()
					if tt.want != "" {
						require.EqualError(t, q.Pending().Err(), tt.want)
						require.EqualError(t, q.CloseWait(t.Context()), tt.want)
					}
					for _, err := range []error{q.Pending().Err(), q.Put(1), q.PutWait(t.Context(), 1)} {
						for _, cause := range []string{"boom", "queue closed", "caller stopped"} {
							assert.LessOrEqual(t, strings.Count(err.Error(), cause), 1, err)
						}
					}
				})
			})
		}
	}
}

func TestKeyOfAQueueBelongsToOneTypeOfItems(t *testing.T) {
	c := start(t, newSystem(t))
	var got []int
	numbers := actors.QueueFor(c, "key", func(_ context.Context, i int) error {
		got = append(got, i)
		return nil
	})
	texts := actors.QueueFor(c, "key", func(context.Context, string) error {
		t.Error("it ran")
		return nil
	})
	for name, err := range map[string]error{
		"Put":       texts.Put("a"),
		"PutWait":   texts.PutWait(t.Context(), "a"),
		"CloseWait": texts.CloseWait(t.Context()),
		"Pending":   texts.Pending().Err(),
	} {
		require.ErrorIs(t, err, actors.ErrQueueClosed, name)
		for _, text := range []string{"key", "queue of int", "not of string"} {
			require.ErrorContains(t, err, text, name)
		}
	}
	assert.True(t, texts.Pending().IsDone())
	texts.Close()
	assert.Zero(t, texts.Len())

	require.NoError(t, numbers.Put(1), "the queue that has the key goes on")
	require.ErrorContains(t, actors.QueueFor[string](c, "key", nil).Put("a"), "queue of int")
	require.NoError(t, actors.QueueFor(c, "key", func(context.Context, int) error { return nil }).Put(2))
	require.NoError(t, numbers.CloseWait(t.Context()))
	assert.Equal(t, []int{1, 2}, got)
	require.NoError(t, actors.QueueFor(c, "key", func(context.Context, string) error { return nil }).Put("a"), "the key is free")
}

func TestKeyOfAQueueThatIsNotComparablePanics(t *testing.T) {
	c := start(t, newSystem(t))
	for kind, key := range map[string]any{"[]int": []int{1}, "struct { interface {} }": struct{ any }{[]int{1}}} {
		require.PanicsWithValue(t, "actors: QueueFor with a key that is not comparable: a "+kind,
			func() { actors.QueueFor(c, key, func(context.Context, int) error { return nil }) })
	}
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
	require.NoError(t, actors.QueueFor(c, nil, func(context.Context, int) error { return nil }).Put(1), "nil is comparable")
}

func TestQueueOfANegativeCapacityIsClosed(t *testing.T) {
	c := start(t, newSystem(t))
	never := func(context.Context, int) error {
		t.Error("it was called")
		return nil
	}
	for name, q := range map[string]*actors.Queue[int]{
		"NewQueue": actors.NewQueue(c, never, actors.QueueCapacity(-1)),
		"QueueFor": actors.QueueFor(c, "key", never, actors.QueueCapacity(-1)),
	} {
		const want = "actors: queue closed: QueueCapacity(-1): must not be negative"
		require.EqualError(t, q.Put(1), want, name)
		require.EqualError(t, q.PutWait(t.Context(), 1), want, name)
		require.EqualError(t, q.Pending().Err(), want, name)
		require.ErrorIs(t, q.Put(1), actors.ErrQueueClosed, name)
		require.EqualError(t, q.CloseWait(t.Context()), want, name)
	}
	q := actors.QueueFor(c, "key", func(context.Context, int) error { return nil }, actors.QueueCapacity(1))
	require.NoError(t, q.Put(1), "the key is free")
	require.NoError(t, q.CloseWait(t.Context()))
}
