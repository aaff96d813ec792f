package rpc_test

import (
	"context"
	"slices"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/cluster/clusterproviders/test"
	"github.com/asynkron/protoactor-go/cluster/identitylookup/disthash"
	"github.com/asynkron/protoactor-go/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// protoactor's service of gRPC has methods that it does not implement: they panic.
func TestMethodsThatPanicInProtoactorAreRefused(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		node := startNode(t, "127.0.0.1:0")
		callMethods(t, node.address)
		got, err := rpc.Call[string, string](t.Context(), system, node.target, "echo", "x").Wait(t.Context())
		require.NoError(t, err, "the node lives")
		assert.Equal(t, "x", got)
	})
}

// A member refuses them whatever server options its remote is given besides, or instead.
func TestMethodsThatPanicInProtoactorAreRefusedByMembers(t *testing.T) {
	for name, change := range map[string]func(*remote.Config){
		"as it is": func(*remote.Config) {},
		"with more options": func(c *remote.Config) {
			c.ServerOptions = append(c.ServerOptions, ownInterceptors()...)
		},
		"with other options": func(c *remote.Config) { remote.WithServerOptions(ownInterceptors()...)(c) },
		"without options":    func(c *remote.Config) { c.ServerOptions = nil },
	} {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T) {
				system := actorstest.NewSystem(t)
				config, err := rpc.RemoteConfig(system, "127.0.0.1:0")
				require.NoError(t, err)
				change(config)
				joinWith(t, system, config)
				callMethods(t, system.Address())
			})
		})
	}
}

func TestJoiningWithServerOptionsThatClashIsAnError(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		config, err := rpc.RemoteConfig(system, "127.0.0.1:0")
		require.NoError(t, err)
		config.ServerOptions = slices.Concat(config.ServerOptions, ownInterceptors(), ownInterceptors())
		_, err = rpc.Join(system, clusterWith(system, config))
		require.ErrorContains(t, err, "interceptor was already set")
	})
}

func TestJoiningWithoutAConfigurationOfTheRemoteIsAnError(t *testing.T) {
	system := actorstest.NewSystem(t)
	_, err := rpc.Join(system, clusterWith(system, nil))
	require.EqualError(t, err, "rpc: join: the cluster has no configuration of its remote")
}

// joinWith starts a cluster of one node whose remote has that configuration.
func joinWith(t *testing.T, system *actor.ActorSystem, config *remote.Config) {
	leave, err := rpc.Join(system, clusterWith(system, config))
	require.NoError(t, err)
	t.Cleanup(func() { _ = leave(context.Background()) })
}

func clusterWith(system *actor.ActorSystem, config *remote.Config) *cluster.Cluster {
	provider := test.NewTestProvider(test.NewInMemAgent())
	return cluster.New(system, cluster.Configure("shop", provider, disthash.New(), config))
}

// ownInterceptors are those of a program, which let everything pass.
func ownInterceptors() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			return handler(ctx, req)
		}),
		grpc.StreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			return handler(srv, stream)
		}),
	}
}

// callMethods calls each method of protoactor's service that is not implemented.
func callMethods(t *testing.T, address string) {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer func() { assert.NoError(t, conn.Close()) }()
	for _, method := range remote.Remoting_ServiceDesc.Methods {
		err := conn.Invoke(t.Context(), "/"+remote.Remoting_ServiceDesc.ServiceName+"/"+method.MethodName,
			&remote.ListProcessesRequest{}, &remote.ListProcessesResponse{})
		assert.Equal(t, codes.Unimplemented, status.Code(err), "%s: %v", method.MethodName, err)
	}
}
