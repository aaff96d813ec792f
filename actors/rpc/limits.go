package rpc

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	// mostConnections limits the connections to this node at a time. mostOfHost
	// limits those from one IP address.
	mostConnections = 1024
	mostOfHost      = 256
	// mostStreams is how many streams there are on one connection. A node needs two.
	mostStreams = 16
	// handshakeTime is how long a peer may take until its connection is set up.
	handshakeTime = 10 * time.Second
	// idleTime is how long a connection without a stream is kept.
	idleTime = 30 * time.Second
	// largestHeaders is how many bytes the headers of a stream have at most.
	largestHeaders = 16 << 10

	// arrivalTime is how long a large message may take to arrive.
	arrivalTime = 30 * time.Second
	// largeArrival is how many bytes come before the time is taken: those that small
	// messages and gRPC itself need do not count.
	largeArrival = 256 << 10
	// idleRate is how many bytes come each second that belong to no message, at most: those
	// with which gRPC asks for signs of life.
	idleRate = 64
	// mostArriving is how many messages of the largest size may have come in part, in all.
	mostArriving = 32
)

var errTooManyConnections = errors.New("rpc: too many connections")

// conns are the connections to this node.
type conns struct {
	gate     *gate
	arriving atomic.Int64 // bytes of messages that have come in part

	mu     sync.Mutex
	n      int
	byHost map[string]int
	all    map[string]*conn // by the address that it comes from
}

// admit counts a connection, unless there are too many.
func (c *conns) admit(raw net.Conn) (*conn, error) {
	from := raw.RemoteAddr().String()
	host, _, err := net.SplitHostPort(from)
	if err != nil {
		host = from
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.n >= mostConnections:
		return nil, fmt.Errorf("%w: there are %d", errTooManyConnections, c.n)
	case c.byHost[host] >= mostOfHost:
		return nil, fmt.Errorf("%w: there are %d of %s", errTooManyConnections, c.byHost[host], host)
	}
	if c.all == nil {
		c.byHost, c.all = make(map[string]int), make(map[string]*conn)
	}
	admitted := &conn{Conn: raw, conns: c, host: host, from: from}
	c.n++
	c.byHost[host]++
	c.all[from] = admitted
	return admitted, nil
}

// release is called once for each connection that was admitted.
func (c *conns) release(one *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n--
	if c.byHost[one.host]--; c.byHost[one.host] == 0 {
		delete(c.byHost, one.host)
	}
	if c.all[one.from] == one {
		delete(c.all, one.from)
	}
}

// of returns the connection from an address, nil if there is none.
func (c *conns) of(from string) *conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all[from]
}

// conn is a connection to this node. It counts what has come since the last message that
// was complete. gRPC keeps that in memory, and waits for the rest without end.
type conn struct {
	net.Conn
	conns      *conns
	host, from string
	released   sync.Once

	mu       sync.Mutex
	arrived  int         // bytes
	last     time.Time   // when some have
	deadline *time.Timer // of the rest; nil until much has come
}

// Read implements [net.Conn].
func (c *conn) Read(b []byte) (n int, err error) {
	n, err = c.Conn.Read(b)
	if n > 0 {
		c.add(n)
	}
	if err != nil {
		c.release()
	}
	return n, err
}

// Write implements [net.Conn].
func (c *conn) Write(b []byte) (n int, err error) {
	if n, err = c.Conn.Write(b); err != nil {
		c.release()
	}
	return n, err
}

// Close implements [net.Conn].
func (c *conn) Close() error {
	c.release()
	return c.Conn.Close()
}

// release gives back what the connection has of the budgets. gRPC closes some connections
// behind the back of this one, after a Read or a Write has failed.
func (c *conn) release() {
	c.released.Do(func() {
		c.complete()
		c.conns.release(c)
	})
}

// add notes bytes that have come. If too many have that belong to no complete message, it
// closes the connection.
func (c *conn) add(n int) {
	now := time.Now()
	c.mu.Lock()
	if c.deadline == nil {
		c.arrived = max(0, c.arrived-int(now.Sub(c.last)/(time.Second/idleRate)))
	}
	c.last = now
	c.arrived += n
	if c.arrived < largeArrival {
		c.mu.Unlock()
		return
	}
	counted := n
	if c.deadline == nil {
		counted = c.arrived
		c.deadline = time.AfterFunc(arrivalTime, func() { c.cut("a message has not arrived after %v", arrivalTime) })
	}
	c.mu.Unlock()
	limit := int64(mostArriving) * int64(c.conns.gate.node.receiveLimit())
	if c.conns.arriving.Add(int64(counted)) > limit {
		c.cut("more than %d bytes of messages have come in part", limit)
	}
}

// complete notes that a message is complete.
func (c *conn) complete() {
	c.mu.Lock()
	arrived, deadline := c.arrived, c.deadline
	c.arrived, c.deadline = 0, nil
	c.mu.Unlock()
	if deadline != nil {
		deadline.Stop()
		c.conns.arriving.Add(-int64(arrived))
	}
}

func (c *conn) cut(format string, args ...any) {
	c.conns.gate.deny(&passage{origin: origin{network: c.from}}, denial{reason: deniedConnection, detail: fmt.Sprintf(format, args...)})
	_ = c.Close()
}

// limited are credentials with a limit for the connections.
type limited struct {
	credentials.TransportCredentials
	conns *conns
}

// ServerHandshake implements [credentials.TransportCredentials].
func (l limited) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	admitted, err := l.conns.admit(raw)
	if err != nil {
		l.conns.gate.deny(&passage{origin: origin{network: raw.RemoteAddr().String()}},
			denial{reason: deniedConnection, detail: err.Error()})
		return nil, nil, err
	}
	secured, info, err := l.TransportCredentials.ServerHandshake(admitted)
	if err != nil {
		admitted.release()
	}
	return secured, info, err
}

// Clone implements [credentials.TransportCredentials].
func (l limited) Clone() credentials.TransportCredentials {
	return limited{l.TransportCredentials.Clone(), l.conns}
}

// limits returns the credentials of the server, which has no more than so many connections.
func (g *gate) limits(c *config) credentials.TransportCredentials {
	inner := c.server
	if inner == nil {
		inner = insecure.NewCredentials()
	}
	return limited{inner, &g.conns}
}

// arriving is a stream whose complete messages its connection is notified of.
type arriving struct {
	grpc.ServerStream
	conn *conn
}

// RecvMsg implements [grpc.ServerStream].
func (a arriving) RecvMsg(message any) error {
	err := a.ServerStream.RecvMsg(message)
	a.conn.complete()
	return err
}
