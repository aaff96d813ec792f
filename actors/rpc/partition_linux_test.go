package rpc_test

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

// linkVariable is the name of the link between two namespaces that a process finds
// itself in.
const linkVariable = "RPC_TEST_LINK"

// link is two network namespaces and the cable between them.
type link struct{ name string }

func (l link) here() string  { return l.name + "-here" }
func (l link) there() string { return l.name + "-there" }

// namespacesVariable says that it is a failure where namespaces are not allowed, as in
// CI.
const namespacesVariable = "NETNS"

const (
	addressHere  = "10.99.0.1"
	addressThere = "10.99.0.2"
)

// newLink makes the namespaces, which go when the test ends. The test is skipped
// where that is not allowed.
func newLink(t *testing.T) link {
	l := link{"rpc-test-" + strconv.Itoa(os.Getpid())}
	if output, err := exec.Command("ip", "netns", "add", l.here()).CombinedOutput(); err != nil {
		require.Empty(t, os.Getenv(namespacesVariable), "ip netns add: %v: %s", err, output)
		t.Skipf("network namespaces are not allowed here (run as root, with iproute2; partitions in memory "+
			"are tested by TestCallWithAKeyGoesOnWhenAPartitionHeals): ip netns add: %v: %s", err, output)
	}
	t.Cleanup(func() { ip(t, "netns", "del", l.here()) })
	ip(t, "netns", "add", l.there())
	t.Cleanup(func() { ip(t, "netns", "del", l.there()) })
	ip(t, "-n", l.here(), "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", l.there())
	for namespace, address := range map[string]string{l.here(): addressHere, l.there(): addressThere} {
		ip(t, "-n", namespace, "address", "add", address+"/24", "dev", "cable")
		ip(t, "-n", namespace, "link", "set", "cable", "up")
		ip(t, "-n", namespace, "link", "set", "lo", "up")
	}
	return l
}

func (l link) cut(t *testing.T)  { ip(t, "-n", l.there(), "link", "set", "cable", "down") }
func (l link) heal(t *testing.T) { ip(t, "-n", l.there(), "link", "set", "cable", "up") }

func ip(t *testing.T, args ...string) {
	output, err := exec.Command("ip", args...).CombinedOutput()
	require.NoError(t, err, "ip %v: %s", args, output)
}

func TestPartitionBetweenNamespaces(t *testing.T) {
	if name := os.Getenv(linkVariable); name != "" {
		partition(t, link{name})
		return
	}
	l := newLink(t)
	alone(t, nil, "ip", "netns", "exec", l.here(), "env", linkVariable+"="+l.name)
}

// partition runs in the namespace here.
func partition(t *testing.T, l link) {
	// The connection is made anew with pauses that grow to many seconds.
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	system := listenAt(t, addressHere+":0")
	node := startNodeBy(t, exec.Command("ip", "netns", "exec", l.there(), os.Args[0]), addressThere+":0")
	echo := func(opts ...rpc.CallOption) *pending.Pending[string] {
		return rpc.Call[string, string](ctx, system, node.target, "echo", "x", opts...)
	}
	_, err := echo().Wait(ctx)
	require.NoError(t, err)
	var calls []*pending.Pending[int]
	for range 100 {
		calls = append(calls, rpc.Call[struct{}, int](ctx, system, node.target, "wait", struct{}{}))
	}

	l.cut(t)
	withKey := echo(rpc.Idempotent(""))
	bound, cancel := context.WithTimeout(ctx, 20*time.Second) // 15, and some for a machine that is busy
	defer cancel()
	for _, p := range calls {
		_, err := p.Wait(bound)
		require.ErrorIs(t, err, rpc.ErrNodeDown)
	}
	_, err = echo().Wait(ctx)
	require.ErrorIs(t, err, rpc.ErrNodeDown)
	assert.False(t, withKey.IsDone())

	l.heal(t)
	got, err := withKey.Wait(ctx)
	require.NoError(t, err)
	assert.Equal(t, "x", got)
	for {
		_, err := echo().Wait(ctx)
		if err == nil {
			break // calls without a key go on as well
		}
		require.ErrorIs(t, err, rpc.ErrNodeDown)
		pause(t)
	}
	assert.Zero(t, rpc.StatsOf(system).Open)
}
