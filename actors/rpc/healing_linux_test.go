package rpc_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/etcdtest"
)

// lan is a network of this process and three nodes, each in a namespace of its own.
type lan struct {
	bridge string
	subnet string // without its last number
}

// newLAN makes the network, which goes when the test ends. The test is skipped where that
// is not allowed.
func newLAN(t *testing.T) lan {
	n := os.Getpid() % 250
	l := lan{fmt.Sprint("rpclan", n), fmt.Sprintf("10.98.%d.", n)}
	if output, err := exec.Command("ip", "link", "add", l.bridge, "type", "bridge").CombinedOutput(); err != nil {
		require.Empty(t, os.Getenv(namespacesVariable), "ip link add: %v: %s", err, output)
		t.Skipf("networks are not allowed here (run as root, with iproute2): ip link add: %v: %s", err, output)
	}
	t.Cleanup(func() { ip(t, "link", "del", l.bridge) })
	ip(t, "address", "add", l.host(0)+"/24", "dev", l.bridge)
	ip(t, "link", "set", l.bridge, "up")
	for i := range 3 {
		ip(t, "netns", "add", l.namespace(i))
		t.Cleanup(func() { ip(t, "netns", "del", l.namespace(i)) })
		ip(t, "link", "add", l.cable(i), "type", "veth", "peer", "name", "eth0", "netns", l.namespace(i))
		ip(t, "link", "set", l.cable(i), "master", l.bridge, "up")
		ip(t, "-n", l.namespace(i), "address", "add", l.host(i+1)+"/24", "dev", "eth0")
		ip(t, "-n", l.namespace(i), "link", "set", "eth0", "up")
		ip(t, "-n", l.namespace(i), "link", "set", "lo", "up")
	}
	return l
}

// host returns the address of a node, or of this process for 0.
func (l lan) host(i int) string        { return l.subnet + strconv.Itoa(i+1) }
func (l lan) namespace(i int) string   { return l.bridge + "-" + strconv.Itoa(i) }
func (l lan) cable(i int) string       { return l.bridge + "c" + strconv.Itoa(i) }
func (l lan) cut(t *testing.T, i int)  { ip(t, "link", "set", l.cable(i), "down") }
func (l lan) mend(t *testing.T, i int) { ip(t, "link", "set", l.cable(i), "up") }

// newHealingIn starts a cluster in a network.
func newHealingIn(t *testing.T, l lan) *healing {
	h := &healing{T: t, system: listenAt(t, l.host(0)+":0"), etcd: etcdtest.StartOn(t, l.host(0))}
	h.command = func(i int) *exec.Cmd { return exec.Command("ip", "netns", "exec", l.namespace(i), os.Args[0]) }
	for i := range h.nodes {
		h.listen[i] = l.host(i+1) + ":4242"
	}
	h.startAll()
	return h
}

// A member that is cut off from etcd and from all others heals like the others.
func TestAMemberHealsAfterAPartition(t *testing.T) {
	alone(t, func(t *testing.T) {
		l := newLAN(t)
		h := newHealingIn(t, l)
		traffic := h.call()
		l.cut(t, 0)
		time.Sleep(faultLasts)
		l.mend(t, 0)
		healed := h.heals(time.Now())
		traffic.stop()
		h.check(traffic, healed)
	})
}

// Each identity is one register, and no write with an old fence is accepted. That
// holds whatever happens to the members, for as long as -rpc.soak says.
func TestIdentitiesAreRegisters(t *testing.T) {
	alone(t, func(t *testing.T) {
		l := newLAN(t)
		h := newHealingIn(t, l)
		registersUnderFaults(t, h, func(i int) { l.cut(t, i) }, func(i int) { l.mend(t, i) })
	})
}
