package etcdcluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/cluster/clusterproviders/etcd"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

const (
	// longestReconnect is the longest pause between two attempts to connect to etcd.
	longestReconnect = time.Second
	// A connection over which nothing comes is given up after these.
	keepAliveTime, keepAliveTimeout = 10 * time.Second, 3 * time.Second
	// goodbye is how long it may take to tell etcd that the member has left.
	goodbye = 2 * time.Second
)

// Provider is protoactor's provider for etcd, of one member. It is made by [NewProvider].
type Provider struct {
	*etcd.Provider
	connections *connections
}

// NewProvider returns protoactor's provider for a member, which keeps the members below
// baseKey. It differs from that of package etcd in two things:
//
//   - It connects to etcd anew after at most a second, where it would be up to two minutes. So
//     the member comes back soon after etcd does.
//   - Its connections are cut when the member has left or was expelled, or after two seconds of
//     trying to tell etcd. So nothing of the member is left in etcd after its lease: protoactor
//     never closes the client, which might renew that lease for ever.
//
// The configuration is that of the client. A keep-alive of connections is set if there is
// none. It has a dialer of its own, for TCP: another one in DialOptions has no effect. The error is
// that of the configuration: etcd is not asked.
func NewProvider(baseKey string, config clientv3.Config) (*Provider, error) {
	c := newConnections()
	if config.DialKeepAliveTime == 0 {
		config.DialKeepAliveTime, config.DialKeepAliveTimeout = keepAliveTime, keepAliveTimeout
	}
	config.DialOptions = slices.Concat(
		[]grpc.DialOption{reconnects()}, config.DialOptions, []grpc.DialOption{grpc.WithContextDialer(c.dial)})
	provider, err := etcd.NewWithConfig(baseKey, config)
	if err != nil {
		return nil, fmt.Errorf("etcdcluster: %w", err)
	}
	return &Provider{provider, c}, nil
}

// reconnects has a client connect anew soon.
func reconnects() grpc.DialOption {
	pauses := backoff.DefaultConfig
	pauses.BaseDelay, pauses.MaxDelay = longestReconnect/10, longestReconnect
	return grpc.WithConnectParams(grpc.ConnectParams{Backoff: pauses, MinConnectTimeout: keepAliveTimeout})
}

// Shutdown tells etcd that the member has left, and cuts the connections. Package rpc calls
// it. The error is that of etcd, or that it has not answered.
func (p *Provider) Shutdown(graceful bool) error {
	defer p.connections.cut()
	ended := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil { // as if the member has never started
				ended <- fmt.Errorf("etcdcluster: shutdown: %v", r)
			}
		}()
		ended <- p.Provider.Shutdown(graceful)
	}()
	select {
	case err := <-ended:
		return err
	case <-time.After(goodbye):
		return errors.New("etcdcluster: shutdown: etcd does not answer, the lease will end")
	}
}

// connections are those of a client, which can be cut for good.
type connections struct {
	open context.Context // ends when they are cut
	cut  context.CancelFunc
}

func newConnections() *connections {
	open, cut := context.WithCancel(context.Background())
	return &connections{open, cut}
}

// dial connects to an address, unless the connections are cut. Then it takes as long as it
// may, since the client never gives up.
func (c *connections) dial(ctx context.Context, address string) (net.Conn, error) {
	if c.open.Err() != nil {
		<-ctx.Done()
		return nil, net.ErrClosed
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return boundConn{conn, context.AfterFunc(c.open, func() { _ = conn.Close() })}, nil
}

// boundConn is a connection that is cut with the others.
type boundConn struct {
	net.Conn
	forget func() bool
}

// Close implements [net.Conn].
func (c boundConn) Close() error {
	c.forget()
	return c.Conn.Close()
}
