package rpc

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/remote"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

const (
	// largestBatch is how large a message of gRPC may be that is sent.
	largestBatch = LargestMaxSize + overhead
	// overhead is what a batch needs besides its envelopes.
	overhead = 1 << 20
	// mostInBatch is how many envelopes a batch has at most.
	mostInBatch = 64
	// writerQueue is how many envelopes have room before the queue grows; the
	// default takes 16 MB for each node.
	writerQueue = 1024

	// A connection over which nothing comes is asked for a sign of life, and given
	// up without one.
	silence   = 10 * time.Second
	lifeSigns = 5 * time.Second
)

// Start has a system listen for other nodes at an address, "host:port". A port of 0 is
// any that is free. Other nodes connect to that address. It starts protoactor's remote
// with limits that suit [MaxSize]. Dead connections are detected, and nothing that is
// received ends the process.
//
// The system's address is system.Address() from then on. Make those PIDs and callers
// after it that other nodes are to know.
//
// It is an error if the host is empty, 0.0.0.0 or ::, unless [Advertised] gives another
// address. Other errors are those of an option and of listening. A system starts once in
// its life: a further Start, or a [Join], returns an error that matches [ErrStarted].
// After any other error it may be tried again.
//
// The stop that is returned fails the open calls and refuses new ones. It ends the
// sessions, so that other nodes notice at once. It stops no caller: drain those first. It
// may be called more than once, from any goroutine.
//
// A program that starts a cluster gives it [RemoteConfig] instead.
func Start(system *actor.ActorSystem, address string, opts ...Option) (stop func(), err error) {
	n := nodeOf(system)
	if err := n.begin(address); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			n.started.Store(nil)
		}
	}()
	configuration, err := RemoteConfig(system, address, opts...)
	if err != nil {
		return nil, err
	}
	r := remote.NewRemote(system, configuration)
	if err := guarded(r.Start); err != nil {
		return nil, fmt.Errorf("rpc: start at %s: %w", address, err)
	}
	n.dialWith(configuration)
	at := system.Address()
	n.started.Store(&at)
	return func() { n.stop(r) }, nil
}

// begin has the node listen at an address, for which there is one opportunity.
func (n *node) begin(address string) error {
	if n.started.CompareAndSwap(nil, &address) {
		return nil
	}
	at := address
	if other := n.started.Load(); other != nil { // it may have failed by now
		at = *other
	}
	return fmt.Errorf("%w: the system listens at %s, and cannot listen at %s", ErrStarted, at, address)
}

// RemoteConfig returns the configuration with which [Start] starts protoactor's remote.
// It is for those who have it started by other code, as by a cluster. The options apply
// as by [Configure]. A program that has more server options appends them to those of the
// configuration.
//
// The error is that of an option or of the address.
func RemoteConfig(system *actor.ActorSystem, address string, opts ...Option) (*remote.Config, error) {
	host, port, err := parseAddress(address)
	if err != nil {
		return nil, fmt.Errorf("rpc: start: %w", err)
	}
	n := nodeOf(system)
	c, err := n.configure(opts)
	if err != nil {
		return nil, err
	}
	n.gate.listen()
	configuration := remote.Configure(bracketed(host), int(port),
		remote.WithAdvertisedHost(c.advertised),
		remote.WithEndpointWriterBatchSize(min(mostInBatch, LargestMaxSize/c.maxSize)),
		remote.WithEndpointWriterQueueSize(writerQueue),
		func(config *remote.Config) { config.MaxRetryCount = 1 },
		remote.WithServerOptions(n.serverOptions(c)...),
		remote.WithDialOptions(n.dialOptions(c)...),
	)
	if err := checkListening(configuration); err != nil {
		return nil, fmt.Errorf("rpc: start: %w", err)
	}
	return configuration, nil
}

func (n *node) serverOptions(c *config) []grpc.ServerOption {
	return append(n.withGuards([]grpc.ServerOption{
		grpc.Creds(n.gate.limits(c)),
		grpc.ConnectionTimeout(handshakeTime),
		grpc.MaxConcurrentStreams(mostStreams),
		grpc.MaxHeaderListSize(largestHeaders),
		grpc.InitialWindowSize(streamWindow),
		grpc.InitialConnWindowSize(streamWindow),
		grpc.MaxRecvMsgSize(n.receiveLimit()),
		grpc.MaxSendMsgSize(largestBatch),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: idleTime, Time: silence, Timeout: lifeSigns}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: silence / 2, PermitWithoutStream: true}),
	}), n.sessionServer()...)
}

// receiveLimit is how many bytes a message of gRPC may have that is received. It has room
// for one message of [MaxSize] of protoactor's, and for a batch of a session.
func (n *node) receiveLimit() int { return n.config.Load().maxSize + overhead }

func (n *node) dialOptions(c *config) []grpc.DialOption {
	transport := c.transport
	if transport == nil {
		transport = insecure.NewCredentials()
	}
	return []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithChainStreamInterceptor(n.sendStream),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largestBatch), grpc.MaxCallSendMsgSize(largestBatch)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: silence, Timeout: lifeSigns, PermitWithoutStream: true,
		}),
	}
}

// dialWith has sessions go to other nodes as the connections of protoactor's remote do.
func (n *node) dialWith(c *remote.Config) { n.dialedWith.Store(&c.DialOptions) }

// dialing returns the options of dialWith.
func (n *node) dialing() []grpc.DialOption {
	if options := n.dialedWith.Load(); options != nil {
		return *options
	}
	return nil
}

// stop ends what [Start] has started.
func (n *node) stop(r *remote.Remote) {
	err := fmt.Errorf("rpc: the node %s has stopped: %w", n.system.Address(), pending.ErrStopped)
	out, in, first := n.peers.close(err)
	if !first {
		return
	}
	for _, o := range out {
		o.end(err)
	}
	flush(in)
	for _, i := range in {
		i.end(err)
	}
	n.disconnect()
	_ = guarded(func() { r.Shutdown(false) }) // it panics if there is nothing to stop
}

// disconnect has protoactor close its connections to other nodes. Its own graceful stop is
// not safe for those who send something at that moment.
func (n *node) disconnect() {
	for _, address := range n.gate.addresses.all() {
		n.system.EventStream.Publish(&remote.EndpointTerminatedEvent{Address: address})
	}
}
