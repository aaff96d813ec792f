package rpc

import (
	"context"
	"io"
	"slices"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
)

// newGuards returns the server options that keep requests from ending the process.
// Programs may set interceptors of their own besides, so these are chained.
func (n *node) newGuards() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(n.gate.refuse), grpc.ChainStreamInterceptor(n.gate.admit)}
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

// sendStream has the backlog learn of what a connection takes.
func (n *node) sendStream(
	ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := streamer(ctx, desc, cc, method, opts...)
	if err != nil {
		return nil, err
	}
	return &departures{ClientStream: stream, backlog: &n.backlog}, nil
}

// departures are the messages that are sent over a connection.
type departures struct {
	grpc.ClientStream
	backlog *backlog
	closed  atomic.Bool // by this side
	failed  atomic.Bool // before that
}

// CloseSend implements [grpc.ClientStream]. It is the first thing that protoactor does
// when it closes a connection, as it does when it could not send a message.
func (d *departures) CloseSend() error {
	d.closed.Store(true)
	return d.ClientStream.CloseSend()
}

// RecvMsg implements [grpc.ClientStream]. A connection that this side has closed has
// ended in an orderly way. protoactor would take it for lost, and close the next one to
// the same address, if there is one by then, and so on without end.
func (d *departures) RecvMsg(message any) error {
	err := d.ClientStream.RecvMsg(message)
	if err != nil && d.closed.Load() && !d.failed.Load() {
		return io.EOF
	}
	return err
}

// SendMsg implements [grpc.ClientStream]. It waits until there is room for the message.
func (d *departures) SendMsg(message any) error {
	err := d.ClientStream.SendMsg(message)
	if err != nil {
		d.failed.Store(true)
	}
	if m, ok := message.(*remote.RemoteMessage); ok {
		for _, bundle := range bundlesIn(m.GetMessageBatch()) {
			d.backlog.sent(bundle)
		}
	}
	return err
}
