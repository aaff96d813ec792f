package rpc_test

import (
	"net"
	"slices"
	"testing"

	"github.com/asynkron/protoactor-go/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// unspecified are addresses to listen at that other nodes cannot connect to.
var unspecified = []string{":0", "0.0.0.0:0", "[::]:0", "[::ffff:0.0.0.0]:0", "[::%lo]:0"}

// Calls would go out and their answers would not come back.
func TestStartingWhereNobodyCanConnectIsAnError(t *testing.T) {
	addresses := unspecified
	if ip, err := net.ResolveIPAddr("ip", "0"); err == nil && ip.IP.IsUnspecified() { // on most machines
		addresses = append(slices.Clip(addresses), "0:0")
	}
	for _, address := range addresses {
		t.Run(address, func(t *testing.T) {
			system := actorstest.NewSystem(t)
			before := system.Address()
			_, err := rpc.Start(system, address)
			require.ErrorContains(t, err, "rpc: start: other nodes cannot connect to "+address)
			require.ErrorContains(t, err, "rpc.Advertised")
			assert.Equal(t, before, system.Address(), "it does not listen")
			_, err = rpc.RemoteConfig(system, address)
			require.ErrorContains(t, err, "other nodes cannot connect to "+address)
		})
	}
}

func TestJoiningWhereNobodyCanConnectIsAnError(t *testing.T) {
	for name, config := range map[string]*remote.Config{
		"no host":       remote.Configure("", 0),
		"all of IPv4":   remote.Configure("0.0.0.0", 0),
		"all of IPv6":   remote.Configure("[::]", 0),
		"no advertised": remote.Configure("127.0.0.1", 0, remote.WithAdvertisedHost("0.0.0.0:4242")),
	} {
		t.Run(name, func(t *testing.T) {
			system := actorstest.NewSystem(t)
			_, err := rpc.Join(system, clusterWith(system, config))
			require.ErrorContains(t, err, "rpc: join: other nodes cannot connect to")
		})
	}
}

func TestListeningAnywhereUnderAnAdvertisedAddress(t *testing.T) {
	for _, host := range []string{"", "0.0.0.0", "::", "127.0.0.1"} {
		t.Run(host, func(t *testing.T) {
			alone(t, func(t *testing.T) {
				address := freeAddress(t)
				_, port, err := net.SplitHostPort(address)
				require.NoError(t, err)
				system := listenAt(t, net.JoinHostPort(host, port), rpc.Advertised(address))
				assert.Equal(t, address, system.Address())
				node := startNode(t, "127.0.0.1:0")
				got, err := rpc.Call[string, string](t.Context(), system, node.target, "echo", "x").Wait(t.Context())
				require.NoError(t, err)
				assert.Equal(t, "x", got)
			})
		})
	}
}

func TestNodesOfIPv6(t *testing.T) {
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skipf("needs an address of IPv6 on this machine: %v", err)
	} else {
		require.NoError(t, l.Close())
	}
	alone(t, func(t *testing.T) {
		system := listenAt(t, "[::1]:0")
		node := startNode(t, "[::1]:0")
		got, err := rpc.Call[string, string](t.Context(), system, node.target, "echo", "x").Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "x", got)
	})
}
