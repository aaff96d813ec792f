package rpc

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	// firstMessageTime is how long a peer may take to say who it is, once it has opened a
	// stream.
	firstMessageTime = 10 * time.Second
	// longestAddress is how many bytes the address of a node has at most.
	longestAddress = 512
)

// receiveMethod is the only method of protoactor's service that is implemented.
var receiveMethod = "/" + remote.Remoting_ServiceDesc.ServiceName + "/Receive"

// gate stands before protoactor's remote. It looks at every message that comes from
// outside, and discards what nobody outside may send. See THREATS.md.
type gate struct {
	node      *node
	listening sync.Once // to the events of the system
	addresses addresses
	denials   denials
	conns     conns
}

// listen has the gate follow the members of the cluster and the connections to other nodes.
func (g *gate) listen() {
	g.listening.Do(func() {
		if g.node.members.listen() {
			g.node.followEvents(g.node.system)
		}
		g.node.system.EventStream.Subscribe(func(event any) {
			g.addresses.heard(event)
			if _, connected := event.(*remote.EndpointConnectedEvent); connected && g.node.peers.isClosed() != nil {
				g.node.disconnect()
			}
		})
	})
}

// refuse refuses the methods of protoactor's service that are no streams. protoactor
// has not implemented them: they panic, on a goroutine of gRPC.
func (g *gate) refuse(ctx context.Context, _ any, info *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
	g.deny(&passage{origin: originOf(ctx)}, denial{reason: deniedMethod, detail: info.FullMethod})
	return nil, status.Errorf(grpccodes.Unimplemented, "rpc: %s is not implemented", info.FullMethod)
}

// admit is the interceptor of streams. It ends the stream, and not the process, if
// protoactor panics. Streams of other services pass it as they are.
func (g *gate) admit(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer func() {
		if r := recover(); r != nil {
			g.node.log().Error("rpc: connection cut",
				slog.Any("panic", r), slog.String("stack", string(debug.Stack())))
			err = status.Errorf(grpccodes.InvalidArgument, "rpc: %v", r)
		}
	}()
	if c := g.conns.of(originOf(stream.Context()).network); c != nil {
		stream = arriving{stream, c}
	}
	if info.FullMethod != receiveMethod {
		return handler(srv, stream)
	}
	p, err := g.open(stream)
	if err != nil {
		return err
	}
	return handler(srv, p)
}

// open waits for the first message of a stream, in which the peer says who it is.
func (g *gate) open(stream grpc.ServerStream) (*passage, error) {
	p := &passage{ServerStream: stream, gate: g, origin: originOf(stream.Context())}
	type arrival struct {
		message *remote.RemoteMessage
		err     error
	}
	arrived := make(chan arrival, 1)
	go func() { // RecvMsg returns when the handler of the stream has
		message, err := p.receive()
		arrived <- arrival{message, err}
	}()
	timer := time.NewTimer(firstMessageTime)
	defer timer.Stop()
	select {
	case first := <-arrived:
		if first.err != nil {
			return nil, first.err
		}
		return p, p.introduce(first.message)
	case <-timer.C:
		return nil, p.malformed(grpccodes.DeadlineExceeded, "nothing has come for %v", firstMessageTime)
	}
}

// origin is what is known of a peer before it says anything.
type origin struct {
	network string // where it connects from
	// certificate is the one that the peer has shown and that the authorities have
	// signed; nil if there is none.
	certificate *x509.Certificate
}

func originOf(ctx context.Context) (o origin) {
	if p, ok := peer.FromContext(ctx); ok {
		o.network = p.Addr.String()
		o.certificate = certificateOf(p.AuthInfo)
	}
	return o
}

// passage is a stream of protoactor's remote on its way through the gate.
type passage struct {
	grpc.ServerStream
	origin
	gate    *gate
	address string                // that the peer claims
	first   *remote.RemoteMessage // not yet read by protoactor
	member  bool                  // of the cluster, when it was last asked
	asked   bool
}

// receive reads one message, and looks at its size before its parts are decoded: the
// decoded form of many small parts is far larger.
func (p *passage) receive() (*remote.RemoteMessage, error) {
	var undecoded emptypb.Empty // it keeps fields that it does not know
	if err := p.ServerStream.RecvMsg(&undecoded); err != nil {
		if code := status.Code(err); code == grpccodes.Internal || code == grpccodes.ResourceExhausted {
			p.gate.deny(p, denial{reason: deniedMalformed, detail: err.Error()}) // it is too large, or nothing at all
		}
		return nil, err
	}
	data := undecoded.ProtoReflect().GetUnknown()
	if err := checkParts(data); err != nil {
		return nil, p.malformed(grpccodes.InvalidArgument, "%v", err)
	}
	var message remote.RemoteMessage
	if err := proto.Unmarshal(data, &message); err != nil {
		return nil, p.malformed(grpccodes.InvalidArgument, "%v", err)
	}
	return &message, nil
}

// introduce takes the address that the peer claims from its first message.
func (p *passage) introduce(message *remote.RemoteMessage) error {
	address := message.GetConnectRequest().GetServerConnection().GetAddress()
	if address == "" || len(address) > longestAddress {
		return p.malformed(grpccodes.InvalidArgument, "the first message names no node")
	}
	if err := p.gate.node.checkClaim(p.certificate, address); err != nil {
		p.gate.deny(p, denial{reason: deniedClaim, detail: address})
		return status.Errorf(grpccodes.PermissionDenied, "rpc: %v", err)
	}
	p.address, p.first = address, message
	return nil
}

// RecvMsg implements [grpc.ServerStream]. Messages that are denied are not in what it
// returns.
func (p *passage) RecvMsg(into any) error {
	message, ok := into.(*remote.RemoteMessage)
	if !ok {
		return status.Errorf(grpccodes.Internal, "rpc: %T is no message of protoactor's remote", into)
	}
	if p.first != nil {
		message.MessageType, p.first = p.first.GetMessageType(), nil
		return nil
	}
	received, err := p.receive()
	if err != nil {
		return err
	}
	batch := received.GetMessageBatch()
	if batch == nil {
		return p.malformed(grpccodes.InvalidArgument, "a message of the type %T", received.GetMessageType())
	}
	if err := p.filter(batch); err != nil {
		return err
	}
	message.MessageType = received.GetMessageType()
	return nil
}

// filter removes from a batch what is denied. All targets are of this node, whatever name
// the peer has for it: protoactor would send those to itself, without end, for which it
// has another name.
func (p *passage) filter(batch *remote.MessageBatch) error {
	for _, target := range batch.GetTargets() {
		target.Address = p.gate.node.system.Address()
	}
	passed := batch.GetEnvelopes()[:0]
	for _, e := range batch.GetEnvelopes() {
		m, err := p.open(batch, e)
		if err != nil {
			return p.malformed(grpccodes.InvalidArgument, "%v", err)
		}
		if d, denied := p.judge(m); denied {
			p.gate.deny(p, d)
			continue
		}
		passed = append(passed, e)
	}
	clear(batch.GetEnvelopes()[len(passed):])
	batch.Envelopes = passed
	return nil
}

// parcel is one message of a batch.
type parcel struct {
	*remote.MessageEnvelope
	target, sender *actor.PID // the sender is nil if there is none
	typeName       string
}

// open returns a message of a batch, or an error if the batch does not have its parts.
// protoactor would panic on it.
func (*passage) open(batch *remote.MessageBatch, e *remote.MessageEnvelope) (m parcel, err error) {
	m.MessageEnvelope = e
	if m.target, err = at(batch.GetTargets(), e.GetTarget(), "target"); err != nil {
		return m, err
	}
	if m.typeName, err = at(batch.GetTypeNames(), e.GetTypeId(), "type"); err != nil {
		return m, err
	}
	if e.GetSender() != 0 {
		m.sender, err = at(batch.GetSenders(), e.GetSender()-1, "sender")
	}
	return m, err
}

// at returns the element of a batch with an index that a peer has given.
func at[E any](all []E, index int32, what string) (e E, err error) {
	if index < 0 || int(index) >= len(all) {
		return e, fmt.Errorf("%s %d of %d", what, index, len(all))
	}
	return all[index], nil
}

// malformed counts a stream that is ended because of what has come on it, and returns
// its error.
func (p *passage) malformed(code grpccodes.Code, format string, args ...any) error {
	detail := fmt.Sprintf(format, args...)
	p.gate.deny(p, denial{reason: deniedMalformed, detail: detail})
	return status.Error(code, "rpc: "+detail)
}

// isOwn reports whether an address is resolved as one of this node.
func (g *gate) isOwn(address string) bool {
	return address == noAddress || address == g.node.system.Address()
}

// isMember reports whether the peer claims the address of another member of the cluster.
// This node may hear of a new member a moment after it has connected. So the first
// question waits for that.
func (p *passage) isMember() bool {
	if p.gate.isOwn(p.address) {
		return false
	}
	if p.member {
		return true
	}
	wait := memberPatience
	if p.asked {
		wait = 0
	}
	p.asked = true
	p.member = p.gate.node.members.await(p.Context(), p.address, wait)
	return p.member
}

// isBelow reports whether an id is that of a descendant of the actor with another id.
func isBelow(id, ancestor string) bool {
	return len(id) > len(ancestor) && id[len(ancestor)] == '/' && strings.HasPrefix(id, ancestor)
}
