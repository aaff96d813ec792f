package actors_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
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
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// record is one line of a log.
type record struct {
	level   slog.Level
	message string
	attrs   map[string]slog.Value
}

// text returns the text of an attribute.
func (r record) text(key string) string { return r.attrs[key].String() }

// recorder is a handler that keeps what is logged, as it is given to it.
type recorder struct {
	mu      sync.Mutex
	records []record
}

// recorded returns an option that has a caller log to the recorder.
func recorded() (*recorder, props.Option) {
	r := &recorder{}
	return r, props.Logger(slog.New(r))
}

func (r *recorder) Enabled(context.Context, slog.Level) bool { return true }
func (r *recorder) WithAttrs([]slog.Attr) slog.Handler       { return r }
func (r *recorder) WithGroup(string) slog.Handler            { return r }

func (r *recorder) Handle(_ context.Context, logged slog.Record) error {
	line := record{logged.Level, logged.Message, map[string]slog.Value{}}
	logged.Attrs(func(a slog.Attr) bool {
		line.attrs[a.Key] = a.Value
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, line)
	return nil
}

// with returns the records that have an attribute.
func (r *recorder) with(key string) []record {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []record
	for _, line := range r.records {
		if _, ok := line.attrs[key]; ok {
			found = append(found, line)
		}
	}
	return found
}

// explode is a function that panics.
func explode(context.Context) (int, error) { panic(errBoom) }

// explosions are the ways to have explode called on a caller.
var explosions = map[string]func(ctx context.Context, c *actors.Caller){
	"CallSoon":  func(ctx context.Context, c *actors.Caller) { actors.CallSoon(ctx, c, explode) },
	"CallLater": func(ctx context.Context, c *actors.Caller) { actors.CallLater(ctx, c, time.Second, explode) },
	"Schedule":  func(ctx context.Context, c *actors.Caller) { actors.Schedule(ctx, c, explode) },
	"ToThread":  func(ctx context.Context, c *actors.Caller) { actors.ToThread(ctx, c, explode) },
	"OnWorker":  func(ctx context.Context, c *actors.Caller) { actors.Schedule(ctx, c, explode, actors.OnWorker()) },
	"CallUsing a goroutine": func(ctx context.Context, c *actors.Caller) {
		actors.CallUsing(ctx, c, props.Goroutine, explode)
	},
	"CallUsing a thread": func(ctx context.Context, c *actors.Caller) { actors.CallUsing(ctx, c, props.Thread, explode) },
	"CallDirect":         func(ctx context.Context, c *actors.Caller) { _ = c.CallDirect(func() { _, _ = explode(ctx) }) },
	"Invoke":             func(_ context.Context, c *actors.Caller) { c.System().Root.Send(c.PID(), actors.Invoke(explode)) },
	"after a wait": func(ctx context.Context, c *actors.Caller) {
		actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) {
			_ = actors.Sleep(ctx, time.Second)
			return explode(ctx)
		})
	},
	"for one who waits": func(ctx context.Context, c *actors.Caller) {
		_, _ = actors.CallSoon(ctx, c, explode).Wait(ctx)
	},
	"passed on by a wait": func(ctx context.Context, c *actors.Caller) {
		actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) { return actors.ToThread(ctx, c, explode).Wait(ctx) })
	},
	"panicked with again by one who waits": func(ctx context.Context, c *actors.Caller) {
		actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) {
			_, err := actors.ToThread(ctx, c, explode).Wait(ctx)
			panic(fmt.Errorf("cannot go on: %w", err))
		})
	},
	"item": func(_ context.Context, c *actors.Caller) {
		q := actors.NewQueue(c, func(ctx context.Context, _ int) error { _, err := explode(ctx); return err })
		_ = q.Put(1)
	},
	"item of a queue that was closed meanwhile": func(_ context.Context, c *actors.Caller) {
		var q *actors.Queue[int]
		q = actors.NewQueue(c, func(ctx context.Context, _ int) error {
			q.Close()
			_, err := explode(ctx)
			return err
		})
		_ = q.Put(1)
	},
	"of one that was cancelled": func(ctx context.Context, c *actors.Caller) {
		actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) {
			p, _ := pending.Current(ctx)
			p.Cancel(nil)
			return explode(ctx)
		})
	},
	"and a callback that ends the goroutine": func(ctx context.Context, c *actors.Caller) {
		actors.CallLater(ctx, c, time.Second, explode).OnDone(func(pending.Handle) { runtime.Goexit() })
	},
}

func TestEachPanicIsLoggedOnceWithItsStack(t *testing.T) {
	policies := []supervision.Policy{supervision.Capture(), supervision.Restart(), supervision.Stop(), supervision.Escalate()}
	for name, call := range explosions {
		for _, policy := range policies {
			t.Run(fmt.Sprint(name, " under ", policy.Action()), func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					log, logger := recorded()
					parent := start(t, system, props.Name("parent"), logger, props.Supervision(policy))
					c := child(t, parent, props.Name("subject"))
					call(t.Context(), c)
					time.Sleep(time.Minute)
					synctest.Wait()

					panics := log.with("stack")
					require.Len(t, panics, 1)
					line := panics[0]
					assert.Equal(t, slog.LevelError, line.level)
					assert.Contains(t, line.text("stack"), "actors_test.explode")
					assert.Contains(t, line.text("caller"), "parent/subject")
					if _, item := line.attrs["queue"]; item {
						assert.Equal(t, "pending: panic: boom", line.text("error"))
					} else {
						assert.Equal(t, "boom", line.text("panic"))
						assert.Contains(t, line.text("function"), "actors_test.")
					}
				})
			})
		}
	}
}

func TestPanicIsLoggedBeforeOneWhoWaitsKnows(t *testing.T) {
	log, logger := recorded()
	c := start(t, newSystem(t), logger)
	require.Error(t, failure(actors.Schedule(t.Context(), c, explode, actors.Named("fragile"))))
	panics := log.with("stack")
	require.Len(t, panics, 1)
	assert.Equal(t, "fragile", panics[0].text("function"))
}

func TestPanicOfAFunctionOfAnAdoptedActorIsLogged(t *testing.T) {
	log, logger := recorded()
	c := adopted(t, newSystem(t), nil, "adopted", puppet, []props.Option{logger})
	require.Error(t, failure(actors.CallSoon(t.Context(), c, explode)))
	require.Len(t, log.with("stack"), 1)
	assert.Contains(t, log.with("stack")[0].text("caller"), "adopted")
}

func TestPanicOfTheReceiveOfAnAdoptedActorIsLogged(t *testing.T) {
	log, logger := recorded()
	system := newSystem(t)
	c := adopted(t, system, nil, "adopted", puppet, []props.Option{logger})
	system.Root.Send(c.PID(), func(actor.Context) { panic(errBoom) })
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
	require.Len(t, log.with("stack"), 1)
	assert.Equal(t, "boom", log.with("stack")[0].text("panic"))
	assert.Contains(t, log.with("stack")[0].text("stack"), "TestPanicOfTheReceive")
}

func TestPanicOfThenIsLoggedToTheCallerOfThePending(t *testing.T) {
	log, logger := recorded()
	c := start(t, newSystem(t), logger)
	p := pending.Then(actors.CallSoon(t.Context(), c, returns(1)), func(int) (int, error) { return explode(t.Context()) })
	require.ErrorIs(t, failure(p), errBoom)
	require.Len(t, log.with("stack"), 1)
	assert.Equal(t, slog.LevelError, log.with("stack")[0].level)
}

// hostile is a panic value, or an item, whose methods panic.
type hostile struct{}

func (hostile) Error() string        { panic("in Error") }
func (hostile) String() string       { panic("in String") }
func (hostile) LogValue() slog.Value { panic("in LogValue") }

// hostileText is hostile without a LogValue.
type hostileText struct{}

func (hostileText) Error() string { panic("in Error") }

// exiting is a panic value whose text ends the goroutine that asks for it.
type exiting struct{}

func (exiting) Error() string { runtime.Goexit(); return "" }

// awkward are values that are hard to log.
func awkward() map[string]any {
	cyclic := []any{nil}
	cyclic[0] = cyclic
	ring := map[string]any{}
	ring["ring"] = ring
	return map[string]any{
		"methods that panic": hostile{}, "a text that panics": hostileText{}, "a nil pointer of them": (*hostileText)(nil),
		"a cycle": cyclic, "a cycle of maps": ring, "a huge text": strings.Repeat("x", 1<<24),
		"a huge slice": make([]int, 1<<24), "a huge error": errors.New(strings.Repeat("x", 1<<24)),
	}
}

func TestValueThatIsHardToLogIsNoHarm(t *testing.T) {
	for name, value := range awkward() {
		t.Run(name, func(t *testing.T) {
			log, logger := recorded()
			c := start(t, newSystem(t), logger, props.Supervision(supervision.Restart()))
			p := do(t.Context(), c, func(context.Context) { panic(value) })
			<-p.Done()
			require.NoError(t, c.CallDirect(func() { panic(value) }))
			q := actors.NewQueue(c, func(_ context.Context, _ any) error { panic(value) })
			require.NoError(t, q.Put(value))
			require.NoError(t, q.CloseWait(t.Context()))
			assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
			panics := log.with("stack")
			require.Len(t, panics, 3)
			for _, line := range panics {
				for _, key := range []string{"panic", "item"} {
					assert.Less(t, len(line.text(key)), 1100)
				}
			}
		})
	}
}

func TestPanicValueThatEndsTheGoroutineLeavesNobodyWaiting(t *testing.T) {
	_, logger := recorded()
	c := start(t, newSystem(t), logger)
	p := do(t.Context(), c, func(context.Context) { panic(exiting{}) })
	<-p.Done()
	require.NoError(t, c.CallDirect(func() { panic(exiting{}) }))
	q := actors.NewQueue(c, func(_ context.Context, item int) error { panic(exiting{}) })
	require.NoError(t, q.Put(1))
	require.NoError(t, q.Put(2))
	require.NoError(t, q.CloseWait(t.Context()))
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
	assert.Equal(t, 1, result(t, actors.ToThread(t.Context(), c, returns(1))))
}

func TestGoexitIsNoPanic(t *testing.T) {
	log, logger := recorded()
	c := start(t, newSystem(t), logger)
	require.Error(t, failure(do(t.Context(), c, func(context.Context) { runtime.Goexit() })))
	assert.Empty(t, log.with("stack"))
}

// secret is an item that does not show itself.
type secret string

func (secret) LogValue() slog.Value { return slog.GroupValue(slog.String("secret", "redacted")) }

// job is an item.
type job struct {
	ID   int
	Name string
	next *job
}

func TestItemThatFailsIsLoggedWithItsValue(t *testing.T) {
	log, logger := recorded()
	c := start(t, newSystem(t), logger)
	q := actors.NewQueue(c, func(_ context.Context, item any) error {
		if item == "panics" {
			panic(errBoom)
		}
		return errBoom
	})
	items := []any{"fails", "panics", 3, nil, secret("password"), job{5, "five", nil}, &job{6, "six", &job{}}, []byte("bytes"), time.Second}
	for _, item := range items {
		require.NoError(t, q.Put(item))
	}
	require.NoError(t, q.CloseWait(t.Context()))
	lines := log.with("position")
	require.Len(t, lines, len(items))
	texts := []string{"fails", "panics", "3", "<nil>", "[secret=redacted]", "{ID:5 Name:five next:<nil>}", "&{ID:6 Name:six next:", "bytes", "1s"}
	for i, line := range lines {
		assert.Equal(t, int64(i+1), line.attrs["position"].Int64())
		assert.Contains(t, line.text("item"), texts[i])
		assert.Contains(t, line.attrs, "error")
		_, panicked := line.attrs["stack"]
		assert.Equal(t, items[i] == "panics", panicked)
	}
	assert.Equal(t, slog.KindInt64, lines[2].attrs["item"].Kind())
}
