package actorstest_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// ask returns what comes back from the echo of another system.
func ask(ctx context.Context, system *actor.ActorSystem, address string) (string, error) {
	answer, err := actors.Request[*wrapperspb.StringValue](ctx, system, actor.NewPID(address, "echo"),
		wrapperspb.String("hello")).Wait(ctx)
	return answer.GetValue(), err
}

// echoing adds a system with an echo to a network.
func echoing(t *testing.T, network *actorstest.Network, name string) *actor.ActorSystem {
	t.Helper()
	system := network.System(name)
	_, err := system.Root.SpawnNamed(actor.PropsFromFunc(echo), "echo")
	require.NoError(t, err)
	return system
}

// soon is a context that ends after a minute of a bubble.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestPartitionLosesMessagesUntilItHeals(t *testing.T) {
	for name, delay := range map[string]time.Duration{"at once": 0, "with a delay": time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := actorstest.NewNetwork(t, actorstest.Delay(delay, delay))
				here := echoing(t, network, "here")
				there := echoing(t, network, "there")
				echoing(t, network, "elsewhere")

				network.Partition("there", "here")
				_, err := ask(soon(t), here, "there")
				require.ErrorIs(t, err, context.DeadlineExceeded)
				_, err = ask(soon(t), there, "here")
				require.ErrorIs(t, err, context.DeadlineExceeded)
				answer, err := ask(soon(t), here, "elsewhere")
				require.NoError(t, err)
				assert.Equal(t, "hello", answer)

				network.Heal("here", "there")
				answer, err = ask(soon(t), here, "there")
				require.NoError(t, err)
				assert.Equal(t, "hello", answer)
			})
		})
	}
}

func TestPartitionAndCrashLoseWhatIsUnderWay(t *testing.T) {
	for name, fail := range map[string]func(*actorstest.Network){
		"partition": func(n *actorstest.Network) { n.Partition("here", "there") },
		"crash":     func(n *actorstest.Network) { n.Crash("there") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := actorstest.NewNetwork(t, actorstest.Delay(time.Second, time.Second))
				here := echoing(t, network, "here")
				echoing(t, network, "there")
				time.AfterFunc(1500*time.Millisecond, func() { fail(network) }) // when the answer is under way

				_, err := ask(soon(t), here, "there")

				assert.ErrorIs(t, err, context.DeadlineExceeded)
			})
		})
	}
}

func TestCrashStopsTheCallersOfTheSystem(t *testing.T) {
	network := actorstest.NewNetwork(t)
	system := network.System("there")
	c := actorstest.Start(t, system, props.Protected())
	running := actors.CallSoon(t.Context(), c, func(ctx context.Context) (any, error) {
		return nil, actors.Sleep(ctx, time.Hour)
	})

	network.Crash("there")

	_, err := running.Wait(t.Context())
	require.ErrorIs(t, err, pending.ErrStopped)
	<-c.Stopped()
}

func TestCrashIsToldToTheOthers(t *testing.T) {
	network := actorstest.NewNetwork(t)
	here, there := network.System("here"), network.System("there")
	network.System("elsewhere")
	var events []any
	here.EventStream.Subscribe(func(event any) {
		if down, ok := event.(interface{ DownAddress() string }); ok {
			events = append(events, down)
		}
	})
	there.EventStream.Subscribe(func(event any) { assert.NotEqual(t, actorstest.NodeDown{Address: "there"}, event) })

	network.Crash("elsewhere")
	network.Crash("there")

	assert.Equal(t, []any{
		actorstest.NodeDown{Address: "elsewhere"}, actorstest.NodeDown{Address: "there"},
	}, events)
}

func TestCrashEndsWhatIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := actorstest.NewNetwork(t)
		here, there := network.System("here"), network.System("there")
		watched, forgotten := actorstest.NewProbe(t, there), actorstest.NewProbe(t, there)
		watcher := actorstest.NewProbe(t, here)
		watcher.Watch(actor.NewPID("there", watched.PID().Id))
		here.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case *actor.Started:
				ctx.Watch(actor.NewPID("there", forgotten.PID().Id))
				ctx.Unwatch(actor.NewPID("there", forgotten.PID().Id))
			case *actor.Terminated:
				t.Error("told to one that does not watch any more")
			}
		}))
		synctest.Wait()

		network.Crash("there")
		synctest.Wait()

		terminated := actorstest.Expect[*actor.Terminated](t.Context(), watcher)
		assert.Equal(t, watched.PID().Id, terminated.Who.Id)
		assert.Equal(t, actor.TerminatedReason_AddressTerminated, terminated.Why)
		assert.Empty(t, watcher.Unread())
	})
}

func TestCrashedSystemIsCutOff(t *testing.T) {
	network := actorstest.NewNetwork(t)
	here, there := echoing(t, network, "here"), echoing(t, network, "there")
	network.Crash("there")

	_, err := ask(t.Context(), here, "there")
	require.ErrorIs(t, err, actor.ErrDeadLetter)
	_, err = ask(t.Context(), there, "here")
	require.ErrorIs(t, err, actor.ErrDeadLetter)

	again := echoing(t, network, "there")
	answer, err := ask(t.Context(), here, "there")
	require.NoError(t, err)
	assert.Equal(t, "hello", answer)
	_, err = ask(t.Context(), again, "here")
	require.NoError(t, err)
	_, err = ask(t.Context(), there, "here") // the old one is still cut off
	assert.ErrorIs(t, err, actor.ErrDeadLetter)
}

func TestTerminatedIsToldOnceInSpiteOfDuplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := actorstest.NewNetwork(t, actorstest.Duplication(1))
		here, there := network.System("here"), network.System("there")
		far := there.Root.Spawn(actor.PropsFromFunc(echo))
		told := 0
		here.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case *actor.Started:
				ctx.Watch(actor.NewPID("there", far.Id))
			case *actor.Terminated:
				told++
			}
		}))
		synctest.Wait()

		there.Root.Stop(far)
		synctest.Wait()
		network.Crash("there")
		synctest.Wait()

		assert.Equal(t, 1, told)
	})
}

func TestNetworkWorksAgainAfterFailuresAmidTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := actorstest.NewNetwork(t, actorstest.Delay(0, time.Second), actorstest.Reorder(),
			actorstest.Loss(0.1), actorstest.Duplication(0.1))
		here := echoing(t, network, "here")
		echoing(t, network, "there")
		var traffic sync.WaitGroup
		for range 20 {
			traffic.Go(func() {
				for range 20 {
					ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
					_, _ = ask(ctx, here, "there")
					cancel()
				}
			})
		}
		for range 5 {
			time.Sleep(time.Second)
			network.Partition("here", "there")
			time.Sleep(time.Second)
			network.Heal("here", "there")
			network.Crash("there")
			echoing(t, network, "there")
		}
		traffic.Wait()

		answered := 0
		for range 20 {
			if _, err := ask(soon(t), here, "there"); err == nil {
				answered++
			}
		}
		assert.Greater(t, answered, 10)
	})
}

func TestWrongNamesFailTheTest(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(*actorstest.Network)
		want string
	}{
		"taken": {func(n *actorstest.Network) { n.System("here") }, `actorstest: there is a system "here" already`},
		"none": {
			func(n *actorstest.Network) { n.System("") },
			`actorstest: "" is no name for a system: it means the system itself`,
		},
		"local": {
			func(n *actorstest.Network) { n.System("nonhost") },
			`actorstest: "nonhost" is no name for a system: it means the system itself`,
		},
		"crash":     {func(n *actorstest.Network) { n.Crash("x") }, `actorstest: there is no system "x"`},
		"partition": {func(n *actorstest.Network) { n.Partition("here", "x") }, `actorstest: there is no system "x"`},
		"heal":      {func(n *actorstest.Network) { n.Heal("here", "x") }, `actorstest: the systems "here" and "x" are not partitioned`},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, fatal(t, func(tb testing.TB) {
				n := actorstest.NewNetwork(tb)
				n.System("here")
				test.do(n)
			}))
		})
	}
}
