package rpc_test

import (
	"bytes"
	"context"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

const (
	megabyte = 1 << 20
	large    = 64 * megabyte
)

func TestSizesThatAreCarriedOverSockets(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t, rpc.MaxSize(sizeOfNodes))
		node := startNode(t, "127.0.0.1:0")
		for _, size := range []int{0, 1, megabyte, large} {
			data := bytes.Repeat([]byte{7}, size)
			got, err := echoBytes(t.Context(), system, node, data).Wait(t.Context())
			require.NoError(t, err)
			assert.True(t, bytes.Equal(data, got.GetValue()), size)
		}
	})
}

// A side that takes less refuses what is larger, whichever way it goes, and the
// connection goes on.
func TestSizesThatAreRefusedOverSockets(t *testing.T) {
	for name, test := range map[string]struct {
		here, there      int
		argument, result string // why each is refused
	}{
		"here":  {rpc.DefaultMaxSize, sizeOfNodes, "may be sent", "may be received"},
		"there": {sizeOfNodes, rpc.DefaultMaxSize, "may be received", "may be sent"},
	} {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T) {
				system := listen(t, rpc.MaxSize(test.here))
				node := startNode(t, "127.0.0.1:0", sizeVariable+"="+strconv.Itoa(test.there))
				for _, size := range []int{rpc.DefaultMaxSize, large} {
					_, err := echoBytes(t.Context(), system, node, make([]byte, size)).Wait(t.Context())
					require.ErrorIs(t, err, rpc.ErrTooLarge)
					require.ErrorContains(t, err, test.argument)
					err = failure[string](t, system, node.target, "repeat", size)
					require.ErrorIs(t, err, rpc.ErrTooLarge)
					require.ErrorContains(t, err, test.result)
				}
				for _, size := range []int{1, megabyte} {
					got, err := echoBytes(t.Context(), system, node, make([]byte, size)).Wait(t.Context())
					require.NoError(t, err)
					assert.Len(t, got.GetValue(), size)
				}
			})
		})
	}
}

// Many are sent and answered at a time, in all far more than gRPC takes in one
// message. With the race detector each byte costs more than the rest: a thousand of
// 1 MB would take a minute.
func TestManyAtOnceOverSockets(t *testing.T) {
	for name, test := range map[string]struct{ calls, size int }{
		"1 byte": {1000, 1}, "100 KB": {1000, 100 << 10}, "1 MB": {300, megabyte},
	} {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T) {
				system := listen(t)
				node := startNode(t, "127.0.0.1:0")
				before := memory()
				callAtOnce(t, system, node, test.calls, bytes.Repeat([]byte{7}, test.size))
				assert.Zero(t, rpc.StatsOf(system))
				released(t, before.HeapAlloc+50*megabyte)
			})
		})
	}
}

func callAtOnce(t *testing.T, system *actor.ActorSystem, node *other, n int, data []byte) {
	calls := make([]*pending.Pending[*wrapperspb.BytesValue], n)
	for n := range calls {
		calls[n] = echoBytes(t.Context(), system, node, data)
	}
	for n, p := range calls {
		got, err := p.Wait(t.Context())
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got.GetValue()))
		calls[n] = nil // with its result
	}
}

// released waits until no more than so many bytes are in use. On a busy machine a goroutine
// of gRPC or protoactor may still have a message that it has passed on.
func released(t *testing.T, limit uint64) {
	t.Helper()
	require.Eventually(t, func() bool { return memory().HeapAlloc < limit }, 30*time.Second, 10*time.Millisecond,
		"nothing of it is kept")
}

func memory() (m runtime.MemStats) {
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}

// echoBytes sends bytes to a node and back, as they are.
func echoBytes(
	ctx context.Context, system *actor.ActorSystem, node *other, data []byte,
) *pending.Pending[*wrapperspb.BytesValue] {
	return rpc.Call[*wrapperspb.BytesValue, *wrapperspb.BytesValue](
		ctx, system, node.target, "echo bytes", wrapperspb.Bytes(data))
}
