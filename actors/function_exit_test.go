package actors_test

import (
	"context"
	"runtime"
	"sync/atomic"
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

// exitsInIs is an error whose method ends the goroutine.
type exitsInIs struct{}

func (exitsInIs) Error() string { return "exits" }

func (exitsInIs) Is(error) bool {
	runtime.Goexit()
	return false
}

// badEndings are functions that end in a way that nobody expects.
var badEndings = map[string]func(context.Context) (int, error){
	"a goroutine that ends, and a panic after that": func(context.Context) (int, error) {
		defer func() { panic("deferred") }()
		runtime.Goexit()
		return 0, nil
	},
	"an error that ends the goroutine": func(context.Context) (int, error) { return 0, exitsInIs{} },
}

func TestCallEndsHoweverItsFunctionEnds(t *testing.T) {
	for name, fn := range badEndings {
		for way, call := range map[string]func(t *testing.T, c *actors.Caller) pending.Handle{
			"CallSoon": func(t *testing.T, c *actors.Caller) pending.Handle { return actors.CallSoon(t.Context(), c, fn) },
			"after a wait": func(t *testing.T, c *actors.Caller) pending.Handle {
				return actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
					if err := actors.Sleep(ctx, time.Second); err != nil {
						return 0, err
					}
					return fn(ctx)
				})
			},
			"ToThread": func(t *testing.T, c *actors.Caller) pending.Handle { return actors.ToThread(t.Context(), c, fn) },
			"Every": func(t *testing.T, c *actors.Caller) pending.Handle {
				return actors.Every(t.Context(), c, time.Second, func(ctx context.Context) error { return errorOf(fn(ctx)) }, actors.StopOnError())
			},
			"Then": func(t *testing.T, c *actors.Caller) pending.Handle {
				later := actors.CallLater(t.Context(), c, time.Second, one)
				return pending.Then(later, func(int) (int, error) { return fn(t.Context()) })
			},
			"Call": func(t *testing.T, c *actors.Caller) pending.Handle {
				p := pending.New[int](t.Context())
				go func() {
					defer p.SetResult(0)
					_, _ = actors.Call(t.Context(), c, fn)
				}()
				return p
			},
		} {
			t.Run(name+", "+way, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					c := start(t, system)
					h := call(t, c)
					select {
					case <-h.Done():
					case <-time.After(time.Minute):
						t.Error("never done: ", h)
					}
					assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, one)), "the caller goes on")
				})
			})
		}
		t.Run(name+", OnStart", func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				started := make(chan error, 1)
				go func() {
					_, err := actors.Start(system, props.OnStart(func(ctx context.Context) error { return errorOf(fn(ctx)) }))
					started <- err
				}()
				select {
				case err := <-started:
					require.Error(t, err)
				case <-time.After(time.Minute):
					t.Error("it never starts")
				}
			})
		})
	}
}

// fragileContext has an Err that fails once it is armed.
type fragileContext struct {
	context.Context
	armed *atomic.Bool
	fail  func()
}

func (c fragileContext) Err() error {
	if c.armed.Load() {
		c.fail()
	}
	return c.Context.Err()
}

func TestCallEndsHoweverItsContextFails(t *testing.T) {
	for name, fail := range map[string]func(){"by a panic": func() { panic("Err") }, "by ending the goroutine": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := start(t, system)
				var armed atomic.Bool
				release := occupy(t, c)
				p := actors.CallSoon(fragileContext{context.Background(), &armed, fail}, c, one)
				armed.Store(true)
				release()
				synctest.Wait()
				armed.Store(false)
				require.True(t, p.IsDone())
				require.Error(t, p.Err())
				assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, one)), "the caller goes on")
			})
		})
	}
}

func TestTimeoutOfARetriedCallHasItsLastError(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		p := actors.Schedule(t.Context(), start(t, system), func(context.Context) (int, error) { return 0, errBoom },
			actors.Retry(actors.RetryBackoff(time.Minute, time.Minute)), actors.Timeout(time.Second))
		err := failure(p)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, errBoom)
		require.ErrorContains(t, err, "no more than attempt 1 of 3")
	})
}
