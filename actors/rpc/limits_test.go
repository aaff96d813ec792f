package rpc

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// piped is one end of a connection in memory, from a host.
type piped struct {
	net.Conn
	from string
}

func (p piped) RemoteAddr() net.Addr { return pipedAddress(p.from) }

type pipedAddress string

func (pipedAddress) Network() string  { return "pipe" }
func (a pipedAddress) String() string { return string(a) }

// newGate returns the gate of a system of its own.
func newGate() *gate {
	system := actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
	})
	return &nodeOf(system).gate
}

// connect has the gate admit a connection, and returns both ends.
func (g *gate) connect(tb testing.TB, from string) (near *conn, far net.Conn) {
	a, b := net.Pipe()
	tb.Cleanup(func() { _ = b.Close() })
	near, err := g.conns.admit(piped{a, from})
	require.NoError(tb, err)
	return near, b
}

func TestConnectionsAreCounted(t *testing.T) {
	g := newGate()
	var all []*conn
	for n := range mostOfHost {
		near, _ := g.connect(t, fmt.Sprintf("10.0.0.1:%d", n))
		all = append(all, near)
	}
	a, b := net.Pipe()
	_, err := g.conns.admit(piped{a, "10.0.0.1:9999"})
	require.ErrorIs(t, err, errTooManyConnections)
	for n := mostOfHost; n < mostConnections; n++ {
		near, _ := g.connect(t, fmt.Sprintf("10.0.%d.2:%d", 1+n/mostOfHost, n))
		all = append(all, near)
	}
	_, err = g.conns.admit(piped{a, "10.0.9.9:9999"})
	require.ErrorIs(t, err, errTooManyConnections)

	require.NoError(t, all[0].Close())
	_ = all[0].Close()
	again, err := g.conns.admit(piped{a, "10.0.0.1:9999"})
	require.NoError(t, err, "one is free")
	_, err = g.conns.admit(piped{a, "10.0.9.9:9999"})
	require.ErrorIs(t, err, errTooManyConnections, "no more than one")

	require.NoError(t, b.Close())
	_, err = again.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	for _, one := range all {
		_ = one.Close()
	}
	assert.Zero(t, g.conns.n)
	assert.Empty(t, g.conns.byHost)
	assert.Empty(t, g.conns.all)
}

// send writes from the far end what the near end reads.
func send(tb testing.TB, near *conn, far net.Conn, bytes int) {
	tb.Helper()
	go func() { _, _ = far.Write(make([]byte, bytes)) }()
	_, err := io.ReadFull(near, make([]byte, bytes))
	require.NoError(tb, err)
}

// isCut reports whether the near end has closed the connection.
func isCut(far net.Conn) bool {
	_ = far.SetReadDeadline(time.Now())
	_, err := far.Read(make([]byte, 1))
	return err == io.EOF //nolint:errorlint // It is not wrapped.
}

func TestALargeMessageMustArriveInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		near, far := g.connect(t, "10.0.0.1:1")
		for range 10 { // in time each
			send(t, near, far, largeArrival)
			time.Sleep(arrivalTime - 1)
			near.complete()
		}
		assert.Zero(t, g.conns.arriving.Load())
		send(t, near, far, largeArrival)
		time.Sleep(arrivalTime - 1)
		synctest.Wait()
		assert.False(t, isCut(far))
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		assert.True(t, isCut(far))
		assert.EqualValues(t, 1, g.denials.count())
		assert.Zero(t, g.conns.n)
		assert.Zero(t, g.conns.arriving.Load())
	})
}

func TestSignsOfLifeAreNoMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		near, far := g.connect(t, "10.0.0.1:1")
		for range 100_000 {
			send(t, near, far, 34)
			time.Sleep(lifeSigns)
		}
		assert.False(t, isCut(far))
		assert.Less(t, near.arrived, 100)
		require.NoError(t, near.Close())
	})
}

// Four slow strangers held 420 MB.
func TestMessagesThatHaveComeInPartAreLimitedInAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		limit, each := mostArriving*g.node.receiveLimit(), g.node.receiveLimit()
		var fars []net.Conn
		held := 0
		for n := 0; held <= limit; n++ {
			near, far := g.connect(t, fmt.Sprintf("10.0.0.1:%d", n))
			fars = append(fars, far)
			near.add(each)
			held += each
		}
		last := fars[len(fars)-1]
		assert.True(t, isCut(last))
		for _, far := range fars[:len(fars)-1] {
			assert.False(t, isCut(far))
		}
		near, far := g.connect(t, "10.0.0.1:9999")
		send(t, near, far, largeArrival-1)
		assert.False(t, isCut(far), "small messages pass")
	})
}

// silent is a stream on which nothing comes.
type silent struct {
	grpc.ServerStream
	ctx context.Context
}

func (s silent) Context() context.Context { return s.ctx }

func (s silent) RecvMsg(any) error {
	<-s.ctx.Done()
	return s.ctx.Err()
}

func TestAStreamOnWhichNothingComesEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel() // as gRPC does when the handler has returned
		began := time.Now()
		err := g.admit(nil, silent{ctx: ctx}, &grpc.StreamServerInfo{FullMethod: receiveMethod}, nil)
		assert.Equal(t, grpccodes.DeadlineExceeded, status.Code(err), err)
		assert.Equal(t, firstMessageTime, time.Since(began))
		assert.EqualValues(t, 1, g.denials.count())
	})
}
