package rpc

import (
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// remember has a run end with a result of some bytes.
func (d *dedupCache) remember(key string, size int, c *config) {
	r, _, _ := d.join(&inboundCall{}, callKey{function: "sell", caller: strings.Clone("callers/clerk"), key: key})
	d.end(r, &wire.Response{Result: wire.Payload{
		Encoding: "json", Data: make([]byte, size),
	}}, c)
}

func TestMillionKeysStayWithinTheirBound(t *testing.T) {
	c := defaults()
	var d dedupCache
	before := heap()
	for n := range 1_000_000 {
		d.remember("a key of some length "+strconv.Itoa(n), 8, c)
		require.LessOrEqual(t, d.bytes, c.dedupBytes)
	}
	grown := heap() - before
	t.Logf("%d outcomes, %d bytes counted, %d on the heap", d.stats(), d.bytes, grown)
	assert.Less(t, grown, c.dedupBytes)
	assert.Greater(t, d.stats(), 80_000)
	assert.Len(t, d.known, d.stats())
	assert.Empty(t, d.waiting)

	d.remember("large", c.dedupBytes*3/4, c)
	assert.LessOrEqual(t, d.bytes, c.dedupBytes)
	assert.Less(t, d.stats(), 30_000, "it takes the place of many")
}

// heap returns how many bytes are in use.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc) //nolint:gosec // It has not overflowed.
}

func TestWindowExpiresInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := *defaults()
		c.dedupTime = time.Minute
		var d dedupCache
		d.remember("a", 1, &c)
		time.Sleep(time.Second)
		d.remember("b", 1, &c)
		time.Sleep(time.Minute - time.Second)
		assert.Equal(t, 1, d.stats(), "the first one is older")
		time.Sleep(time.Second)
		assert.Zero(t, d.stats())
		assert.Empty(t, d.known)
		assert.Nil(t, d.newest)
		assert.Zero(t, d.bytes)
		d.remember("c", 1, &c)
		assert.Len(t, d.known, 1)
	})
}
