package rpc_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// A node read messages of 257 MB from anybody, whatever its limit.
func TestMessagesLargerThanTheLimitAreNotReceived(t *testing.T) {
	for name, test := range map[string]struct {
		opts []rpc.Option
		code codes.Code
	}{
		"by default":           {nil, codes.ResourceExhausted},
		"with a smaller limit": {[]rpc.Option{rpc.MaxSize(1 << 20)}, codes.ResourceExhausted},
		"with a larger limit":  {[]rpc.Option{rpc.MaxSize(16 << 20)}, codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T) {
				system := listen(t, test.opts...)
				s := meet(t, system.Address(), freeAddress(t))
				err := s.send(batchOf(t, actor.NewPID("any", "nobody"), wrapperspb.String(strings.Repeat("x", 6<<20)), nil))
				assert.Equal(t, test.code, status.Code(err), err)
				if test.code != codes.OK {
					assert.Eventually(t, func() bool { return rpc.StatsOf(system).Denied == 1 }, time.Minute, time.Millisecond)
				}
			})
		})
	}
}

// protoactor packs what waits into one message, which would be larger than the limit.
func TestManyMessagesOfActorsTravelInParts(t *testing.T) {
	const messages, size = 300, 100 << 10
	alone(t, func(t *testing.T) {
		system := listen(t, rpc.MaxSize(1<<20))
		node := startNode(t, "127.0.0.1:0", sizeVariable+"="+strconv.Itoa(1<<20))
		echo, text := actor.NewPID(node.address, "echo"), strings.Repeat("x", size)
		var futures []*actor.Future
		for n := range messages {
			futures = append(futures, system.Root.RequestFuture(echo, wrapperspb.String(strconv.Itoa(n)+text), -1))
		}
		for n, future := range futures {
			answer, err := future.Result()
			require.NoError(t, err)
			require.Equal(t, strconv.Itoa(n)+text, answer.(*wrapperspb.StringValue).GetValue())
		}
	})
}

func TestAMessageOfAnActorThatIsTooLargeIsADeadLetter(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t, rpc.MaxSize(1<<20))
		node := startNode(t, "127.0.0.1:0", sizeVariable+"="+strconv.Itoa(1<<20))
		echo := actor.NewPID(node.address, "echo")
		_, err := system.Root.RequestFuture(echo, wrapperspb.String(strings.Repeat("x", 3<<20)), -1).Result()
		require.ErrorIs(t, err, actor.ErrDeadLetter)
		answer, err := system.Root.RequestFuture(echo, wrapperspb.String("x"), -1).Result()
		require.NoError(t, err, "the connection goes on")
		assert.Equal(t, "x", answer.(*wrapperspb.StringValue).GetValue())
	})
}
