package rpc

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// The port of a live node gets frames in any order, some of them damaged. It also gets bytes
// that are no frames, nor HTTP. Nothing ends it, and nothing grows.
func TestRandomBytesOnTheSocketDoNoHarm(t *testing.T) {
	system, stranger := actorstest.NewSystem(t), actorstest.NewSystem(t)
	stop, err := Start(system, "127.0.0.1:0", MaxOpen(100))
	require.NoError(t, err)
	t.Cleanup(stop)
	require.NoError(t, Handle(system, "echo", func(_ context.Context, s string) (string, error) { return s, nil }))
	actorstest.Start(t, system, props.Name("clerk"))
	lives := func() {
		conn, err := nodeOf(stranger).dialGRPC(t.Context(), system.Address())
		require.NoError(t, err)
		defer conn.End()
		p := &otherNode{TB: t, Conn: conn}
		p.send(wire.AppendHello(nil, wire.KindHello, &peerHello))
		require.Equal(t, wire.KindWelcome, p.next().Kind)
		p.send(requestOf(wire.Request{Function: "echo"}, 1))
		require.Nil(t, p.next().Response.Error)
	}
	all := samples()
	random := mathrand.New(mathrand.NewPCG(1, 2)) //nolint:gosec // The same each time.
	attack := func() {
		conn, err := nodeOf(stranger).dialGRPC(t.Context(), system.Address())
		require.NoError(t, err)
		defer conn.End()
		for range random.IntN(20) {
			batch := append([]byte{}, all[random.IntN(len(all))]...)
			if random.IntN(3) == 0 {
				batch[random.IntN(len(batch))] = byte(random.Uint32()) //nolint:gosec // Any will do.
			}
			if conn.Send(batch, nil) != nil {
				break
			}
		}
		raw, err := net.Dial("tcp", system.Address())
		require.NoError(t, err)
		defer raw.Close()
		garbage := make([]byte, random.IntN(2000))
		_, _ = rand.Read(garbage)
		if random.IntN(2) == 0 {
			_, _ = raw.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
		}
		_, _ = raw.Write(garbage)
	}
	for range 50 { // so that all has its size
		attack()
	}
	lives()
	before, goroutines := heap(), runtime.NumGoroutine()
	for range 500 {
		attack()
	}
	lives()
	require.Eventually(t, func() bool {
		s := StatsOf(system)
		return s.Served == 0 && s.ServedBytes == 0 && runtime.NumGoroutine() < goroutines+50
	}, waitLimit, 10*time.Millisecond)
	assert.Less(t, heap()-before, 20<<20)
}
