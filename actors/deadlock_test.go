package actors_test

import (
	"context"
	"fmt"
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

// waiting is a way to wait in a function.
type waiting struct {
	name  string
	keeps bool // the turn
	opts  []props.Option
	wait  func(ctx context.Context, p *pending.Pending[string]) (string, error)
}

var waitings = []waiting{
	{"Wait", false, nil, func(ctx context.Context, p *pending.Pending[string]) (string, error) { return p.Wait(ctx) }},
	{"WaitSync", true, nil, func(ctx context.Context, p *pending.Pending[string]) (string, error) { return p.WaitSync(ctx) }},
	{"NonReentrant", true, []props.Option{props.NonReentrant()}, func(ctx context.Context, p *pending.Pending[string]) (string, error) { return p.Wait(ctx) }},
}

// circles calls test with all ways in which a number of functions can wait.
func circles(n int, test func(line []waiting)) {
	if n == 0 {
		test(nil)
		return
	}
	for _, w := range waitings {
		circles(n-1, func(line []waiting) { test(append(line, w)) })
	}
}

func namesOf(line []waiting) string {
	var names []string
	for _, w := range line {
		names = append(names, w.name)
	}
	return strings.Join(names, ", ")
}

// round is a number of callers, the function of each of which calls the next
// one and waits for it. The last one closes the circle.
type round struct {
	t       *testing.T
	callers []*actors.Caller
	line    []waiting
	first   *pending.Pending[string]
	closing func(ctx context.Context) *pending.Pending[string] // what the last one waits for
	errs    []error                                            // that the functions got
}

func newRound(t *testing.T, system *actor.ActorSystem, line []waiting) *round {
	r := &round{t: t, line: line, errs: make([]error, len(line))}
	for i, w := range line {
		r.callers = append(r.callers, start(t, system, append(w.opts, props.Name(fmt.Sprint("c", i)))...))
	}
	return r
}

func (r *round) run() string {
	return result(r.t, actors.CallSoon(r.t.Context(), r.callers[0], r.function(0)))
}

func (r *round) function(i int) func(ctx context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		if i == 0 {
			self, _ := pending.Current(ctx)
			r.first = self.(*pending.Pending[string])
		}
		var next *pending.Pending[string]
		if i == len(r.line)-1 {
			time.Sleep(time.Millisecond) // the others wait by then
			next = r.closing(ctx)
		} else {
			next = actors.CallSoon(ctx, r.callers[i+1], r.function(i+1))
		}
		value, err := r.line[i].wait(ctx, next)
		if r.errs[i] = err; err != nil {
			return "went on", nil
		}
		return value, nil
	}
}

// checkDeadlock checks that the last function was notified, and that all
// callers go on.
func (r *round) checkDeadlock() {
	last := len(r.line) - 1
	require.ErrorIs(r.t, r.errs[last], pending.ErrDeadlock)
	for i, c := range r.callers {
		assert.Equal(r.t, 1, result(r.t, actors.CallSoon(r.t.Context(), c, returns(1))))
		assert.Contains(r.t, r.errs[last].Error(), c.ID())
		if i != last {
			require.NoError(r.t, r.errs[i])
		}
	}
}

func TestCircleOfFunctionsIsADeadlock(t *testing.T) {
	for n := 1; n <= 3; n++ {
		circles(n, func(line []waiting) {
			t.Run(namesOf(line), func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					r := newRound(t, system, line)
					r.closing = func(context.Context) *pending.Pending[string] { return r.first }
					synctest.Wait()
					assert.Equal(t, "went on", r.run())
					r.checkDeadlock()
				})
			})
		})
	}
}

func TestCircleOverWhatAFunctionIsToKeepIsADeadlock(t *testing.T) {
	for n := 1; n <= 2; n++ {
		circles(n, func(line []waiting) {
			t.Run(namesOf(line), func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					r := newRound(t, system, line)
					r.closing = func(ctx context.Context) *pending.Pending[string] {
						promise := pending.New[int](ctx, pending.CompletedBy(r.first))
						return pending.New[string](ctx, pending.CompletedBy(promise))
					}
					synctest.Wait()
					assert.Equal(t, "went on", r.run())
					r.checkDeadlock()
				})
			})
		})
	}
}

// A call back to the first caller needs the turn of that, if it is kept.
func TestCircleOfTurnsIsADeadlock(t *testing.T) {
	targets := map[string]func(ctx context.Context, c *actors.Caller) *pending.Pending[string]{
		"call": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
			return actors.CallSoon(ctx, c, returns("back"))
		},
		"delayed call": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
			return actors.CallLater(ctx, c, time.Hour, returns("back"))
		},
	}
	for name, target := range targets {
		for n := 1; n <= 3; n++ {
			circles(n, func(line []waiting) {
				t.Run(name+" back, "+namesOf(line), func(t *testing.T) {
					bubble(t, func(t *testing.T, system *actor.ActorSystem) {
						r := newRound(t, system, line)
						r.closing = func(ctx context.Context) *pending.Pending[string] { return target(ctx, r.callers[0]) }
						value := r.run()
						if line[0].keeps {
							assert.Equal(t, "went on", value)
							r.checkDeadlock()
						} else {
							assert.Equal(t, "back", value, "the turn is free")
						}
					})
				})
			})
		}
	}
}

func TestKeepingTheTurnFromWhatNeedsItIsADeadlock(t *testing.T) {
	needs := map[string]func(ctx context.Context, c *actors.Caller) *pending.Pending[string]{
		"a queued function": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
			return actors.CallSoon(ctx, c, asleep)
		},
		"a suspended function": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
			p := actors.CallSoon(ctx, c, asleep)
			_ = actors.Sleep(ctx, time.Second)
			return p
		},
		"a function that wants its turn back": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
			p := actors.CallSoon(ctx, c, second)
			_ = actors.Sleep(ctx, time.Millisecond)
			time.Sleep(time.Minute)
			return p
		},
		"a worker that calls": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
			p := actors.ToThread(ctx, c, func(ctx context.Context) (string, error) { return actors.CallSoon(ctx, c, asleep).Wait(ctx) })
			_ = actors.Sleep(ctx, time.Second)
			return p
		},
		"another caller that waits for one": func(ctx context.Context, c *actors.Caller) *pending.Pending[string] {
			p := actors.CallSoon(ctx, c, asleep)
			other := actors.CallSoon(ctx, actors.Main(c.System()), func(ctx context.Context) (string, error) { return p.Wait(ctx) })
			_ = actors.Sleep(ctx, time.Second)
			return other
		},
	}
	for name, need := range needs {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				stopAtEnd(t, actors.Main(system))
				c := start(t, system)
				p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) {
					p := need(ctx, c)
					_, err := p.WaitSync(ctx)
					require.ErrorIs(t, err, pending.ErrDeadlock)
					assert.Contains(t, err.Error(), c.ID()+" waits for ")
					return p.Wait(ctx)
				})
				value := result(t, p)
				assert.Contains(t, []string{"slept", "done"}, value, "it is left as it is, and may be waited for otherwise")
			})
		})
	}
}

func TestWaitingForWhatGoesOnIsNoDeadlock(t *testing.T) {
	kept := map[string]func(ctx context.Context, t *testing.T, c, other *actors.Caller) *pending.Pending[string]{
		"another caller": func(ctx context.Context, _ *testing.T, _, other *actors.Caller) *pending.Pending[string] {
			return actors.CallSoon(ctx, other, second)
		},
		"a worker": func(ctx context.Context, _ *testing.T, c, _ *actors.Caller) *pending.Pending[string] {
			return actors.ToThread(ctx, c, second)
		},
		"a call that waits for a worker": func(ctx context.Context, _ *testing.T, c, _ *actors.Caller) *pending.Pending[string] {
			actors.ToThread(ctx, c, second)
			return actors.ToThread(ctx, c, second)
		},
		"a child": func(ctx context.Context, t *testing.T, c, _ *actors.Caller) *pending.Pending[string] {
			return actors.CallSoon(ctx, child(t, c), second)
		},
		"a promise": func(ctx context.Context, _ *testing.T, _, _ *actors.Caller) *pending.Pending[string] {
			p := pending.New[string](ctx)
			time.AfterFunc(time.Second, func() { p.SetResult("done") })
			return p
		},
		"what another caller's function is to keep": func(ctx context.Context, _ *testing.T, _, other *actors.Caller) *pending.Pending[string] {
			promise := make(chan *pending.Pending[string], 1)
			p := pending.New[string](ctx, pending.CompletedBy(actors.CallLater(ctx, other, time.Second, func(context.Context) (int, error) {
				(<-promise).SetResult("done")
				return 0, nil
			})))
			promise <- p
			return p
		},
		"a function that waits for two things": func(ctx context.Context, _ *testing.T, _, other *actors.Caller) *pending.Pending[string] {
			shared := actors.CallSoon(ctx, other, second)
			one := actors.CallSoon(ctx, other, func(ctx context.Context) (string, error) { return shared.Wait(ctx) })
			return actors.CallSoon(ctx, other, func(ctx context.Context) (string, error) { return finishAll(ctx, one, shared) })
		},
		"a call after one that waits, without its turn, for the own function": func(ctx context.Context, t *testing.T, _, other *actors.Caller) *pending.Pending[string] {
			own, _ := pending.Current(ctx)
			do(ctx, other, func(ctx context.Context) {
				_, err := own.(*pending.Pending[string]).Wait(ctx)
				assert.NoError(t, err)
			})
			return actors.CallSoon(ctx, other, second)
		},
		"one of its caller that is done": func(ctx context.Context, t *testing.T, c, _ *actors.Caller) *pending.Pending[string] {
			p := actors.CallSoon(ctx, c, second)
			_, err := p.Wait(ctx)
			assert.NoError(t, err)
			return p
		},
	}
	for name, make := range kept {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c, other := start(t, system, props.MaxWorkers(1)), start(t, system)
				p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (string, error) { return make(ctx, t, c, other).WaitSync(ctx) })
				assert.Equal(t, "done", result(t, p))
			})
		})
	}
}

// A function that was woken needs its turn, and no longer what it was waiting
// for.
func TestWaitThatHasEndedIsNoPartOfACircle(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		a, b := start(t, system), start(t, system)
		goOn := pending.New[string](t.Context())
		var fromA *pending.Pending[string]
		fromB := actors.CallSoon(t.Context(), b, func(ctx context.Context) (string, error) {
			_, _ = goOn.Wait(ctx)
			return fromA.Wait(ctx)
		})
		fromA = actors.CallSoon(t.Context(), a, func(ctx context.Context) (string, error) {
			_, err := fromB.Wait(ctx, pending.Protect(), pending.Timeout(time.Second))
			return "gave up", ignoreTimeout(err)
		})
		synctest.Wait()
		release := occupy(t, a)
		time.Sleep(time.Second)
		synctest.Wait()
		goOn.SetResult("")
		synctest.Wait()
		release()
		assert.Equal(t, "gave up", result(t, fromB))
	})
}

func ignoreTimeout(err error) error {
	if err != nil && strings.Contains(err.Error(), "not done after") {
		return nil
	}
	return err
}

func TestLongChainIsNoDeadlock(t *testing.T) {
	for _, w := range waitings {
		t.Run(w.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				line := make([]waiting, fewer(t, 1000))
				for i := range line {
					line[i] = w
				}
				r := newRound(t, system, line)
				r.closing = func(ctx context.Context) *pending.Pending[string] {
					return actors.ToThread(ctx, r.callers[len(line)-1], second)
				}
				assert.Equal(t, "done", r.run())
			})
		})
	}
}

func TestLongCircleIsADeadlock(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		line := make([]waiting, fewer(t, 1000))
		for i := range line {
			line[i] = waitings[i%len(waitings)]
		}
		r := newRound(t, system, line)
		r.closing = func(context.Context) *pending.Pending[string] { return r.first }
		assert.Equal(t, "went on", r.run())
		require.ErrorIs(t, r.errs[len(line)-1], pending.ErrDeadlock)
	})
}

func TestWaitForTheOwnEndIsADeadlock(t *testing.T) {
	ends := map[string]func(ctx context.Context, c *actors.Caller) error{
		"StopWait":        func(ctx context.Context, c *actors.Caller) error { return c.StopWait(ctx) },
		"forced StopWait": func(ctx context.Context, c *actors.Caller) error { return c.StopWait(ctx, actors.Force()) },
		"Drain":           func(ctx context.Context, c *actors.Caller) error { return c.Drain(ctx) },
		"Shutdown":        func(ctx context.Context, c *actors.Caller) error { return actors.Shutdown(ctx, c.System()) },
	}
	places := map[string]func(ctx context.Context, t *testing.T, c *actors.Caller, fn func(context.Context) (string, error)) *pending.Pending[string]{
		"its own function": func(ctx context.Context, _ *testing.T, c *actors.Caller, fn func(context.Context) (string, error)) *pending.Pending[string] {
			return actors.CallSoon(ctx, c, fn)
		},
		"a grandchild's function": func(ctx context.Context, t *testing.T, c *actors.Caller, fn func(context.Context) (string, error)) *pending.Pending[string] {
			return actors.CallSoon(ctx, child(t, child(t, c)), fn)
		},
		"a worker's function": func(ctx context.Context, _ *testing.T, c *actors.Caller, fn func(context.Context) (string, error)) *pending.Pending[string] {
			return actors.ToThread(ctx, c, fn)
		},
	}
	for name, end := range ends {
		for place, run := range places {
			t.Run(name+" in "+place, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					c := start(t, system)
					p := run(t.Context(), t, c, func(ctx context.Context) (string, error) {
						for _, ctx := range []context.Context{ctx, context.WithValue(ctx, t, t)} {
							require.ErrorIs(t, end(ctx, c), pending.ErrDeadlock)
						}
						return "went on", nil
					})
					assert.Equal(t, "went on", result(t, p))
					assert.Equal(t, actors.StateRunning, c.State(), "nothing is stopped")
					assert.Equal(t, "open", result(t, actors.CallSoon(t.Context(), c, returns("open"))))
				})
			})
		}
	}
}

// Two functions that close a circle at the same time cannot both miss it.
func TestCircleClosedFromAllSidesAtOnceIsADeadlock(t *testing.T) {
	for n := 2; n <= 3; n++ {
		circles(n, func(line []waiting) {
			t.Run(namesOf(line), func(t *testing.T) {
				system := newSystem(t)
				r := newRound(t, system, line)
				for range fewer(t, 30) {
					r.closeAtOnce()
				}
			})
		})
	}
}

// closeAtOnce has each function wait for the one of the next caller.
func (r *round) closeAtOnce() {
	n := len(r.callers)
	functions := make([]*pending.Pending[string], n)
	told := make(chan error, n)
	begin := make(chan struct{})
	for i, c := range r.callers {
		functions[i] = actors.CallSoon(r.t.Context(), c, func(ctx context.Context) (string, error) {
			<-begin
			_, err := r.line[i].wait(ctx, functions[(i+1)%n])
			told <- err
			return "", nil
		})
	}
	close(begin)
	for _, p := range functions {
		result(r.t, p)
	}
	deadlocks := 0
	for range n {
		if err := <-told; err != nil {
			require.ErrorIs(r.t, err, pending.ErrDeadlock)
			deadlocks++
		}
	}
	assert.Equal(r.t, 1, deadlocks)
}

// A stop cancels the context of the function. That does not end a wait with Shield, nor one with
// a context that does not end with it. Both are part of the circle, although the function
// could not look again: the turn is kept.
func TestCircleOfAWaitThatCancellationDoesNotEndIsFoundWhileTheTurnIsKept(t *testing.T) {
	for name, wait := range map[string]func(ctx context.Context, p *pending.Pending[int]) error{
		"Shield": func(ctx context.Context, p *pending.Pending[int]) error {
			return errorOf(p.Wait(ctx, pending.Shield()))
		},
		"a context of its own": func(ctx context.Context, p *pending.Pending[int]) error {
			return errorOf(p.Wait(context.WithoutCancel(ctx)))
		},
		"All": func(ctx context.Context, p *pending.Pending[int]) error {
			_, err := pending.All(context.WithoutCancel(ctx), p)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				ctx := t.Context()
				a, b := start(t, system), start(t, system)
				live, begin := pending.New[int](ctx), pending.New[int](ctx)
				stops := actors.CallSoon(ctx, b, func(ctx context.Context) (int, error) {
					if _, err := begin.Wait(ctx); err != nil {
						return 0, err
					}
					return 0, a.StopWait(ctx)
				})
				waits := actors.CallSoon(ctx, a, func(ctx context.Context) (int, error) { return 0, wait(ctx, stops) })
				synctest.Wait()
				keeps := actors.CallSoon(ctx, a, func(ctx context.Context) (int, error) {
					return live.WaitSync(ctx, pending.Shield())
				})
				synctest.Wait()
				begin.SetResult(1)
				time.Sleep(time.Second) // for the search
				synctest.Wait()
				require.ErrorIs(t, stops.Err(), pending.ErrDeadlock)
				assert.False(t, keeps.IsDone())
				live.SetResult(1)
				synctest.Wait()
				assert.True(t, waits.IsDone())
			})
		})
	}
}
