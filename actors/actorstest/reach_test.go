package actorstest_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

// reach is what else a program of callers has.
var reach = []behavior{
	{"an adopted actor gets messages and calls", adoptedActor},
	{"completion order and waits for several", several},
	{"a host", hosted},
	{"a goroutine that is lent", lentGoroutine},
	{"goroutines of the test", goroutinesOfTheTest},
	{"hooks", hooks},
	{"publications against a stop", publications},
	{"spans of calls and retries", spans},
	{"a function that keeps its turn", nonReentrant},
	{"urgent calls, limits and retries", options},
}

func adoptedActor(t testing.TB, w *actorstest.World) {
	system := w.System("a")
	var log []string
	pid := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if s, ok := ctx.Message().(string); ok {
			log = append(log, s)
			ctx.Respond("answer to " + s)
		}
	}, actors.MustAsCaller()))
	other := actorstest.Start(t, system)
	w.Settle()
	c, ok := actors.Lookup(system, pid.Id)
	require.True(t, ok)
	call := actors.CallSoon(t.Context(), c, actors.NoResult(func(ctx context.Context) error {
		log = append(log, "begin")
		err := actors.Do(ctx, other, func(context.Context) error { return nil })
		log = append(log, "end")
		return err
	}))
	answer, err := actors.Request[string](t.Context(), system, pid, "question").Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, "answer to question", answer)
	wait(t, call)
	require.Len(t, log, 3)
	require.Less(t, slices.Index(log, "begin"), slices.Index(log, "end"))
	system.Root.Stop(pid)
	require.NoError(t, c.StopWait(t.Context()))
}

func several(t testing.TB, w *actorstest.World) {
	system := w.System("a")
	a, b := actorstest.Start(t, system), actorstest.Start(t, system)
	number := func(n int, on *actors.Caller) *pending.Pending[int] {
		return actors.CallSoon(t.Context(), on, func(ctx context.Context) (int, error) {
			return n, actors.Sleep(ctx, time.Duration(n%2)*time.Millisecond)
		})
	}
	sum := 0
	inFunction := actors.CallSoon(t.Context(), a, actors.NoResult(func(ctx context.Context) error {
		for p, err := range pending.AsCompletedOf(ctx, []*pending.Pending[int]{number(1, a), number(2, b), number(3, b)}) {
			if err != nil {
				return err
			}
			n, _ := p.Result()
			sum += n
		}
		return nil
	}))
	done, open, err := pending.WaitAll(t.Context(), []*pending.Pending[int]{number(4, a), number(5, b)})
	require.NoError(t, err)
	require.Len(t, done, 2)
	require.Empty(t, open)
	values, err := pending.All(t.Context(), number(6, a), number(7, b))
	require.NoError(t, err)
	require.Equal(t, []int{6, 7}, values)
	wait(t, inFunction)
	require.Equal(t, 6, sum)
}

func hosted(t testing.TB, w *actorstest.World) {
	system := w.System("a")
	loop, done := make(chan func()), make(chan struct{})
	go func() {
		for {
			select {
			case fn := <-loop:
				fn()
			case <-done:
				return
			}
		}
	}()
	t.Cleanup(func() { close(done) })
	host := props.ChannelHost("loop", loop, nil)
	c := actorstest.Start(t, system, props.HostedBy(host))
	other := actorstest.Start(t, system)
	n := 0
	work := actors.NoResult(func(ctx context.Context) error {
		n++
		return actors.Do(ctx, other, func(context.Context) error { return nil })
	})
	wait(t, actors.CallSoon(t.Context(), c, work), actors.CallSoon(t.Context(), c, work))
	require.Equal(t, 2, n)
	require.NoError(t, c.StopWait(t.Context()))
}

func lentGoroutine(t testing.TB, w *actorstest.World) {
	system := w.System("a")
	c, err := actors.New(system, props.Name("lent"))
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- c.Run(t.Context()) }()
	other := actorstest.Start(t, system)
	p := actors.CallSoon(t.Context(), c, actors.NoResult(func(ctx context.Context) error {
		return actors.Do(ctx, other, func(context.Context) error { return nil })
	}))
	wait(t, p)
	require.NoError(t, c.StopWait(t.Context()))
	require.NoError(t, <-ended)
}

func goroutinesOfTheTest(t testing.TB, w *actorstest.World) {
	system := w.System("a")
	c := actorstest.Start(t, system)
	n := 0
	results := make(chan error, 3)
	for range 3 {
		go func() {
			results <- actors.Do(t.Context(), c, func(context.Context) error { n++; return nil })
		}()
	}
	for range 3 {
		require.NoError(t, <-results)
	}
	require.Equal(t, 3, n)
}

func hooks(t testing.TB, w *actorstest.World) {
	system := w.System("a")
	other := actorstest.Start(t, system)
	var log []string
	say := func(what string) func(context.Context) error {
		return func(ctx context.Context) error {
			err := actors.Do(ctx, other, func(context.Context) error { return nil })
			log = append(log, what)
			return err
		}
	}
	c, err := actors.New(system, props.OnStart(say("start")), props.OnStop(say("stop")))
	require.NoError(t, err)
	early := actors.CallSoon(t.Context(), c, actors.NoResult(say("call")))
	require.NoError(t, c.Start())
	wait(t, early)
	require.NoError(t, c.Drain(t.Context()))
	require.Equal(t, []string{"start", "call", "stop"}, log)
}

func publications(t testing.TB, w *actorstest.World) {
	system := w.System("a")
	var got []string
	system.EventStream.Subscribe(func(event any) {
		if p, ok := event.(props.Published); ok {
			got = append(got, string(p.Data))
		}
	})
	c := actorstest.Start(t, system, props.Publisher(props.EventStream(system)))
	other := actorstest.Start(t, system)
	var published []string
	call := actors.CallSoon(t.Context(), c, actors.NoResult(func(ctx context.Context) error {
		for _, text := range []string{"a", "b"} {
			if err := c.Publish("news", []byte(text)); err != nil {
				assert.ErrorIs(t, err, pending.ErrStopped)
				continue
			}
			published = append(published, text)
			_ = actors.Do(ctx, other, func(context.Context) error { return nil })
		}
		return nil
	}))
	stop := actors.CallSoon(t.Context(), other, actors.NoResult(func(ctx context.Context) error { return c.StopWait(ctx) }))
	wait(t, stop)
	_, _ = call.Wait(t.Context(), pending.Protect())
	require.Equal(t, published, got)
	require.ErrorIs(t, c.Publish("news", nil), pending.ErrStopped)
}

func spans(t testing.TB, w *actorstest.World) {
	system := w.System("a")
	recorder := tracetest.NewRecorder()
	tel := props.Telemetry(recorder.Telemetry())
	c, other := actorstest.Start(t, system, tel), actorstest.Start(t, system, tel)
	tries := 0
	work := actors.NoResult(func(ctx context.Context) error {
		if err := actors.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
		return actors.Do(ctx, other, func(context.Context) error {
			if tries++; tries == 1 {
				return errors.New("not yet")
			}
			return nil
		}, actors.Retry())
	})
	wait(t, actors.CallSoon(t.Context(), c, work), actors.CallSoon(t.Context(), c, work))
	require.NoError(t, c.StopWait(t.Context()))
	require.GreaterOrEqual(t, len(recorder.Spans()), 4)
}

func nonReentrant(t testing.TB, w *actorstest.World) {
	system := w.System("a")
	c := actorstest.Start(t, system, props.NonReentrant())
	other := actorstest.Start(t, system)
	inside := false
	work := actors.NoResult(func(ctx context.Context) error {
		assert.False(t, inside)
		inside = true
		err := actors.Do(ctx, other, func(context.Context) error { return nil })
		inside = false
		return err
	})
	wait(t, actors.CallSoon(t.Context(), c, work), actors.CallSoon(t.Context(), c, work))
	back := actors.CallSoon(t.Context(), c, actors.NoResult(func(ctx context.Context) error {
		return actors.Do(ctx, other, func(ctx context.Context) error {
			return actors.Do(ctx, c, func(context.Context) error { return nil })
		})
	}))
	_, err := back.Wait(t.Context())
	require.ErrorIs(t, err, pending.ErrDeadlock)
}

func options(t testing.TB, w *actorstest.World) {
	system := w.System("a")
	c := actorstest.Start(t, system, props.MaxQueued(3))
	other := actorstest.Start(t, system)
	tries := 0
	retried := actors.Schedule(t.Context(), c, func(ctx context.Context) (int, error) {
		tries++
		if tries < 3 {
			return 0, errors.New("not yet")
		}
		return tries, nil
	}, actors.Retry())
	var all []*pending.Pending[int]
	for i := range 4 {
		opts := []actors.CallOption{actors.QueueTimeout(time.Minute)}
		if i%2 == 1 {
			opts = append(opts, actors.Urgent())
		}
		all = append(all, actors.Schedule(t.Context(), c, func(ctx context.Context) (int, error) {
			return actors.Call(ctx, other, func(context.Context) (int, error) { return 0, nil })
		}, opts...))
	}
	require.LessOrEqual(t, ended(t, []error{actors.ErrOverloaded}, all...), 4)
	n, err := retried.Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, n)
}

func TestExploreReaches(t *testing.T) {
	for _, b := range reach {
		t.Run(b.name, func(t *testing.T) {
			differ := 0
			for seed := range uint64(scaled(50)) { //nolint:gosec // It is positive.
				if !slices.Equal(actorstest.Order(t, seed, b.body), actorstest.Order(t, seed, b.body)) {
					differ++
				}
			}
			assert.LessOrEqual(t, differ, 1, "what raw channels wake runs freely")
			actorstest.Explore(t, b.body, actorstest.Schedules(scaled(300)))
		})
	}
}
