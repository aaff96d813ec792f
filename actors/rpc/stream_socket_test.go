package rpc_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

func TestStreamsOverSockets(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		node := startNode(t, "127.0.0.1:0")
		n := 0
		for b, err := range rpc.Stream[int, *wrapperspb.BytesValue](
			t.Context(), system, node.target, "megabytes", 64, rpc.Window(4)) {
			require.NoError(t, err)
			require.True(t, bytes.Equal(b.GetValue(), bytes.Repeat([]byte{byte(n)}, 1<<20)), n)
			n++
		}
		assert.Equal(t, 64, n)

		got, err := collect(rpc.Stream[int, int](t.Context(), system, node.target, "count", 10_000))
		require.NoError(t, err)
		assert.Equal(t, numbersTo(10_000), got)

		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		for _, err := range rpc.Stream[int, int](ctx, system, node.target, "count", 1<<60) {
			if err != nil {
				require.ErrorIs(t, err, errSoldOut)
				break
			}
			cancel(errSoldOut)
		}

		for i, err := range rpc.Stream[int, int](t.Context(), system, node.target, "count", 1<<60) {
			switch {
			case err != nil:
				require.ErrorIs(t, err, rpc.ErrNodeDown)
			case i == 1000:
				node.kill(t)
			}
		}
		assert.Zero(t, rpc.StatsOf(system))
	})
}
