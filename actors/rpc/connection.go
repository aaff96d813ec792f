package rpc

import (
	"context"
	"log/slog"
	"runtime/debug"
	"slices"

	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// newGuards returns the server options that keep requests from ending the process.
// Programs may set interceptors of their own besides, so these are chained.
func (n *node) newGuards() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(refuse), grpc.ChainStreamInterceptor(n.receiveStream)}
}

// withGuards returns server options with those guards that they lack.
func (n *node) withGuards(options []grpc.ServerOption) []grpc.ServerOption {
	var lacking []grpc.ServerOption
	for _, guard := range n.guards {
		if !slices.Contains(options, guard) {
			lacking = append(lacking, guard)
		}
	}
	return slices.Concat(lacking, options)
}

// refuse refuses the methods of protoactor's service that are no streams. protoactor
// has not implemented them: they panic, on a goroutine of gRPC.
func refuse(_ context.Context, _ any, info *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
	return nil, status.Errorf(grpccodes.Unimplemented, "rpc: %s is not implemented", info.FullMethod)
}

// receiveStream has a connection end, and not the process, where protoactor
// panics, as it does for a message of a type that this program does not have.
func (n *node) receiveStream(
	srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler,
) (err error) {
	defer func() {
		if r := recover(); r != nil {
			n.log().Error("rpc: connection cut",
				slog.Any("panic", r), slog.String("stack", string(debug.Stack())))
			err = status.Errorf(grpccodes.InvalidArgument, "rpc: %v", r)
		}
	}()
	return handler(srv, &arrivals{stream, n})
}

// arrivals are the messages that come over a connection. All of them are for this
// node, whatever name their sender has for it: protoactor would send those on for
// which it has another one, to itself, for ever.
type arrivals struct {
	grpc.ServerStream
	node *node
}

// RecvMsg implements [grpc.ServerStream].
func (a *arrivals) RecvMsg(message any) error {
	if err := a.ServerStream.RecvMsg(message); err != nil {
		return err
	}
	if m, ok := message.(*remote.RemoteMessage); ok {
		for _, target := range m.GetMessageBatch().GetTargets() {
			target.Address = a.node.system.Address()
		}
	}
	return nil
}
