package actors_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// station is a function in a circle, with all that another function can wait for.
type station struct {
	caller *actors.Caller
	idle   *actors.Caller // has nothing to do
	kid    *actors.Caller // has escalated a failure to caller
	every  *pending.Pending[struct{}]
	call   *pending.Pending[int]
	queue  *actors.Queue[int]
	mutex  *pending.Mutex
	sem    *pending.Semaphore
	gate   *pending.Pending[int] // opened when the function is to wait
	err    error                 // of its wait
	ended  bool
}

// wayToWait is a way in which one function can wait for another.
type wayToWait struct {
	name string
	// opts are those of the caller of the function that is waited for.
	opts []props.Option
	// run starts that function. The default is a call.
	run func(ctx context.Context, s *station, body func(context.Context) error)
	// wait waits for that function. The end of ctx is not looked at.
	wait func(ctx context.Context, s *station) error
	// says is what the error must contain.
	says string
}

func errorOf[T any](_ T, err error) error { return err }

// firstError returns the error of an iteration that is no pending's.
func firstError[H pending.Handle](seq func(yield func(H, error) bool)) (failed error) {
	seq(func(h H, err error) bool {
		if pending.Handle(h) == pending.Handle((*pending.Pending[int])(nil)) || errors.Is(err, pending.ErrDeadlock) {
			failed = err
		}
		return true
	})
	return failed
}

// inAnHour returns a pending that is done in an hour.
func inAnHour(ctx context.Context) *pending.Pending[int] {
	p := pending.New[int](ctx)
	time.AfterFunc(time.Hour, func() { p.SetResult(1) })
	return p
}

func asCall(ctx context.Context, s *station, body func(context.Context) error) {
	s.call = actors.CallSoon(ctx, s.caller, func(ctx context.Context) (int, error) { return 1, body(ctx) })
}

func asItem(ctx context.Context, s *station, body func(context.Context) error) {
	s.queue = actors.NewQueue(s.caller, func(ctx context.Context, item int) error {
		if item > 0 {
			return nil
		}
		return body(ctx)
	}, actors.QueueCapacity(1), actors.QueueName("items"))
	_ = s.queue.Put(0)
	synctest.Wait() // until it is taken
	_ = s.queue.Put(1)
}

func asJob(ctx context.Context, s *station, body func(context.Context) error) {
	s.call = actors.ToThread(ctx, s.caller, func(ctx context.Context) (int, error) { return 1, body(ctx) })
}

// asHolder has the function lock a mutex, and acquire a semaphore.
func asHolder(ctx context.Context, s *station, body func(context.Context) error) {
	s.mutex, s.sem = pending.NewMutex(pending.Named("m")), pending.NewSemaphore(3, pending.Named("s"))
	asCall(ctx, s, func(ctx context.Context) error {
		if err := errors.Join(s.mutex.Lock(ctx), s.sem.Acquire(ctx, 2)); err != nil {
			return err
		}
		defer s.mutex.Unlock()
		defer s.sem.Release(2)
		return body(ctx)
	})
}

// asPeriodic has the function be the first of periodic calls, and the last.
func asPeriodic(ctx context.Context, s *station, body func(context.Context) error) {
	s.every = actors.Every(ctx, s.caller, time.Hour, func(ctx context.Context) error {
		return errors.Join(errBoom, body(ctx))
	}, actors.Immediately(), actors.StopOnError())
}

// asParent has the function keep the turn that is needed to decide on the failure of a child.
func asParent(ctx context.Context, s *station, body func(context.Context) error) {
	s.kid, _ = s.caller.Child(props.Supervision(supervision.Escalate()), props.TurnWarning(0))
	asCall(ctx, s, body)
	synctest.Wait()
	do(ctx, s.kid, func(context.Context) { panic(errBoom) })
}

var circleWays = []wayToWait{
	{name: "Wait", wait: func(ctx context.Context, s *station) error { return errorOf(s.call.Wait(ctx)) }},
	{name: "WaitSync", wait: func(ctx context.Context, s *station) error { return errorOf(s.call.WaitSync(ctx)) }},
	{name: "shielded Wait", wait: func(ctx context.Context, s *station) error { return errorOf(s.call.Wait(ctx, pending.Shield())) }},
	{name: "protected Wait", wait: func(ctx context.Context, s *station) error { return errorOf(s.call.Wait(ctx, pending.Protect())) }},
	{name: "shielded WaitSync", wait: func(ctx context.Context, s *station) error { return errorOf(s.call.WaitSync(ctx, pending.Shield())) }},
	{name: "protected WaitSync", wait: func(ctx context.Context, s *station) error { return errorOf(s.call.WaitSync(ctx, pending.Protect())) }},
	{name: "CancelWait", wait: func(ctx context.Context, s *station) error {
		if err := s.call.CancelWait(ctx, nil); !errors.Is(err, pending.ErrCancelled) {
			return err
		}
		return nil
	}},
	{name: "All", wait: func(ctx context.Context, s *station) error {
		return errorOf(pending.All(ctx, inAnHour(ctx), s.call))
	}},
	{name: "Any", wait: func(ctx context.Context, s *station) error { return errorOf(pending.Any(ctx, s.call, s.call)) }},
	{name: "WaitAll", wait: func(ctx context.Context, s *station) error {
		_, _, err := pending.WaitAll(ctx, []*pending.Pending[int]{s.call, inAnHour(ctx)})
		return err
	}},
	{name: "FirstCompleted", wait: func(ctx context.Context, s *station) error {
		_, _, err := pending.WaitAll(ctx, []*pending.Pending[int]{s.call}, pending.FirstCompleted())
		return err
	}},
	{name: "FirstError", wait: func(ctx context.Context, s *station) error {
		_, _, err := pending.WaitAll(ctx, []*pending.Pending[int]{s.call}, pending.FirstError())
		return err
	}},
	{name: "AsCompleted", wait: func(ctx context.Context, s *station) error {
		return firstError(pending.AsCompleted(ctx, slices.Values([]*pending.Pending[int]{s.call, s.call})))
	}},
	{name: "AsCompletedOf", wait: func(ctx context.Context, s *station) error {
		return firstError(pending.AsCompletedOf(ctx, []*pending.Pending[int]{s.call}))
	}},
	{name: "AsCompletedFrom", wait: func(ctx context.Context, s *station) error {
		from := make(chan *pending.Pending[int], 1)
		from <- s.call
		close(from)
		return firstError(pending.AsCompletedFrom(ctx, from))
	}},
	{name: "Group.Wait", wait: func(ctx context.Context, s *station) error {
		g, _ := pending.NewGroup(ctx)
		g.Add(pending.Then(s.call, func(i int) (int, error) { return i, nil }))
		return g.Wait()
	}},
	{name: "Run", wait: func(ctx context.Context, s *station) error {
		return pending.Run(ctx, func(ctx context.Context) error {
			g, _ := pending.CurrentTracker[*pending.Group](ctx)
			g.Add(pending.Then(s.call, func(i int) (int, error) { return i, nil }))
			return nil
		})
	}},
	{name: "Then", wait: func(ctx context.Context, s *station) error {
		then := pending.Then(s.call, func(i int) (int, error) { return i, nil })
		return errorOf(pending.Then(then, func(i int) (int, error) { return i, nil }).Wait(ctx))
	}},
	{name: "a promise", wait: func(ctx context.Context, s *station) error {
		p := pending.New[int](ctx, pending.CompletedBy(s.call))
		s.call.OnDone(func(pending.Handle) { p.SetResult(1) })
		return errorOf(p.Wait(ctx))
	}},
	{name: "the turn", opts: []props.Option{props.NonReentrant()}, says: "waits for the turn of ", wait: func(ctx context.Context, s *station) error {
		return errorOf(actors.CallSoon(ctx, s.caller, one).Wait(ctx))
	}},
	{name: "the turn, by Call", opts: []props.Option{props.NonReentrant()}, says: "waits for the turn of ", wait: func(ctx context.Context, s *station) error {
		return errorOf(actors.Call(ctx, s.caller, one))
	}},
	{name: "Call of one that waits", wait: func(ctx context.Context, s *station) error {
		var failed error
		ran := false
		_, err := actors.Call(ctx, s.idle, func(ctx context.Context) (int, error) {
			ran = true
			_, failed = s.call.Wait(context.WithoutCancel(ctx))
			return 1, nil
		})
		if errors.Is(err, pending.ErrDeadlock) { // it is queued, and waits before Call does
			return err
		}
		if !ran { // a stop has cancelled it, if it is the one that is waited for
			_, failed = s.call.Wait(ctx)
		}
		return failed
	}},
	{name: "Do of one that waits", wait: func(ctx context.Context, s *station) error {
		var failed error
		err := actors.Do(ctx, s.idle, func(ctx context.Context) error {
			failed = errorOf(s.call.WaitSync(context.WithoutCancel(ctx)))
			return nil
		})
		return errors.Join(err, failed)
	}},
	{name: "periodic calls", run: asPeriodic, wait: func(ctx context.Context, s *station) error {
		if err := errorOf(s.every.Wait(ctx, pending.Protect())); !errors.Is(err, errBoom) {
			return err
		}
		return nil
	}},
	{name: "a decision on a failure", opts: []props.Option{props.NonReentrant()}, run: asParent, says: "waits for the turn of ",
		wait: func(ctx context.Context, s *station) error {
			return errorOf(actors.CallSoon(ctx, s.kid, one).Wait(ctx))
		}},
	{name: "room in a queue", run: asItem, says: "waits for queue room in items", wait: func(ctx context.Context, s *station) error {
		return s.queue.PutWait(ctx, 2)
	}},
	{name: "the end of a queue", run: asItem, wait: func(ctx context.Context, s *station) error {
		return s.queue.CloseWait(ctx)
	}},
	{name: "a worker", opts: []props.Option{props.MaxWorkers(1)}, run: asJob, says: "waits for a worker of ", wait: func(ctx context.Context, s *station) error {
		return errorOf(actors.ToThread(ctx, s.caller, one).Wait(ctx))
	}},
	{name: "a mutex", run: asHolder, says: "waits for mutex m", wait: func(ctx context.Context, s *station) error {
		err := s.mutex.Lock(ctx)
		if err == nil {
			s.mutex.Unlock()
		}
		return err
	}},
	{name: "a semaphore", run: asHolder, says: "waits for semaphore s", wait: func(ctx context.Context, s *station) error {
		err := s.sem.Acquire(ctx, 3)
		if err == nil {
			s.sem.Release(3)
		}
		return err
	}},
	{name: "Drain", says: "waits for the end of ", wait: func(ctx context.Context, s *station) error { return s.caller.Drain(ctx) }},
	{name: "StopWait", says: "waits for the end of ", wait: func(ctx context.Context, s *station) error { return s.caller.StopWait(ctx) }},
}

// circle is a number of functions, each of which waits for the next one.
type circle struct {
	t        *testing.T
	ways     []wayToWait // of each function, to wait for the next one
	stations []*station
}

func newCircle(t *testing.T, system *actor.ActorSystem, opts []props.Option, ways ...wayToWait) *circle {
	c := &circle{t: t, ways: ways}
	for i := range ways {
		s := &station{gate: pending.New[int](t.Context()), idle: start(t, system)}
		s.caller = start(t, system, slices.Concat(opts, c.before(i).opts, []props.Option{props.Name(fmt.Sprint("c", i)), props.TurnWarning(0)})...)
		c.stations = append(c.stations, s)
	}
	for i, s := range c.stations {
		run := c.before(i).run
		if run == nil {
			run = asCall
		}
		run(t.Context(), s, func(ctx context.Context) error {
			ctx = context.WithoutCancel(ctx)
			_, err := s.gate.Wait(ctx)
			require.NoError(t, err)
			s.err = ways[i].wait(ctx, c.stations[(i+1)%len(ways)])
			s.ended = true
			return nil
		})
	}
	time.Sleep(time.Second)
	synctest.Wait()
	return c
}

// before returns the way in which the function i is waited for.
func (c *circle) before(i int) wayToWait { return c.ways[(i+len(c.ways)-1)%len(c.ways)] }

// begin has a function wait, and returns when all is done about that.
func (c *circle) begin(i int) {
	c.stations[i].gate.SetResult(1)
	time.Sleep(100 * time.Millisecond)
	synctest.Wait()
}

// close has the functions wait in an order. It checks that the wait of the last one
// fails, and that the others go on.
func (c *circle) close(order []int) {
	for _, i := range order[:len(order)-1] {
		c.begin(i)
		for _, s := range c.stations {
			require.False(c.t, s.ended, "the circle is still open: %v", s.err)
		}
	}
	last := order[len(order)-1]
	c.begin(last)
	require.ErrorIs(c.t, c.stations[last].err, pending.ErrDeadlock)
	time.Sleep(2 * time.Hour)
	synctest.Wait()
	for i, s := range c.stations {
		require.True(c.t, s.ended, "function %d hangs", i)
		if i != last {
			require.NotErrorIs(c.t, s.err, pending.ErrDeadlock, "function %d", i)
		}
	}
	err := c.stations[last].err
	if len(order) > 1 && len(order) < 10 {
		for i, s := range c.stations {
			require.ErrorContains(c.t, err, s.caller.ID())
			require.ErrorContains(c.t, err, c.ways[i].says)
		}
	}
}

func namesOfWays(ways []wayToWait) string {
	var names []string
	for _, w := range ways {
		names = append(names, w.name)
	}
	return strings.Join(names, ", ")
}

// orders are all orders of n functions.
func orders(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var all [][]int
	for _, o := range orders(n - 1) {
		for i := range n {
			all = append(all, slices.Insert(slices.Clone(o), i, n-1))
		}
	}
	return all
}

// reentrancies are the kinds of callers that circles are made of.
var reentrancies = map[string][]props.Option{"": nil, ", non-reentrant": {props.NonReentrant()}}

func testCircle(t *testing.T, ways ...wayToWait) {
	for kind := range reentrancies {
		testCircleOf(t, kind, ways...)
	}
}

func testCircleOf(t *testing.T, kind string, ways ...wayToWait) {
	for _, order := range orders(len(ways)) {
		t.Run(fmt.Sprintf("%s, %v%s", namesOfWays(ways), order, kind), func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				newCircle(t, system, reentrancies[kind], ways...).close(order)
			})
		})
	}
}

func TestEveryWayToWaitForOneselfIsADeadlock(t *testing.T) {
	for _, w := range circleWays {
		testCircle(t, w)
	}
}

func TestEveryWayToWaitInACircleOfTwoIsADeadlock(t *testing.T) {
	for i, w := range circleWays {
		for j, other := range circleWays[:i+1] {
			switch {
			case !again():
				testCircle(t, w, other)
			case (i+j)%2 == 0: // one of the two will do on another backend
				testCircleOf(t, "", w, other)
			default:
				testCircleOf(t, ", non-reentrant", w, other)
			}
		}
	}
}

func TestEveryWayToWaitInACircleOfThreeIsADeadlock(t *testing.T) {
	n := len(circleWays)
	for i, w := range circleWays {
		testCircle(t, w, circleWays[(i+1)%n], circleWays[(i+5)%n])
	}
}

// endings are ways to wait for a function and for something that comes in an hour. The
// second ends the wait in any case.
var endings = map[string]func(ctx context.Context, other *pending.Pending[int], c *actors.Caller) error{
	"a timeout of its own": func(ctx context.Context, other *pending.Pending[int], _ *actors.Caller) error {
		return errorOf(other.Wait(ctx, pending.Timeout(time.Hour), pending.Protect()))
	},
	"a timeout of WaitAll": func(ctx context.Context, other *pending.Pending[int], _ *actors.Caller) error {
		_, _, err := pending.WaitAll(ctx, []*pending.Pending[int]{other}, pending.Timeout(time.Hour))
		return err
	},
	"the other branch of Any": func(ctx context.Context, other *pending.Pending[int], _ *actors.Caller) error {
		return errorOf(pending.Any(ctx, pending.Then(other, func(i int) (int, error) { return i, nil }), inAnHour(ctx)))
	},
	"the other branch of FirstCompleted": func(ctx context.Context, other *pending.Pending[int], _ *actors.Caller) error {
		_, _, err := pending.WaitAll(ctx, []*pending.Pending[int]{inAnHour(ctx), other}, pending.FirstCompleted())
		return err
	},
	"the other branch of a loop": func(ctx context.Context, other *pending.Pending[int], _ *actors.Caller) error {
		for _, err := range pending.AsCompletedOf(ctx, []*pending.Pending[int]{other, inAnHour(ctx)}, pending.KeepUnfinished()) {
			return err
		}
		return nil
	},
	"a timeout of the group": func(ctx context.Context, other *pending.Pending[int], _ *actors.Caller) error {
		g, _ := pending.NewGroup(ctx, pending.WithTimeout(time.Hour))
		g.Add(pending.Then(other, func(i int) (int, error) { return i, nil }))
		return g.Wait()
	},
	"a promise": func(ctx context.Context, _ *pending.Pending[int], _ *actors.Caller) error {
		return errorOf(inAnHour(ctx).Wait(ctx))
	},
	"a delayed call": func(ctx context.Context, _ *pending.Pending[int], c *actors.Caller) error {
		return errorOf(actors.CallLater(ctx, c, time.Hour, one).Wait(ctx))
	},
	"a call with a timeout": func(ctx context.Context, other *pending.Pending[int], c *actors.Caller) error {
		return errorOf(actors.Schedule(ctx, c, func(ctx context.Context) (int, error) {
			return other.Wait(ctx, pending.Protect())
		}, actors.Timeout(time.Hour)).Wait(ctx))
	},
	"a call with a timeout in the queue": func(ctx context.Context, other *pending.Pending[int], c *actors.Caller) error {
		actors.CallSoon(ctx, c, func(ctx context.Context) (int, error) { return other.WaitSync(ctx) })
		_ = actors.Sleep(ctx, time.Second)
		return errorOf(actors.Schedule(ctx, c, one, actors.QueueTimeout(time.Hour)).Wait(ctx))
	},
	"a call of a caller that is not started": func(ctx context.Context, _ *pending.Pending[int], c *actors.Caller) error {
		other, err := actors.New(c.System())
		if err != nil {
			return err
		}
		time.AfterFunc(time.Hour, func() { _ = other.Start() })
		defer other.Stop()
		return errorOf(actors.CallSoon(ctx, other, one).Wait(ctx))
	},
	"a call of a caller that will restart": func(ctx context.Context, other *pending.Pending[int], c *actors.Caller) error {
		kid, err := c.Child(props.Supervision(supervision.Restart(supervision.Backoff(time.Hour, time.Hour))))
		if err != nil {
			return err
		}
		waits := actors.CallSoon(ctx, kid, func(ctx context.Context) (int, error) { return other.Wait(ctx, pending.Protect()) })
		do(ctx, kid, func(context.Context) { panic(errBoom) })
		_ = actors.Sleep(ctx, time.Second)
		return errorOf(waits.Wait(ctx))
	},
	"room that a timeout makes": func(ctx context.Context, other *pending.Pending[int], c *actors.Caller) error {
		q := actors.NewQueue(c, func(ctx context.Context, _ int) error {
			return errorOf(other.Wait(ctx, pending.Timeout(time.Hour), pending.Protect()))
		}, actors.QueueCapacity(1))
		for i := range 3 {
			if err := q.PutWait(ctx, i); err != nil {
				return err
			}
		}
		return nil
	},
	"a worker that a timeout frees": func(ctx context.Context, other *pending.Pending[int], c *actors.Caller) error {
		actors.ToThread(ctx, c, func(ctx context.Context) (int, error) {
			return other.Wait(ctx, pending.Timeout(time.Hour), pending.Protect())
		})
		return errorOf(actors.ToThread(ctx, c, one).Wait(ctx))
	},
}

func TestWaitThatEndsByItselfIsNoDeadlock(t *testing.T) {
	for name, wait := range endings {
		for _, order := range orders(2) {
			t.Run(fmt.Sprint(name, order), func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					gates := []*pending.Pending[int]{pending.New[int](t.Context()), pending.New[int](t.Context())}
					other, c := start(t, system), start(t, system, props.MaxWorkers(1))
					var first *pending.Pending[int]
					second := actors.CallSoon(t.Context(), other, func(ctx context.Context) (int, error) {
						_, _ = gates[1].Wait(ctx)
						return first.Wait(ctx)
					})
					first = actors.CallSoon(t.Context(), start(t, system), func(ctx context.Context) (int, error) {
						_, _ = gates[0].Wait(ctx)
						return 1, wait(ctx, second, c)
					})
					began := time.Now()
					for _, i := range order {
						gates[i].SetResult(1)
						time.Sleep(10 * time.Second)
						require.False(t, first.IsDone())
					}
					require.NotErrorIs(t, failure(first), pending.ErrDeadlock)
					require.NotErrorIs(t, failure(second), pending.ErrDeadlock)
					assert.GreaterOrEqual(t, time.Since(began), time.Hour)
				})
			})
		}
	}
}

// Who waits for a circle, and is no part of it, hears of nothing.
func TestWaitBehindACircleGoesOn(t *testing.T) {
	for _, order := range orders(3) {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				var ps [3]*pending.Pending[int]
				var gates [3]*pending.Pending[int]
				var errs [3]error
				for i, next := range []int{1, 0, 0} {
					gates[i] = pending.New[int](t.Context())
					ps[i] = actors.CallSoon(t.Context(), start(t, system), func(ctx context.Context) (int, error) {
						_, _ = gates[i].Wait(ctx)
						_, errs[i] = ps[next].Wait(ctx)
						return i, nil
					})
				}
				for _, i := range order {
					gates[i].SetResult(1)
					time.Sleep(time.Second)
				}
				last := order[2]
				if last == 2 {
					last = order[1]
				}
				for i, p := range ps {
					result(t, p)
					assert.Equal(t, i == last, errors.Is(errs[i], pending.ErrDeadlock))
				}
			})
		})
	}
}

// A member that comes while the group is waited for may need the turn of the wait.
func TestMemberThatNeedsTheTurnOfItsGroupIsADeadlock(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c, other := start(t, system, props.NonReentrant()), start(t, system)
		var err error
		result(t, actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			err = pending.Run(ctx, func(ctx context.Context) error {
				actors.CallSoon(ctx, other, func(ctx context.Context) (int, error) {
					_ = actors.Sleep(ctx, time.Second)
					actors.CallSoon(ctx, c, one)
					return 1, nil
				})
				return nil
			})
			return 1, nil
		}))
		require.ErrorIs(t, err, pending.ErrDeadlock)
	})
}

// Only the stop of a caller that is on its way needs nothing of what is queued.
func TestDrainOfACallerWhoseFunctionWaitsForTheOneThatDrainsIsADeadlock(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		kid := child(t, c)
		var drains *pending.Pending[int]
		gate := pending.New[int](t.Context())
		waits := actors.CallSoon(t.Context(), kid, func(ctx context.Context) (int, error) {
			_, _ = gate.Wait(ctx)
			return drains.Wait(ctx)
		})
		drains = actors.CallSoon(t.Context(), start(t, system), func(ctx context.Context) (int, error) { return 1, c.Drain(ctx) })
		time.Sleep(time.Second)
		gate.SetResult(1)
		require.ErrorIs(t, failure(waits), pending.ErrDeadlock)
		require.ErrorContains(t, waits.Err(), "waits for the end of "+c.ID())
		result(t, drains)
	})
}

// All workers of a pool wait for calls of the same pool. A worker whose function waits keeps
// its place.
func TestPoolWhoseWorkersAllWaitForItIsADeadlock(t *testing.T) {
	for name, opts := range reentrancies {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				const workers = 3
				c := start(t, system, append(opts, props.MaxWorkers(workers))...)
				var gates, jobs []*pending.Pending[int]
				for range workers {
					gate := pending.New[int](t.Context())
					gates = append(gates, gate)
					jobs = append(jobs, actors.ToThread(t.Context(), c, func(ctx context.Context) (int, error) {
						_, _ = gate.Wait(ctx)
						return actors.ToThread(ctx, c, one).Wait(ctx)
					}))
				}
				for i, gate := range gates {
					for _, job := range jobs {
						assert.False(t, job.IsDone())
					}
					if i == workers-1 {
						break
					}
					gate.SetResult(1)
					time.Sleep(time.Minute)
				}
				gates[workers-1].SetResult(1)
				err := failure(jobs[workers-1])
				require.ErrorIs(t, err, pending.ErrDeadlock)
				require.ErrorContains(t, err, "waits for a worker of "+c.ID())
				for _, job := range jobs[:workers-1] {
					assert.Equal(t, 1, result(t, job))
				}
			})
		})
	}
}

// The deadline of a context is no way out of a circle: nearly every context has one.
func TestDeadlineOfAContextIsNoWayOutOfACircle(t *testing.T) {
	for _, order := range orders(2) {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				var ps, gates [2]*pending.Pending[int]
				for i := range ps {
					gates[i] = pending.New[int](t.Context())
					ps[i] = actors.CallSoon(ctx, start(t, system), func(ctx context.Context) (int, error) {
						_, _ = gates[i].Wait(ctx)
						return ps[1-i].Wait(ctx, pending.Protect())
					})
				}
				begin := time.Now()
				for _, i := range order {
					gates[i].SetResult(1)
					time.Sleep(time.Second)
				}
				require.ErrorIs(t, failure(ps[order[1]]), pending.ErrDeadlock)
				assert.Less(t, time.Since(begin), time.Minute)
			})
		})
	}
}

// The last wait is told at once, and what remains is looked at anew.
func TestTwoCirclesThroughOneFunctionAreTwoDeadlocks(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		var center *pending.Pending[int]
		gates := []*pending.Pending[int]{pending.New[int](t.Context()), pending.New[int](t.Context())}
		errs := make([]error, 2)
		var sides []*pending.Pending[int]
		for i, gate := range gates {
			sides = append(sides, actors.CallSoon(t.Context(), start(t, system), func(ctx context.Context) (int, error) {
				_, _ = gate.Wait(ctx)
				_, errs[i] = center.Wait(ctx, pending.Protect())
				return 1, nil
			}))
		}
		center = actors.CallSoon(t.Context(), start(t, system), func(ctx context.Context) (int, error) {
			_, err := pending.All(ctx, sides...)
			return 1, err
		})
		for _, gate := range gates {
			time.Sleep(time.Second)
			gate.SetResult(1)
		}
		result(t, center)
		require.ErrorIs(t, errs[0], pending.ErrDeadlock)
		require.ErrorIs(t, errs[1], pending.ErrDeadlock)
	})
}

func TestLargeCircleIsFoundSoon(t *testing.T) {
	for _, w := range circleWays[:2] {
		t.Run(w.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				c := newCircle(t, system, nil, slices.Repeat([]wayToWait{w}, fewer(t, 1000))...)
				c.close(upTo(len(c.stations)))
			})
		})
	}
}

// Callers on one loop share its goroutine. A wait that keeps the turn keeps that too.
func TestKeepingTheLoopOfAHostFromWhatIsWaitedForIsADeadlock(t *testing.T) {
	if again() {
		return
	}
	for _, w := range circleWays[:2] {
		for name, needs := range map[string]func(ctx context.Context, s *station){
			"queued": func(ctx context.Context, s *station) {},
			"suspended": func(ctx context.Context, s *station) {
				_ = actors.Sleep(ctx, time.Minute)
			},
			"runnable": func(ctx context.Context, s *station) {
				_ = actors.Sleep(ctx, time.Second/2)
				time.Sleep(time.Second)
			},
		} {
			t.Run(name+", "+w.name, func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					loop := newLoop(t)
					a, b := start(t, system, props.HostedBy(loop)), start(t, system, props.HostedBy(loop))
					p := actors.CallSoon(t.Context(), a, func(ctx context.Context) (int, error) {
						s := &station{call: actors.CallSoon(ctx, b, func(ctx context.Context) (int, error) {
							return 1, actors.Sleep(ctx, time.Second)
						})}
						needs(ctx, s)
						return 1, w.wait(context.WithoutCancel(ctx), s)
					})
					err := failure(p)
					if w.name == "WaitSync" && name != "suspended" {
						require.ErrorIs(t, err, pending.ErrDeadlock)
						require.ErrorContains(t, err, "waits for the loop of the host")
					} else {
						require.NoError(t, err)
					}
				})
			})
		}
	}
}

// What ends by itself may still need a turn to do so.
func TestTimeoutThatHasPassedIsNoWayOutOfACircle(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system)
		gate := pending.New[int](t.Context())
		limited := actors.Schedule(t.Context(), c, func(ctx context.Context) (int, error) {
			return gate.Wait(ctx, pending.Shield())
		}, actors.Timeout(time.Hour))
		time.Sleep(time.Second)
		waits := actors.CallSoon(t.Context(), start(t, system), func(ctx context.Context) (int, error) { return limited.Wait(ctx) })
		time.Sleep(time.Second)
		keeps := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) { return waits.WaitSync(ctx, pending.Protect()) })
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.False(t, keeps.IsDone())
		time.Sleep(time.Hour)
		synctest.Wait()
		require.ErrorIs(t, keeps.Err(), pending.ErrDeadlock)
		gate.SetResult(1)
	})
}

// A strategy may have a caller go on in the backoff of its restart. What waits there goes
// on waiting.
func TestCircleOfACallerThatGoesOnWithoutItsRestartIsADeadlock(t *testing.T) {
	bubble(t, func(t *testing.T, system *actor.ActorSystem) {
		c := start(t, system, props.Supervision(supervision.Restart(supervision.Backoff(time.Hour, time.Hour))))
		var other *pending.Pending[int]
		gate := pending.New[int](t.Context())
		waits := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) {
			_, _ = gate.Wait(ctx)
			return other.Wait(ctx)
		})
		other = actors.CallSoon(t.Context(), start(t, system), func(ctx context.Context) (int, error) {
			_ = actors.Sleep(ctx, time.Minute)
			return waits.Wait(ctx)
		})
		gate.SetResult(1)
		time.Sleep(time.Second)
		do(t.Context(), c, func(context.Context) { panic(errBoom) })
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		assert.False(t, other.IsDone(), "the restart will end the wait")
		process, _ := system.ProcessRegistry.Get(c.PID())
		process.SendSystemMessage(c.PID(), &actor.ResumeMailbox{})
		time.Sleep(time.Second)
		synctest.Wait()
		require.ErrorIs(t, other.Err(), pending.ErrDeadlock)
	})
}
