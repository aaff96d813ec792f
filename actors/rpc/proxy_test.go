package rpc_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// proxy is a link of TCP between two nodes, which can be slow, stand still or break.
type proxy struct {
	net.Listener
	to string

	mu      sync.Mutex
	changed *sync.Cond
	conns   map[net.Conn]int // and the way to what each connects to
	stalled [2]bool          // nothing passes to the node, or back
	pace    time.Duration    // for each piece
	piece   int              // how much passes at a time
	passed  [2]int           // bytes
	half    bool             // a connection that breaks is kept open on its other side
	over    bool
	all     sync.WaitGroup
}

const (
	forward = iota
	backward
)

// newProxy returns a link to the node at an address.
func newProxy(t testing.TB, to string) *proxy {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{Listener: listener, to: to, conns: make(map[net.Conn]int), piece: 64 << 10}
	p.changed = sync.NewCond(&p.mu)
	p.all.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// address is where the node is reached through the link.
func (p *proxy) address() string { return p.Addr().String() }

func (p *proxy) accept() {
	for {
		in, err := p.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		to := p.to
		p.mu.Unlock()
		out, err := net.Dial("tcp", to)
		if err != nil {
			_ = in.Close()
			continue
		}
		p.mu.Lock()
		p.conns[in], p.conns[out] = backward, forward
		p.mu.Unlock()
		p.all.Go(func() { p.pass(in, out, forward) })
		p.all.Go(func() { p.pass(out, in, backward) })
	}
}

// pass has what one node sends come to the other one.
func (p *proxy) pass(from, to net.Conn, way int) {
	defer p.drop(from)
	defer p.drop(to)
	defer p.keepHalf()
	buffer := make([]byte, 64<<10)
	for {
		p.mu.Lock()
		piece, pace := p.piece, p.pace
		p.mu.Unlock()
		n, err := from.Read(buffer[:piece])
		if err != nil {
			return
		}
		if pace > 0 {
			time.Sleep(pace)
		}
		p.mu.Lock()
		for p.stalled[way] && !p.over {
			p.changed.Wait()
		}
		p.mu.Unlock()
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
		p.mu.Lock()
		p.passed[way] += n
		p.mu.Unlock()
	}
}

// keepHalf waits while one side of a connection is not to learn that the other has ended.
func (p *proxy) keepHalf() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.half && !p.over {
		p.changed.Wait()
	}
}

func (p *proxy) drop(conn net.Conn) {
	_ = conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

// reset resets all connections, as a router does that has forgotten them.
func (p *proxy) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
}

// resetOne resets the connections with one of the nodes. The other node learns nothing,
// and nothing passes any more.
func (p *proxy) resetOne(way int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.half = true
	for conn, to := range p.conns {
		if to == way {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	}
}

// awaitsHalf waits until half of a large payload has passed in a way.
func (p *proxy) awaitsHalf(t *testing.T, way int) {
	t.Helper()
	require.Eventually(t, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.passed[way] >= halfSent
	}, time.Minute, time.Millisecond)
}

// awaitsConn waits until a node has connected.
func (p *proxy) awaitsConn(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.conns) > 0
	}, time.Minute, time.Millisecond)
}

// stall has nothing pass in the given ways, without telling anybody.
func (p *proxy) stall(ways ...int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, way := range ways {
		p.stalled[way] = true
	}
}

// goOn has everything pass again.
func (p *proxy) goOn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled, p.half = [2]bool{}, false
	p.changed.Broadcast()
}

// slow has so much pass at a time, after a pause.
func (p *proxy) slow(piece int, pace time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.piece, p.pace = piece, pace
}

func (p *proxy) close() {
	_ = p.Close()
	p.mu.Lock()
	p.over = true
	p.changed.Broadcast()
	p.mu.Unlock()
	p.reset()
	p.all.Wait()
}

// silentNode accepts connections and says nothing.
func silentNode(t testing.TB) (address string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { _, _ = io.Copy(io.Discard, conn); _ = conn.Close() })
		}
	})
	t.Cleanup(func() {
		assert.NoError(t, listener.Close())
		all.Wait()
	})
	return listener.Addr().String()
}
