package rpc

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
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

// sendStream watches the streams of protoactor's remote to other nodes.
func (n *node) sendStream(
	ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := streamer(ctx, desc, cc, method, opts...)
	if err != nil || method != receiveMethod {
		return stream, err
	}
	return &departures{ClientStream: stream, node: n}, nil
}

// departures are the messages of protoactor's remote that are sent over a connection.
type departures struct {
	grpc.ClientStream
	node   *node
	closed atomic.Bool // by this side
	failed atomic.Bool // before that
}

// CloseSend implements [grpc.ClientStream]. protoactor calls it first when it closes a
// connection, also after it could not send a message.
func (d *departures) CloseSend() error {
	d.closed.Store(true)
	return d.ClientStream.CloseSend()
}

// RecvMsg implements [grpc.ClientStream]. A connection that this side has closed has
// ended in an orderly way. protoactor would take it for lost, and close a later
// connection to the same address. That would go on without end.
func (d *departures) RecvMsg(message any) error {
	err := d.ClientStream.RecvMsg(message)
	if err != nil && d.closed.Load() && !d.failed.Load() {
		return io.EOF
	}
	return err
}

// SendMsg implements [grpc.ClientStream]. What protoactor has packed into one message goes
// in several if it is large: a node takes no message of gRPC that is much larger than its
// [MaxSize]. A message of an actor that no part has room for is left out.
func (d *departures) SendMsg(message any) error {
	m, ok := message.(*remote.RemoteMessage)
	if !ok || m.GetMessageBatch() == nil || proto.Size(m) <= overhead/2 {
		return d.send(message)
	}
	batch := m.GetMessageBatch()
	names := &remote.MessageBatch{TypeNames: batch.GetTypeNames(), Targets: batch.GetTargets(), Senders: batch.GetSenders()}
	room, largest := overhead/2-proto.Size(names), d.node.receiveLimit()-overhead/2
	all := batch.GetEnvelopes()
	for len(all) > 0 {
		if proto.Size(all[0]) > largest {
			d.node.leaveOut(batch, all[0])
			all = all[1:]
			continue
		}
		n := fitMessage(all, room)
		part := &remote.MessageBatch{
			TypeNames: batch.GetTypeNames(), Targets: batch.GetTargets(), Senders: batch.GetSenders(), Envelopes: all[:n],
		}
		if err := d.send(&remote.RemoteMessage{MessageType: &remote.RemoteMessage_MessageBatch{MessageBatch: part}}); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

func (d *departures) send(message any) error {
	err := d.ClientStream.SendMsg(message)
	if err != nil {
		d.failed.Store(true)
	}
	return err
}

// fitMessage returns how many of the envelopes go in one message, which has room for so
// many bytes of them: at least one.
func fitMessage(all []*remote.MessageEnvelope, room int) int {
	bytes := 0
	for i, e := range all {
		if bytes += 1 + protowire.SizeBytes(proto.Size(e)); i > 0 && bytes > room {
			return i
		}
	}
	return len(all)
}

// leaveOut makes a dead letter of a message of an actor that no node would receive. Whoever
// waits for an answer is notified.
func (n *node) leaveOut(batch *remote.MessageBatch, e *remote.MessageEnvelope) {
	target := batch.GetTargets()[e.GetTarget()]
	n.log().Error("rpc: message not sent, it is too large", slog.Any("target", target),
		slog.String("type", batch.GetTypeNames()[e.GetTypeId()]), slog.Int("bytes", len(e.GetMessageData())))
	dead := &actor.DeadLetterEvent{
		PID: target, Message: fmt.Errorf("%w: message with %d bytes", ErrTooLarge, len(e.GetMessageData())),
	}
	if e.GetSender() > 0 {
		sender := batch.GetSenders()[e.GetSender()-1]
		dead.Sender = &actor.PID{Address: sender.GetAddress(), Id: sender.GetId(), RequestId: e.GetSenderRequestId()}
	}
	n.system.EventStream.Publish(dead)
}
