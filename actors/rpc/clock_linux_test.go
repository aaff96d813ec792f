package rpc_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// The clocks of two nodes have nothing in common but their pace. The wall clock of a single
// process cannot be set; see TestNothingDependsOnTheWallClock.
func TestNodesWhoseClocksDiffer(t *testing.T) {
	if output, err := exec.Command("unshare", "--time", "--monotonic", "1", "true").CombinedOutput(); err != nil {
		require.Empty(t, os.Getenv(namespacesVariable), "unshare --time: %v: %s", err, output)
		t.Skipf("time namespaces are not allowed here (run as root, with util-linux): unshare --time: %v: %s", err, output)
	}
	alone(t, func(t *testing.T) {
		system := listen(t)
		for _, ahead := range []string{"1000000", "100000000"} { // seconds
			node := startNodeBy(t, exec.Command("unshare", "--time", "--monotonic", ahead, "--boottime", ahead, os.Args[0]), "127.0.0.1:0")
			require.NoError(t, echoAt(t.Context(), system, node.address))

			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			left, err := rpc.Call[struct{}, time.Duration](ctx, system, node.target, "deadline", struct{}{}).Wait(ctx)
			cancel()
			require.NoError(t, err)
			assert.LessOrEqual(t, left, time.Hour)
			assert.Greater(t, left, 50*time.Minute)

			ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
			_, err = rpc.Call[struct{}, int](ctx, system, node.target, "wait", struct{}{}).Wait(t.Context())
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			got, err := collect(rpc.Stream[int, int](t.Context(), system, node.target, "count", 100, rpc.Window(3)))
			require.NoError(t, err)
			assert.Len(t, got, 100)
			node.leave(t)
		}
	})
}
