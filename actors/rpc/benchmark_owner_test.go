package rpc_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/asynkron/protoactor-go/cluster/clusterproviders/test"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/etcdcluster"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/etcdtest"
)

// BenchmarkActivation has identities called for the first time, one after the other, and one
// that is alive. It does so without owners, and with owners in an etcd on this machine.
func BenchmarkActivation(b *testing.B) {
	client := etcdClient(b, etcdtest.Start(b).Address)
	for name, opts := range map[string][]rpc.Option{
		"without owners": nil,
		"owners in etcd": {rpc.SingleOwner(etcdcluster.NewOwners(client, "/owners"))},
	} {
		system := actorstest.NewSystem(b)
		require.NoError(b, handleCarts(system))
		c, leave := joinAgent(b, system, test.NewInMemAgent(), opts, kindOf(b, system, "cart", newCart))
		whose := func(b *testing.B, id string) {
			_, err := rpc.Call[struct{}, string](b.Context(), system, rpc.Identity(c, "cart", id), "whose", struct{}{}).Wait(b.Context())
			require.NoError(b, err)
		}
		n := 0
		b.Run(name+", first call", func(b *testing.B) {
			for b.Loop() {
				n++
				whose(b, strconv.Itoa(n))
			}
		})
		b.Run(name+", alive", func(b *testing.B) {
			for b.Loop() {
				whose(b, "1")
			}
		})
		require.NoError(b, leave(context.Background()))
	}
}
