package actorstest_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// failing is a test that notes what fails in it.
type failing struct {
	*stand
	errors []string
}

func (f *failing) Errorf(format string, args ...any) {
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

// deaf is a host whose loop has ended.
type deaf struct{}

func (deaf) Post(func()) {}

func (deaf) Name() string { return "deaf" }

func TestTheEndOfATestSaysWhomItWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		never := func(ctx context.Context) (int, error) { <-release; return 0, nil }
		began := time.Now()
		tb := &failing{stand: newStand()}
		system := actorstest.NewSystem(tb)
		c, err := actors.Start(system, props.Name("busy"), props.StopTimeout(0))
		require.NoError(t, err)
		actors.CallSoon(t.Context(), c, never)
		synctest.Wait()
		tb.end()
		require.Len(t, tb.errors, 1)
		assert.Contains(t, tb.errors[0], `name="busy"`)
		assert.Contains(t, tb.errors[0], "TestTheEndOfATestSaysWhomItWaitsFor.func1.1")
		assert.Equal(t, time.Minute, time.Since(began).Truncate(time.Minute))
		close(release)
		<-c.Stopped()
	})
}

func TestTheEndOfATestDoesNotHangForAHostThatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tb := &failing{stand: newStand()}
		system := actorstest.NewSystem(tb)
		c, err := actors.New(system, props.HostedBy(deaf{}), props.StopTimeout(0))
		require.NoError(t, err)
		go func() { _ = c.Start() }()
		actors.CallSoon(t.Context(), c, func(context.Context) (int, error) { return 0, nil })
		synctest.Wait()
		tb.end() // it returns
	})
}

func TestEventsTellCallersOfOneNameApart(t *testing.T) {
	system := actorstest.NewSystem(t)
	events := actorstest.RecordEvents(t, system)
	for _, parent := range []string{"a", "b"} {
		p := actorstest.Start(t, system, props.Name(parent))
		child, err := p.Child(props.Name("child"))
		require.NoError(t, err)
		require.NoError(t, child.StopWait(t.Context()))
	}
	second := actorstest.ExpectEvent[supervision.Stopped](t.Context(), events, "b/child")
	first := actorstest.ExpectEvent[supervision.Stopped](t.Context(), events, "a/child")
	assert.NotEqual(t, first.Who, second.Who)
	assert.Contains(t, first.Who.GetId(), "a/child")
}

// A handler may end its goroutine, which is that of a delivery with some dispatchers.
func TestAHandlerThatEndsItsGoroutineDoesNotSilenceItsDirection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := actorstest.NewNetwork(t, actorstest.Delay(time.Millisecond, time.Millisecond))
		near, far := network.System("near"), network.System("far")
		var got []string
		to := far.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			if s, ok := ctx.Message().(*wrapperspb.StringValue); ok {
				got = append(got, s.GetValue())
				if s.GetValue() == "first" {
					runtime.Goexit()
				}
			}
		}, actor.WithDispatcher(actor.NewSynchronizedDispatcher(1)), actor.WithMailbox(fresh)))
		probe := actorstest.NewProbe(t, far)
		near.Root.Send(actor.NewPID("far", to.Id), wrapperspb.String("first"))
		near.Root.Send(actor.NewPID("far", probe.PID().Id), wrapperspb.String("second"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.Equal(t, "second", actorstest.Expect[*wrapperspb.StringValue](ctx, probe).GetValue())
		assert.Equal(t, []string{"first"}, got)
	})
}

// fresh is a mailbox that handles each message at once.
func fresh() actor.Mailbox { return &direct{} }

type direct struct{ invoker actor.MessageInvoker }

func (d *direct) PostUserMessage(message any)   { d.invoker.InvokeUserMessage(message) }
func (d *direct) PostSystemMessage(message any) { d.invoker.InvokeSystemMessage(message) }
func (d *direct) RegisterHandlers(invoker actor.MessageInvoker, _ actor.Dispatcher) {
	d.invoker = invoker
}
func (*direct) Start()                {}
func (*direct) UserMessageCount() int { return 0 }

func TestAPartitionEndsWithTheSystemThatItParts(t *testing.T) {
	for _, lasting := range []bool{false, true} {
		t.Run(fmt.Sprint("lasting ", lasting), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network := actorstest.NewNetwork(t)
				near := network.System("near")
				network.System("far")
				var opts []actorstest.PartitionOption
				if lasting {
					opts = append(opts, actorstest.Lasting())
				}
				network.Partition("near", "far", opts...)
				network.Crash("far")
				probe := actorstest.NewProbe(t, network.System("far"))
				near.Root.Send(actor.NewPID("far", probe.PID().Id), wrapperspb.String("news"))
				synctest.Wait()
				assert.Len(t, probe.Unread(), map[bool]int{false: 1, true: 0}[lasting])
			})
		})
	}
}
