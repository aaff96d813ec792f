package rpc_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// Those who call a node do not keep without limit what it does not take. That holds
// even if nobody waits for it any more.
func TestNodeThatTakesNothing(t *testing.T) {
	alone(t, func(t *testing.T) {
		const limit = 8 * megabyte
		system := listen(t, rpc.MaxOpenBytes(limit))
		node := startNode(t, "127.0.0.1:0")
		call := func(d time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			_, err := echoBytes(ctx, system, node, make([]byte, megabyte)).Wait(ctx)
			return err
		}
		require.NoError(t, call(time.Minute))

		before := memory().HeapAlloc
		require.NoError(t, node.Process.Signal(syscall.SIGSTOP))
		calls := 0
		for err := error(nil); !errors.Is(err, rpc.ErrNodeDown); calls++ {
			err = call(10 * time.Millisecond)
			require.Error(t, err)
			if calls == 100 {
				released(t, before+3*limit) // of 100 MB
			}
		}
		assert.Greater(t, calls, 100, "it takes some seconds to find out")
		assert.Zero(t, rpc.StatsOf(system).OpenBytes)

		require.NoError(t, node.Process.Signal(syscall.SIGCONT))
		for call(time.Minute) != nil {
			pause(t)
		}
	})
}
