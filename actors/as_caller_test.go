package actors_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

func TestMessagesAndFunctionsOfAnActorShareItsTurn(t *testing.T) {
	const n = 500
	system := newSystem(t)
	state := 0 // without a lock
	received := make(chan struct{})
	c := adopted(t, system, nil, "gopher", func(ctx actor.Context) {
		if _, ok := ctx.Message().(int); ok {
			if state++; state == 3*n {
				close(received)
			}
		}
	}, nil)
	count := func(ctx context.Context) {
		state++
		_ = actors.Sleep(ctx, 0)
		if state++; state == 3*n {
			close(received)
		}
	}
	var sending sync.WaitGroup
	for range 5 {
		sending.Go(func() {
			for range n / 5 {
				system.Root.Send(c.PID(), 1)
				do(t.Context(), c, count)
			}
		})
	}
	sending.Wait()
	<-received
}

func TestMessagesAndFunctionsOfAnActorKeepTheirOrder(t *testing.T) {
	system := newSystem(t)
	var order []int
	c := adopted(t, system, nil, "gopher", func(ctx actor.Context) {
		if i, ok := ctx.Message().(int); ok {
			order = append(order, i)
		}
	}, nil)
	release := occupy(t, c)
	for i := range 300 {
		switch i % 3 {
		case 0:
			system.Root.Send(c.PID(), i)
		case 1:
			do(t.Context(), c, func(context.Context) { order = append(order, i) })
		default:
			require.NoError(t, c.CallDirect(func() { order = append(order, i) }))
		}
	}
	release()
	result(t, do(t.Context(), c, func(context.Context) {}))
	assert.Equal(t, upTo(300), order)
}

func TestActorReceivesWhileAFunctionWaits(t *testing.T) {
	system := newSystem(t)
	gate := pending.New[int](t.Context())
	c := adopted(t, system, nil, "gopher", func(ctx actor.Context) {
		if i, ok := ctx.Message().(int); ok {
			gate.SetResult(i)
		}
	}, nil)
	p := actors.CallSoon(t.Context(), c, func(ctx context.Context) (int, error) { return gate.Wait(ctx) })
	system.Root.Send(c.PID(), 7)
	assert.Equal(t, 7, result(t, p))
}

func TestActorKnowsTheCallerItIs(t *testing.T) {
	system := newSystem(t)
	whoAmI := func(ctx actor.Context) {
		if _, ok := ctx.Message().(string); ok {
			c, _ := actors.Of(ctx)
			ctx.Respond(c)
		}
	}
	c := adopted(t, system, nil, "gopher", whoAmI, nil)
	same(t, c, result(t, actors.Request[*actors.Caller](t.Context(), system, c.PID(), "who are you?")))

	plain := system.Root.Spawn(actor.PropsFromFunc(whoAmI))
	assert.Nil(t, result(t, actors.Request[*actors.Caller](t.Context(), system, plain, "who are you?")))
	system.Root.Stop(plain)
}

func TestActorIsACallerAlreadyWhenItIsStarted(t *testing.T) {
	system := newSystem(t)
	calls := make(chan *pending.Pending[*actors.Caller], 1)
	c := adopted(t, system, nil, "gopher", func(ctx actor.Context) {
		if _, ok := ctx.Message().(*actor.Started); ok {
			self, _ := actors.Of(ctx)
			assert.Equal(t, actors.StateStarting, self.State())
			calls <- actors.CallSoon(context.Background(), self, worker)
		}
	}, nil)
	same(t, c, result(t, <-calls))
	assert.Equal(t, actors.StateRunning, c.State())
}

func TestAdoptedActorHasTheNameItIsSpawnedWithAndNoProtection(t *testing.T) {
	c := adopted(t, newSystem(t), nil, "gopher", puppet, []props.Option{props.Name("other"), props.Protected()})

	assert.Equal(t, "gopher", c.Name())
	assert.Equal(t, "gopher", c.ID())
	assert.False(t, c.Protected())
	require.NoError(t, c.StopWait(t.Context()))
}

func TestOptionsOfAnAdoptedActorWork(t *testing.T) {
	log, option := logged()
	c := adopted(t, newSystem(t), nil, "gopher", puppet, []props.Option{option, props.MaxQueued(1)})
	occupy(t, c)
	do(t.Context(), c, func(context.Context) {})

	require.ErrorIs(t, failure(do(t.Context(), c, func(context.Context) {})), actors.ErrOverloaded)
	c.Logger().Info("hello")
	assert.Contains(t, log.String(), "hello")
}

func TestWrongOptionsOfAsCaller(t *testing.T) {
	as, err := actors.AsCaller(props.MaxWorkers(-1), props.Logger(nil))
	require.ErrorContains(t, err, "MaxWorkers")
	require.ErrorContains(t, err, "Logger")
	assert.Nil(t, as)
}

func TestPropsOfAnAdoptedActorMakeAnyNumberOfThem(t *testing.T) {
	system := newSystem(t)
	as, err := actors.AsCaller()
	require.NoError(t, err)
	p := actor.PropsFromFunc(puppet, as)
	a, _ := actors.Lookup(system, system.Root.Spawn(p).GetId())
	b, _ := actors.Lookup(system, system.Root.Spawn(p).GetId())

	occupy(t, stopAtEnd(t, a))
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), stopAtEnd(t, b), returns(1))))
}

// batch is a message of several.
type batch []any

func (b batch) GetMessages() []any { return b }

func TestBatchOfMessagesIsReceivedInParts(t *testing.T) {
	system := newSystem(t)
	received := make(chan string, 10)
	c := adopted(t, system, nil, "gopher", func(ctx actor.Context) {
		switch message := ctx.Message().(type) {
		case int, batch:
			received <- fmt.Sprint(message)
		}
	}, nil)
	system.Root.Send(c.PID(), batch{1, 2, batch{3}})
	system.Root.Send(c.PID(), &actor.MessageEnvelope{Message: batch{4}})

	for _, want := range []string{"1", "2", "3", "[3]", "[1 2 [3]]", "4", "[4]"} {
		assert.Equal(t, want, <-received)
	}
}

func TestRestartByProtoactorMakesANewInstanceAndKeepsTheQueue(t *testing.T) {
	system := newSystem(t)
	instances := make(chan int, 10)
	made := 0
	c := adopted(t, system, nil, "gopher", nil, nil, actor.WithProducer(func() actor.Actor {
		made++
		instance := made
		return actor.ReceiveFunc(func(ctx actor.Context) {
			switch message := ctx.Message().(type) {
			case error:
				panic(message)
			case string:
				instances <- instance
			}
		})
	}))
	waiting := actors.CallSoon(t.Context(), c, asleep)
	release := occupy(t, c)
	system.Root.Send(c.PID(), "which?")
	system.Root.Send(c.PID(), errBoom)
	system.Root.Send(c.PID(), "which?")
	queued := actors.CallSoon(t.Context(), c, returns(1))
	release()

	assert.Equal(t, 1, <-instances)
	assert.Equal(t, 2, <-instances)
	assert.Equal(t, 1, result(t, queued))
	require.ErrorIs(t, failure(waiting), pending.ErrCancelled, "what was running is cancelled")
	assert.Equal(t, actors.StateRunning, c.State())
}

func TestAdoptedActorsFormATree(t *testing.T) {
	system := newSystem(t)
	root := adopted(t, system, nil, "root", puppet, nil)
	kid := adopted(t, system, root, "kid", puppet, nil)
	own := child(t, kid, props.Name("own"))

	assert.Nil(t, root.Parent())
	same(t, root, kid.Parent())
	same(t, kid, own.Parent())
	assert.Equal(t, "kid", kid.Name())
	assert.Equal(t, "root/kid/own", own.ID())
	same(t, kid, child(t, root, props.Name("kid")))
	assert.Equal(t, ids(kid), ids(root.Children()...))
	assert.Equal(t, ids(own), ids(kid.Children()...))
	assert.Equal(t, 1, result(t, actors.ToThread(t.Context(), kid, returns(1))))

	require.NoError(t, root.StopWait(t.Context()))
	for _, c := range []*actors.Caller{kid, own} {
		assert.Equal(t, actors.StateStopped, c.State(), c.ID())
	}
}

func TestAdoptedActorUnderAPlainOneHasNoParentAndStopsWithIt(t *testing.T) {
	system := newSystem(t)
	root := adopted(t, system, nil, "root", puppet, nil)
	as, err := actors.AsCaller()
	require.NoError(t, err)
	spawned := make(chan *actor.PID)
	system.Root.Send(root.PID(), func(ctx actor.Context) {
		plain := ctx.Spawn(actor.PropsFromFunc(puppet))
		ctx.Send(plain, func(ctx actor.Context) { spawned <- ctx.Spawn(actor.PropsFromFunc(puppet, as)) })
	})
	c, ok := actors.Lookup(system, (<-spawned).GetId())

	require.True(t, ok)
	assert.Nil(t, c.Parent())
	assert.Empty(t, root.Children())
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
	require.NoError(t, root.StopWait(t.Context()))
	assert.Equal(t, actors.StateStopped, c.State())
}

func TestAdoptedChildThatStopsLeavesTheTree(t *testing.T) {
	system := newSystem(t)
	root := adopted(t, system, nil, "root", puppet, nil)
	for range 20 {
		kid := adopted(t, system, root, "kid", puppet, nil)
		system.Root.Poison(kid.PID())
		<-kid.Stopped()
		assert.Empty(t, root.Children())
		_, ok := actors.Lookup(system, kid.ID())
		assert.False(t, ok)
		result(t, do(t.Context(), root, func(context.Context) {})) // its actor knows now that the name is free
	}
}

func TestMessageToACallerThatIsNoActorOfTheUsersIsADeadLetter(t *testing.T) {
	system := newSystem(t)
	c := start(t, system)
	require.ErrorIs(t, failure(actors.Request[int](t.Context(), system, c.PID(), "hello")), actor.ErrDeadLetter)
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
}

func TestMiddlewareOfAnAdoptedActorWorks(t *testing.T) {
	system := newSystem(t)
	seen := make(chan any, 1)
	c := adopted(t, system, nil, "gopher", func(ctx actor.Context) {
		if m, ok := ctx.Message().(string); ok {
			ctx.Respond(m)
		}
	}, nil, actor.WithReceiverMiddleware(func(next actor.ReceiverFunc) actor.ReceiverFunc {
		return func(ctx actor.ReceiverContext, envelope *actor.MessageEnvelope) {
			if m, ok := envelope.Message.(string); ok {
				seen <- m
			}
			next(ctx, envelope)
		}
	}))
	assert.Equal(t, "hello", result(t, actors.Request[string](t.Context(), system, c.PID(), "hello")))
	assert.Equal(t, "hello", <-seen)
	assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
}

// A system message may be on its way to an actor when that ends. Its thread, or the loop of
// its host, is not there to handle it.
func TestActorThatHasStoppedAnswersLateWatchers(t *testing.T) {
	if again() {
		return
	}
	for name, option := range map[string]func(w *window) props.Option{
		"goroutine": func(*window) props.Option { return props.Backend(props.Goroutine) },
		"thread":    func(*window) props.Option { return props.Backend(props.Thread) },
		"host":      func(w *window) props.Option { return props.HostedBy(w) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				w := newWindow()
				asCaller, err := actors.AsCaller(option(w))
				require.NoError(t, err)
				pid := system.Root.Spawn(actor.PropsFromFunc(puppet, asCaller))
				process, _ := system.ProcessRegistry.GetLocal(pid.GetId())
				c, _ := actors.Lookup(system, pid.GetId())
				c.Stop()
				w.settle()
				<-c.Stopped()
				synctest.Wait()

				ended := make(chan *actor.PID, 1)
				watcher := system.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
					if message, ok := ctx.Message().(*actor.Terminated); ok {
						ended <- message.Who
					}
				}))
				process.SendSystemMessage(pid, &actor.Watch{Watcher: watcher})
				synctest.Wait()
				assert.Len(t, ended, 1)
				assert.True(t, c.Idle())
				system.Root.Stop(watcher)
			})
		})
	}
}

func TestMustAsCallerPanicsWithTheErrorOfAnOption(t *testing.T) {
	assert.PanicsWithError(t, "actors: MustAsCaller: props: MaxWorkers(-1): must not be negative", func() {
		actors.MustAsCaller(props.MaxWorkers(-1))
	})
	assert.PanicsWithError(t, "actors: MustAsCaller: props: option 1 is nil", func() { actors.MustAsCaller(nil) })
	assert.NotNil(t, actors.MustAsCaller(props.MaxWorkers(1)))
}
