package rpc

import (
	"context"
	"errors"
	"net"
	"time"

	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // what protoactor's messages are encoded with
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/transport"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/session"
)

// sessionMethod is the method of gRPC whose streams are sessions.
const sessionMethod = "/protocaller.rpc.Sessions/Connect"

// streamWindow is how much of a session gRPC has under way at a time, each way, in bytes.
const streamWindow = 1 << 20

// batchCodec has batches travel as they are, and all other messages as ever.
type batchCodec struct{}

// outboundBatch is a batch that is sent.
type outboundBatch struct{ head, tail []byte }

// inboundBatch is a batch that has come.
type inboundBatch struct{ data mem.BufferSlice }

// Name implements [encoding.CodecV2]. It is the one of messages of protobuf, which is
// what the others are.
func (batchCodec) Name() string { return "proto" }

// Marshal implements [encoding.CodecV2].
func (batchCodec) Marshal(message any) (mem.BufferSlice, error) {
	b, ok := message.(*outboundBatch)
	if !ok {
		return encoding.GetCodecV2("proto").Marshal(message)
	}
	head := b.head
	data := mem.BufferSlice{mem.NewBuffer(&head, headPool{})}
	if len(b.tail) > 0 {
		data = append(data, mem.SliceBuffer(b.tail))
	}
	return data, nil
}

// Unmarshal implements [encoding.CodecV2].
func (batchCodec) Unmarshal(data mem.BufferSlice, message any) error {
	b, ok := message.(*inboundBatch)
	if !ok {
		return encoding.GetCodecV2("proto").Unmarshal(data, message)
	}
	data.Ref()
	b.data = data
	return nil
}

// headPool takes back the memory of batches that gRPC has sent.
type headPool struct{}

// Get implements [mem.BufferPool].
func (headPool) Get(length int) *[]byte {
	b := make([]byte, length)
	return &b
}

// Put implements [mem.BufferPool].
func (headPool) Put(b *[]byte) { session.Release(*b) }

// grpcConn is one end of a session over gRPC.
type grpcConn struct {
	stream interface {
		SendMsg(message any) error
		RecvMsg(message any) error
	}
	origin
	end   func()
	last  inboundBatch // that was received last
	parts [][]byte     // of it
}

var _ transport.Conn = (*grpcConn)(nil)

// Send implements [transport.Conn].
func (c *grpcConn) Send(head, tail []byte) error {
	return c.stream.SendMsg(&outboundBatch{head, tail})
}

// Recv implements [transport.Conn].
func (c *grpcConn) Recv() ([][]byte, error) {
	c.last.data.Free()
	c.last.data = nil
	if err := c.stream.RecvMsg(&c.last); err != nil {
		return nil, err
	}
	c.parts = c.parts[:0]
	for _, buffer := range c.last.data {
		c.parts = append(c.parts, buffer.ReadOnlyData())
	}
	return c.parts, nil
}

// End implements [transport.Conn].
func (c *grpcConn) End() { c.end() }

// dialGRPC connects to the node at an address.
func (n *node) dialGRPC(ctx context.Context, address string) (transport.Conn, error) {
	options := append(n.sessionOptions(), n.dialing()...)
	options = append(options, grpc.WithDefaultCallOptions(grpc.ForceCodecV2(batchCodec{})))
	client, err := grpc.NewClient("passthrough:///"+address, options...)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, end)
	stream, err := client.NewStream(life, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, sessionMethod)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		end()
		_ = client.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	return &grpcConn{stream: stream, end: func() {
		end()
		_ = client.Close()
	}}, nil
}

// sessionOptions are those of the connections of sessions. Each session has one of its
// own, which nothing has to wait for when it is made anew.
func (n *node) sessionOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			dialer := net.Dialer{Timeout: dialTimeout}
			return dialer.DialContext(ctx, "tcp", address)
		}),
		grpc.WithInitialWindowSize(streamWindow),
		grpc.WithInitialConnWindowSize(streamWindow),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
		grpc.WithIdleTimeout(0),
	}
}

// sessionServer returns the server options that take sessions. They are the last ones, as
// the last of their kind counts.
func (n *node) sessionServer() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.UnknownServiceHandler(n.serveStream), grpc.ForceServerCodecV2(batchCodec{})}
}

// serveStream serves the streams of gRPC that are for no service: sessions.
func (n *node) serveStream(_ any, stream grpc.ServerStream) error {
	if method, _ := grpc.MethodFromServerStream(stream); method != sessionMethod {
		return status.Errorf(grpccodes.Unimplemented, "rpc: %s is not implemented", method)
	}
	ended := make(chan struct{})
	done := make(chan struct{}, 1)
	conn := &grpcConn{stream: stream, origin: originOf(stream.Context()), end: func() {
		select {
		case done <- struct{}{}:
		default:
		}
	}}
	go func() {
		defer close(ended)
		n.serveConn(conn)
	}()
	select {
	case <-done:
		return status.Error(grpccodes.Aborted, errSessionOver.Error())
	case <-ended:
		return nil
	case <-stream.Context().Done():
		return status.FromContextError(stream.Context().Err()).Err()
	}
}

var errNoConnection = errors.New("rpc: no connection within 5 seconds")

var errSessionOver = errors.New("rpc: the session has ended")

// dialTimeout is how long it may take to connect to a node.
const dialTimeout = 5 * time.Second
