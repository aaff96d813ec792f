package actors_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
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
)

// failsWith returns a function with an error of that text.
func failsWith(text string) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { return 0, errors.New(text) }
}

// collected returns when all that was dropped before has been collected, and logged. The time
// limit of the test is the limit of the loop.
func collected(t *testing.T, c *actors.Caller, log *logBuffer) {
	t.Helper()
	const text = "the last one"
	drop(c, failsWith(text))
	for !strings.Contains(log.String(), text) {
		runtime.GC()
	}
	for range 3 {
		runtime.GC()
	}
}

// drop makes a call and keeps nothing of it, on a stack that is gone when it returns.
//
//go:noinline
func drop(c *actors.Caller, fn func(context.Context) (int, error), opts ...actors.CallOption) {
	actors.Schedule(context.Background(), c, fn, opts...)
}

func TestErrorThatNobodySeesIsLogged(t *testing.T) {
	log, logTo := logged()
	c := start(t, newSystem(t), props.Name("c"), logTo, props.MaxQueued(5))
	drop(c, failsWith("nobody sees it"), actors.Named("f"))
	collected(t, c, log)
	assert.Contains(t, log.String(), `level=ERROR msg="pending: call failed, and nobody has looked at its error" `+
		`caller=callers/c function=f error="nobody sees it"`)
	assert.Equal(t, 1, strings.Count(log.String(), "nobody sees it"))
}

func TestErrorThatTheCallerHasRejectedIsLogged(t *testing.T) {
	log, logTo := logged()
	c := start(t, newSystem(t), props.Name("c"), logTo, props.MaxQueued(1))
	release := occupy(t, c)
	first := actors.CallSoon(t.Context(), c, returns(1))
	drop(c, failsWith("never"), actors.Named("f"))
	release()
	result(t, first)
	collected(t, c, log)
	assert.Contains(t, log.String(), "function=f error=\"actors: overloaded: 1 calls are queued on callers/c\"")
}

// Then passes the error on, or makes one.
func TestErrorThatNobodySeesOfThenIsLogged(t *testing.T) {
	log, logTo := logged()
	c := start(t, newSystem(t), props.Name("c"), logTo)
	ctx := context.Background()
	gate := make(chan struct{})
	for _, when := range []string{"early", "late"} {
		func() {
			p := actors.Schedule(ctx, c, func(context.Context) (int, error) { <-gate; return 0, errors.New(when + ", passed on") }, actors.Named("f"))
			q := actors.Schedule(ctx, c, func(context.Context) (int, error) { <-gate; return 1, nil }, actors.Named("g"))
			if when == "late" {
				<-p.Done()
				<-q.Done()
			}
			pending.Then(pending.Then(p, pass), pass)
			made := pending.Then(q, func(int) (int, error) { return 0, errors.New(when + ", made") })
			pending.Then(made, pass)
			if when == "early" {
				close(gate)
			}
			<-p.Done()
			<-q.Done()
		}()
	}
	collected(t, c, log)
	for _, when := range []string{"early", "late"} {
		assert.Equal(t, 1, strings.Count(log.String(), `caller=callers/c function=f error="`+when+`, passed on"`), log.String())
		assert.Equal(t, 1, strings.Count(log.String(), `caller=callers/c function="then g" error="`+when+`, made"`), log.String())
	}
	assert.Equal(t, 4, strings.Count(log.String(), "level=ERROR")-strings.Count(log.String(), "the last one"))
}

func pass(n int) (int, error) { return n, nil }

// Whoever looks at the error may come before it, or after it.
func TestErrorThatWasLookedAtIsNotLogged(t *testing.T) {
	ctx := context.Background()
	looks := map[string]func(c *actors.Caller, fn func(context.Context) (int, error)){
		"Wait": func(c *actors.Caller, fn func(context.Context) (int, error)) {
			_, _ = actors.CallSoon(ctx, c, fn).Wait(ctx)
		},
		"Result": func(c *actors.Caller, fn func(context.Context) (int, error)) {
			p := actors.CallSoon(ctx, c, fn)
			<-p.Done()
			_, _ = p.Result()
		},
		"Err in OnDone": func(c *actors.Caller, fn func(context.Context) (int, error)) {
			actors.CallSoon(ctx, c, fn).OnDone(func(h pending.Handle) { _ = h.Err() })
		},
		"String": func(c *actors.Caller, fn func(context.Context) (int, error)) {
			p := actors.CallSoon(ctx, c, fn)
			<-p.Done()
			_ = p.String()
		},
		"Then": func(c *actors.Caller, fn func(context.Context) (int, error)) {
			p := actors.CallSoon(ctx, c, fn)
			_, _ = pending.Then(p, func(n int) (int, error) { return n, nil }).Wait(ctx)
		},
		"end of a chain": func(c *actors.Caller, fn func(context.Context) (int, error)) {
			p := actors.CallSoon(ctx, c, fn)
			_, _ = pending.Then(pending.Then(p, pass), pass).Wait(ctx)
			pending.Then(p, pass)
		},
		"source of Then": func(c *actors.Caller, fn func(context.Context) (int, error)) {
			p := actors.CallSoon(ctx, c, fn)
			pending.Then(pending.Then(p, pass), pass)
			_, _ = p.Wait(ctx)
		},
		"error made in a chain": func(c *actors.Caller, fn func(context.Context) (int, error)) {
			p := actors.CallSoon(ctx, c, returns(1))
			_, _ = pending.Then(pending.Then(p, func(int) (int, error) { return fn(ctx) }), pass).Wait(ctx)
		},
		"AsCompleted": func(c *actors.Caller, fn func(context.Context) (int, error)) {
			p := actors.CallSoon(ctx, c, fn)
			for _, err := range pending.AsCompletedOf(ctx, []*pending.Pending[int]{p}) {
				_ = err
			}
		},
		"group": func(c *actors.Caller, fn func(context.Context) (int, error)) {
			g, ctx := pending.NewGroup(ctx)
			actors.CallSoon(ctx, c, fn)
			_ = g.Wait()
		},
		"in a function": func(c *actors.Caller, fn func(context.Context) (int, error)) {
			_, _ = actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) {
				_, _ = actors.CallSoon(ctx, c, fn).Wait(ctx)
				return 0, nil
			}).Wait(ctx)
		},
	}
	log, logTo := logged()
	c := start(t, newSystem(t), logTo)
	for name, look := range looks {
		look(c, failsWith("seen: "+name))
	}
	collected(t, c, log)
	assert.NotContains(t, log.String(), "seen: ")
}

func TestCancellationAndPanicThatNobodySeesAreNotLoggedAgain(t *testing.T) {
	log, logTo := logged()
	c := start(t, newSystem(t), logTo)
	drop(c, func(context.Context) (int, error) { return 0, fmt.Errorf("gone: %w", context.Canceled) })
	drop(c, func(context.Context) (int, error) { return 0, pending.ErrStopped })
	drop(c, func(context.Context) (int, error) { panic("crash") })
	drop(c, returns(1), actors.Timeout(0))
	collected(t, c, log)
	assert.Equal(t, 1, strings.Count(log.String(), "nobody has looked"))
	assert.Equal(t, 1, strings.Count(log.String(), "panic=crash"))
}

// nilError is an error whose method panics when it is a nil pointer.
type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

// selfError is an error that keeps the pending that it is the error of.
type selfError struct{ p *pending.Pending[int] }

func (e *selfError) Error() string { return "it keeps its pending" }

func TestErrorThatNobodySeesMayBeOfAnyKind(t *testing.T) {
	log, logTo := logged()
	c := start(t, newSystem(t), logTo)
	drop(c, func(context.Context) (int, error) { return 0, (*nilError)(nil) }, actors.Named("nil"))
	own := make(chan *pending.Pending[int], 1)
	func() {
		own <- actors.CallSoon(t.Context(), c, func(context.Context) (int, error) { return 0, &selfError{<-own} })
	}()
	collected(t, c, log)
	for !strings.Contains(log.String(), "it keeps its pending") {
		runtime.GC()
	}
	assert.Contains(t, log.String(), "function=nil error=<nil>")
}

func TestErrorOfAnEndedPeriodicCallIsLogged(t *testing.T) {
	log, logTo := logged()
	c := start(t, newSystem(t), logTo)
	p := actors.Every(t.Context(), c, time.Millisecond, flush, actors.StopOnError())
	require.ErrorIs(t, failure(p), errBoom)
	assert.Contains(t, log.String(), "periodic call failed")
	collected(t, c, log)
	assert.Equal(t, 1, strings.Count(log.String(), "nobody has looked"))
}

// exitError is an error whose text ends the goroutine that asks for it.
type exitError struct{}

func (exitError) Error() string {
	runtime.Goexit()
	return ""
}

func TestErrorWhoseTextEndsTheGoroutineKeepsNobodyWaiting(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		gate := make(chan struct{})
		p := actors.CallSoon(t.Context(), c, func(context.Context) (int, error) {
			<-gate
			return 0, exitError{}
		})
		p.OnDone(func(pending.Handle) {}) // comes before the wait
		failed := make(chan bool)
		go func() {
			_, err := p.Wait(t.Context())
			failed <- errors.As(err, new(exitError))
		}()
		synctest.Wait()
		close(gate)
		assert.True(t, <-failed)
		assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
	})
}
