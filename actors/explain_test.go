package actors_test

import (
	"context"
	"fmt"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// numbers are the ids of pendings, which differ from run to run.
var numbers = regexp.MustCompile(` #[0-9]+`)

func TestWaitThatEndsEarlySaysHowFarTheCallIs(t *testing.T) {
	named := actors.Named
	for name, tt := range map[string]struct {
		call func(t *testing.T, c *actors.Caller) *pending.Pending[string]
		want string
	}{
		"running": {func(t *testing.T, c *actors.Caller) *pending.Pending[string] {
			return actors.Schedule(t.Context(), c, untilItsEnd, named("f"))
		}, "running on callers/c"},
		"waiting": {func(t *testing.T, c *actors.Caller) *pending.Pending[string] {
			return actors.Schedule(t.Context(), c, asleep, named("f"))
		}, "waiting on callers/c for actors.Sleep"},
		"waiting for another call": {func(t *testing.T, c *actors.Caller) *pending.Pending[string] {
			other := actors.Schedule(t.Context(), c, asleep, named("g"))
			return actors.Schedule(t.Context(), c, func(ctx context.Context) (string, error) { return other.Wait(ctx) }, named("f"))
		}, "waiting on callers/c for g"},
		"queued": {func(t *testing.T, c *actors.Caller) *pending.Pending[string] {
			actors.Schedule(t.Context(), c, untilItsEnd, named("g"))
			synctest.Wait()
			actors.CallSoon(t.Context(), c, asleep)
			actors.CallSoon(t.Context(), c, asleep).Cancel(nil)
			_ = c.CallDirect(func() {})
			actors.Schedule(t.Context(), c, asleep, actors.Urgent())
			return actors.Schedule(t.Context(), c, asleep, named("f"))
		}, "queued on callers/c behind 3, while g is running"},
		"urgent": {func(t *testing.T, c *actors.Caller) *pending.Pending[string] {
			actors.Schedule(t.Context(), c, untilItsEnd, named("g"))
			synctest.Wait()
			actors.CallSoon(t.Context(), c, asleep)
			return actors.Schedule(t.Context(), c, asleep, named("f"), actors.Urgent())
		}, "queued on callers/c, while g is running"},
		"the turn is kept": {func(t *testing.T, c *actors.Caller) *pending.Pending[string] {
			other := start(t, c.System())
			h := actors.Schedule(t.Context(), other, asleep, named("h"))
			actors.Schedule(t.Context(), c, func(ctx context.Context) (string, error) { return h.WaitSync(ctx) }, named("g"))
			synctest.Wait()
			return actors.Schedule(t.Context(), c, asleep, named("f"))
		}, "queued on callers/c, while g keeps the turn and waits for h"},
		"delayed": {func(t *testing.T, c *actors.Caller) *pending.Pending[string] {
			return actors.Schedule(t.Context(), c, asleep, named("f"), actors.Delay(time.Hour))
		}, "not queued yet on callers/c"},
		"on another caller that was never started": {func(t *testing.T, c *actors.Caller) *pending.Pending[string] {
			return actors.Schedule(t.Context(), unstarted(t, c.System(), props.Name("new")), asleep, named("f"))
		}, "queued on callers/new, which was never started"},
		"without a worker": {func(t *testing.T, c *actors.Caller) *pending.Pending[string] {
			c = start(t, c.System(), props.MaxWorkers(1), props.Name("w"))
			actors.ToThread(t.Context(), c, asleep)
			return actors.Schedule(t.Context(), c, asleep, named("f"), actors.OnWorker())
		}, "waiting for a worker of callers/w"},
		"on a caller that restarts": {func(t *testing.T, c *actors.Caller) *pending.Pending[string] {
			c = start(t, c.System(), append(restartInAMinute, props.Name("r"))...)
			crash(t, c)
			return actors.Schedule(t.Context(), c, asleep, named("f"))
		}, "queued on callers/r, which is restarting"},
		"derived": {func(t *testing.T, c *actors.Caller) *pending.Pending[string] {
			p := actors.Schedule(t.Context(), c, asleep, named("g"))
			return pending.Then(p, func(s string) (string, error) { return s, nil })
		}, "after g, which is waiting on callers/c for actors.Sleep"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				p := tt.call(t, start(t, system, props.Name("c")))
				synctest.Wait()
				label := "f"
				if name == "derived" {
					label = "then g"
				}
				_, err := p.Wait(t.Context(), pending.Timeout(time.Second), pending.Protect())
				require.ErrorIs(t, err, context.DeadlineExceeded)
				text := numbers.ReplaceAllString(err.Error(), "")
				assert.Equal(t, "pending: wait for "+label+", "+tt.want+": not done after 1s", text)

				ctx, cancel := context.WithCancelCause(t.Context())
				cancel(errBoom)
				_, err = p.Wait(ctx)
				require.ErrorIs(t, err, errBoom)
				require.ErrorIs(t, err, context.Canceled)
				assert.Contains(t, numbers.ReplaceAllString(err.Error(), ""), tt.want+": boom")
				synctest.Wait()
				require.ErrorIs(t, p.Err(), errBoom)
			})
		})
	}
}

func TestWaitForACallWhoseHostIsBusySaysThatItIsQueued(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		functions := make(chan func()) // nobody receives them yet
		ended := make(chan struct{})
		c, err := actors.Start(system, props.Name("c"), props.HostedBy(props.ChannelHost("busy", functions, ended)))
		require.NoError(t, err)
		p := actors.Schedule(t.Context(), c, returns(1), actors.Named("f"))
		_, err = p.Wait(t.Context(), pending.Timeout(time.Second), pending.Protect())
		require.ErrorContains(t, err, ", queued on callers/c: not done after 1s")
		close(ended)
		<-c.Stopped()
	})
}

func TestTimeoutOfACallSaysHowFarItIs(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.Name("c"))
		g := actors.Schedule(t.Context(), c, untilItsEnd, actors.Named("g"), actors.Timeout(time.Hour))
		synctest.Wait()
		f := actors.Schedule(t.Context(), c, asleep, actors.Named("f"), actors.QueueTimeout(time.Minute))
		require.EqualError(t, failure(f), "pending: cancelled: actors: call of f has not started after 1m0s, "+
			"queued on callers/c, while g is running: context deadline exceeded")
		require.EqualError(t, failure(g), "pending: cancelled: actors: call of g is not done after 1h0m0s, "+
			"running on callers/c: context deadline exceeded")
	})
}

func TestWaitForTheEndOfACallerListsWhatItWaitsFor(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(ctx context.Context, c *actors.Caller) error
		want string
	}{
		"Drain": {
			func(ctx context.Context, c *actors.Caller) error { return c.Drain(ctx) },
			"actors: drain callers/c: context deadline exceeded; unfinished: f running on callers/c, g running on callers/c/kid, 1 queued",
		},
		"StopWait": {
			func(ctx context.Context, c *actors.Caller) error { return c.StopWait(ctx) },
			"actors: stop callers/c: pending: wait for end of callers/c: context deadline exceeded; " +
				"unfinished: f running on callers/c, g running on callers/c/kid",
		},
		"Shutdown": {
			func(ctx context.Context, c *actors.Caller) error { return actors.Shutdown(ctx, c.System()) },
			"actors: drain callers/c: context deadline exceeded; unfinished: f running on callers/c, g running on callers/c/kid, 1 queued",
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system, props.Name("c"), props.StopTimeout(time.Hour))
				kid := child(t, c, props.Name("kid"))
				stubborn := func(context.Context) (int, error) {
					time.Sleep(time.Minute)
					return 0, nil
				}
				actors.Schedule(t.Context(), c, stubborn, actors.Named("f"))
				actors.Schedule(t.Context(), kid, stubborn, actors.Named("g"))
				synctest.Wait()
				actors.CallSoon(t.Context(), c, returns(1))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				err := tt.end(ctx, c)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, tt.want, numbers.ReplaceAllString(err.Error(), ""))
				require.NoError(t, c.StopWait(t.Context()))
			})
		})
	}
}

func TestErrorOfADrainListsAFewFunctions(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.Name("c"))
		for i := range 15 {
			actors.Schedule(t.Context(), c, asleep, actors.Named(fmt.Sprint("f", i)))
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := c.Drain(ctx)
		require.ErrorContains(t, err, "f9 waiting on callers/c for actors.Sleep, 5 more functions")
		assert.NotContains(t, err.Error(), "f10")
	})
}

func TestErrorsOfARequestNameThePIDAndTheMessage(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		silent := system.Root.Spawn(actor.PropsFromFunc(func(actor.Context) {}))
		defer system.Root.Stop(silent)
		_, err := actors.Request[int](t.Context(), system, silent, &inquiry{}).Wait(t.Context(), pending.Timeout(time.Second))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, "pending: wait for request *actors_test.inquiry, sent to "+silent.String()+": not done after 1s",
			numbers.ReplaceAllString(err.Error(), ""))
		err = failure(actors.Request[int](t.Context(), system, system.NewLocalPID("nobody"), "hello"))
		require.ErrorContains(t, err, "actors: request string to nobody: ")
		err = failure(actors.Request[int](t.Context(), system, nil, "hello"))
		require.ErrorContains(t, err, "actors: request string to no PID: ")
	})
}

// Nothing is asked on the way of a wait that succeeds, nor with a nil function.
func TestExplanationIsAskedForWhenAWaitEndsEarly(t *testing.T) {
	asked := 0
	explained := future.ExplainedBy(func() string { asked++; return "with the printer" })
	p := pending.New[int](t.Context(), pending.Named("page"), explained)
	_, err := p.Wait(t.Context(), pending.Timeout(0), pending.Protect())
	require.ErrorContains(t, err, "pending: wait for page #")
	require.ErrorContains(t, err, ", with the printer: not done after 0s")
	assert.Equal(t, 1, asked)
	p.SetResult(1)
	_, err = p.Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, asked)
}

func TestWaitForManyThatEndsEarlyNamesOneOfThem(t *testing.T) {
	for name, wait := range map[string]func(ctx context.Context, p *pending.Pending[string]) error{
		"AsCompleted": func(ctx context.Context, p *pending.Pending[string]) (err error) {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			for _, e := range pending.AsCompletedOf(ctx, []*pending.Pending[string]{p}) {
				err = e
			}
			return err
		},
		"All": func(ctx context.Context, p *pending.Pending[string]) error {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			_, err := pending.All(ctx, p)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system, props.Name("c"))
				p := actors.Schedule(t.Context(), c, asleep, actors.Named("f"))
				synctest.Wait()
				err := wait(t.Context(), p)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, "pending: wait for pendings, 1 not done, as f, waiting on callers/c for actors.Sleep: context deadline exceeded",
					numbers.ReplaceAllString(err.Error(), ""))
			})
		})
	}
	t.Run("group", func(t *testing.T) {
		bubble(t, func(t *testing.T, system *actor.ActorSystem) {
			c := start(t, system, props.Name("c"))
			g, ctx := pending.NewGroup(t.Context(), pending.WithTimeout(time.Second))
			actors.Schedule(ctx, c, asleep, actors.Named("f"))
			err := g.Wait()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, "pending: wait for group, 1 not done, as f, waiting on callers/c for actors.Sleep: not done after 1s",
				numbers.ReplaceAllString(err.Error(), ""))
		})
	})
}

func TestCallWhoseContextEndsInTheQueueSaysWhereItWas(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, c *actors.Caller) error{
		"Do": func(ctx context.Context, c *actors.Caller) error {
			return actors.Do(ctx, c, func(context.Context) error { return nil })
		},
		"Done": func(ctx context.Context, c *actors.Caller) error {
			p := actors.CallSoon(ctx, c, one)
			<-p.Done()
			return p.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system, props.Name("busy"))
				gate := make(chan struct{})
				actors.CallSoon(t.Context(), c, func(context.Context) (int, error) { <-gate; return 0, nil })
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				err := call(ctx, c)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorIs(t, err, pending.ErrCancelled)
				require.ErrorContains(t, err, "queued on callers/busy")
				require.ErrorContains(t, err, "is running")
				close(gate)
			})
		})
	}
}
