package actors_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// compute keeps the turn for d. Its name is looked for in stacks.
func compute(d time.Duration) { time.Sleep(d) }

// warning is a record about a long turn.
type warning struct {
	after                             time.Duration // since the warnings were asked for
	caller, function, waiting, record string
	stack                             []string
}

// warnings keeps what is logged about long turns.
type warnings struct {
	begin time.Time
	mu    sync.Mutex
	all   []warning
}

// warned returns an option that has a caller log to the warnings.
func warned() (*warnings, props.Option) {
	w := &warnings{begin: time.Now()}
	return w, props.Logger(slog.New(w))
}

func (w *warnings) Enabled(context.Context, slog.Level) bool { return true }
func (w *warnings) WithAttrs([]slog.Attr) slog.Handler       { return w }
func (w *warnings) WithGroup(string) slog.Handler            { return w }

func (w *warnings) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "actors: turn lasts long" {
		return nil
	}
	found := warning{after: r.Time.Sub(w.begin)}
	r.Attrs(func(a slog.Attr) bool {
		found.record += " " + a.String()
		switch a.Key {
		case "caller":
			found.caller = a.Value.String()
		case "function":
			found.function = a.Value.String()
		case "waiting":
			found.waiting = a.Value.String()
		case "stack":
			found.stack = strings.Split(a.Value.String(), " | ")
		}
		return true
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, found)
	return nil
}

func (w *warnings) get() []warning {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.all)
}

// only returns the only warning, which must be there.
func (w *warnings) only(t *testing.T) warning {
	t.Helper()
	all := w.get()
	require.Len(t, all, 1)
	return all[0]
}

// goroutines returns how many stacks the warning shows.
func (w warning) goroutines() (n int) {
	for _, line := range w.stack {
		if strings.HasPrefix(line, "goroutine ") {
			n++
		}
	}
	return n
}

// keepAsking has a call queued on a caller at any time, until p is done.
func keepAsking(t *testing.T, c *actors.Caller, p pending.Handle, every time.Duration) {
	for !p.IsDone() {
		actors.CallSoon(t.Context(), c, returns(1))
		time.Sleep(every)
	}
}

func TestTurnWarning(t *testing.T) {
	const limit = time.Second
	suspend := func(ctx context.Context, d time.Duration) { _ = actors.Sleep(ctx, d) }
	tests := map[string]struct {
		fn    func(ctx context.Context)
		opts  []props.Option
		stack string // a line of the stack that is logged, "" for no warning
		times int
	}{
		"short turn":           {fn: func(context.Context) { compute(limit / 2) }},
		"turn up to the limit": {fn: func(context.Context) { compute(limit - 1) }},
		"long turn":            {fn: func(context.Context) { compute(5 * limit / 4) }, stack: "actors_test.compute", times: 1},
		"very long turn":       {fn: func(context.Context) { compute(100 * limit) }, stack: "actors_test.compute", times: 1},
		"long wait":            {fn: func(ctx context.Context) { suspend(ctx, 100*limit) }},
		"short turns, in sum long": {fn: func(ctx context.Context) {
			for range 10 {
				compute(limit / 2)
				suspend(ctx, limit)
			}
		}},
		"turns with short ones of others in between": {fn: func(ctx context.Context) {
			for range 10 {
				compute(limit / 2)
				suspend(ctx, 0)
			}
		}},
		"long turn after a wait": {fn: func(ctx context.Context) {
			suspend(ctx, limit)
			compute(2 * limit)
		}, stack: "actors_test.compute", times: 1},
		"two long turns": {fn: func(ctx context.Context) {
			compute(2 * limit)
			suspend(ctx, limit)
			compute(2 * limit)
		}, stack: "actors_test.compute", times: 2},
		"wait that keeps the turn": {fn: func(ctx context.Context) {
			p := pending.New[int](ctx)
			time.AfterFunc(2*limit, func() { p.SetResult(1) })
			_, _ = p.WaitSync(ctx)
		}, stack: "pending.(*Pending[...]).WaitSync", times: 1},
		"wait of a NonReentrant": {
			fn: func(ctx context.Context) { suspend(ctx, 2*limit) }, opts: []props.Option{props.NonReentrant()},
			stack: "actors.Sleep", times: 1,
		},
		"off": {fn: func(context.Context) { compute(100 * limit) }, opts: []props.Option{props.TurnWarning(0)}},
	}
	for name, tt := range tests {
		for _, actorOfUser := range []bool{false, true} {
			if actorOfUser {
				name += ", adopted"
			}
			t.Run(name, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					log, logTo := warned()
					c := callerOrActor(t, system, actorOfUser, append([]props.Option{props.TurnWarning(limit), logTo}, tt.opts...))
					p := actors.Schedule(t.Context(), c, func(ctx context.Context) (any, error) {
						tt.fn(ctx)
						return nil, nil
					}, actors.Named("subject"))
					keepAsking(t, c, p, limit/8)
					result(t, p)
					synctest.Wait()
					time.Sleep(100 * limit)

					require.Len(t, log.get(), tt.times)
					for _, w := range log.get() {
						assert.Equal(t, "subject", w.function)
						assert.Equal(t, c.ID(), w.caller)
						assert.Contains(t, w.record, "limit=1s")
						assert.Contains(t, w.record, "since=")
						assert.Contains(t, w.waiting, "queued calls or messages")
						assert.Equal(t, 1, w.goroutines(), w.stack)
						assert.Contains(t, strings.Join(w.stack, "\n"), tt.stack+"(...) /")
						assert.Contains(t, w.stack[len(w.stack)-1], "TestTurnWarning.func", "the function itself is the last line")
					}
				})
			})
		}
	}
}

func TestTurnIsLoggedBetweenTheLimitAndFiveQuartersOfIt(t *testing.T) {
	for offset := time.Duration(0); offset < 3*time.Second; offset += 173 * time.Millisecond {
		bubble(t, func(t *testing.T, system *actor.ActorSystem) {
			other := start(t, system, props.TurnWarning(7*time.Second))
			busy := do(t.Context(), other, func(context.Context) { compute(time.Minute) })
			time.Sleep(offset)
			log, logTo := warned()
			c := start(t, system, logTo)
			p := do(t.Context(), c, func(context.Context) { compute(time.Minute) })
			synctest.Wait()
			result(t, do(t.Context(), c, func(context.Context) {}))
			result(t, p)
			result(t, busy)
			after := log.only(t).after
			assert.GreaterOrEqual(t, after, props.DefaultTurnWarning)
			assert.LessOrEqual(t, after, 5*props.DefaultTurnWarning/4)
		})
	}
}

// The stack is that of the function with the turn. It is not that of another
// goroutine that has had the turn, or that runs the same function elsewhere.
func TestTurnWarningTellsWhoHasTheTurnNow(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log, logTo := warned()
		c := start(t, system, props.TurnWarning(time.Second), logTo)
		computing := func(ctx context.Context) (string, error) {
			_ = actors.Sleep(ctx, time.Second)
			compute(2 * time.Second)
			return "done", nil
		}
		waiting := actors.Schedule(t.Context(), c, second, actors.Named("waiting"))
		first := actors.Schedule(t.Context(), c, computing, actors.Named("first"))
		again := actors.Schedule(t.Context(), c, computing, actors.Named("again"))
		unwatched := start(t, system, props.TurnWarning(0))
		elsewhere := actors.CallSoon(t.Context(), unwatched, computing)
		for _, p := range []*pending.Pending[string]{waiting, first, again, elsewhere} {
			assert.Equal(t, "done", result(t, p))
		}
		all := log.get()
		require.Len(t, all, 1, "nothing waits for the turn of the last one")
		assert.Equal(t, "first", all[0].function)
		assert.Equal(t, 1, all[0].goroutines(), all[0].stack)
		assert.Contains(t, all[0].record, "actors_test.compute(")
		assert.NotContains(t, all[0].record, "actors_test.second(")
	})
}

func TestTurnWarningForgetsTheAbandoned(t *testing.T) {
	for name, fn := range stubborn {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				log, logTo := warned()
				c := start(t, system, props.TurnWarning(time.Minute), props.StopTimeout(time.Second), logTo)
				goOn := pending.New[string](context.Background())
				p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) { return fn(ctx, goOn) })
				synctest.Wait()
				require.NoError(t, c.StopWait(t.Context()))
				require.ErrorIs(t, p.Err(), pending.ErrStopped)
				time.Sleep(time.Hour)
				goOn.SetResult("")
				time.Sleep(time.Hour)
				assert.Empty(t, log.get())
			})
		})
	}
}

func TestTurnWarningIsInherited(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		log, logTo := warned()
		long := func(c *actors.Caller) {
			do(t.Context(), c, func(context.Context) { compute(time.Minute) })
			do(t.Context(), c, func(context.Context) {})
		}
		watched := start(t, system, logTo, props.TurnWarning(2*time.Second))
		heir := child(t, child(t, watched))
		exempt := child(t, heir, props.TurnWarning(0))
		long(heir)
		long(exempt)
		time.Sleep(time.Hour)
		w := log.only(t)
		assert.Equal(t, heir.ID(), w.caller)
		assert.Contains(t, w.record, "limit=2s")
	})
}

// The handler of the warning blocks. That keeps nobody else from being warned.
func TestLogHandlerThatBlocksKeepsNoOtherTurnFromBeingLogged(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		free := make(chan struct{})
		defer close(free)
		blocked := start(t, system, props.Logger(slog.New(handlerFunc(func(slog.Record) error { <-free; return nil }))))
		log, logTo := warned()
		c := start(t, system, logTo)
		for _, c := range []*actors.Caller{blocked, c} {
			do(t.Context(), c, func(context.Context) { compute(time.Minute) })
			do(t.Context(), c, func(context.Context) {})
		}
		time.Sleep(time.Hour)
		assert.Equal(t, c.ID(), log.only(t).caller)
	})
}

type handlerFunc func(slog.Record) error

func (handlerFunc) Enabled(context.Context, slog.Level) bool        { return true }
func (f handlerFunc) Handle(_ context.Context, r slog.Record) error { return f(r) }
func (f handlerFunc) WithAttrs([]slog.Attr) slog.Handler            { return f }
func (f handlerFunc) WithGroup(string) slog.Handler                 { return f }
