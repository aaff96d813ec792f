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
func (w *window) remember(key string, size int, c *config) {
	r, _, _ := w.join(incoming{number: 1}, identity{function: "sell", caller: strings.Clone("callers/clerk"), key: key})
	w.end(r, &wire.Response{Result: &wire.Payload{
		Encoding: "json", Data: make([]byte, size),
	}}, c)
}

func TestMillionKeysStayWithinTheirBound(t *testing.T) {
	c := defaults()
	var w window
	before := heap()
	for n := range 1_000_000 {
		w.remember("a key of some length "+strconv.Itoa(n), 8, c)
		require.LessOrEqual(t, w.bytes, c.rememberBytes)
	}
	grown := heap() - before
	t.Logf("%d outcomes, %d bytes counted, %d on the heap", w.stats(), w.bytes, grown)
	assert.Less(t, grown, c.rememberBytes)
	assert.Greater(t, w.stats(), 80_000)
	assert.Len(t, w.known, w.stats())
	assert.Empty(t, w.waiting)

	w.remember("large", c.rememberBytes*3/4, c)
	assert.LessOrEqual(t, w.bytes, c.rememberBytes)
	assert.Less(t, w.stats(), 30_000, "it takes the place of many")
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
		c.rememberFor = time.Minute
		var w window
		w.remember("a", 1, &c)
		time.Sleep(time.Second)
		w.remember("b", 1, &c)
		time.Sleep(time.Minute - time.Second)
		assert.Equal(t, 1, w.stats(), "the first one is older")
		time.Sleep(time.Second)
		assert.Zero(t, w.stats())
		assert.Empty(t, w.known)
		assert.Nil(t, w.newest)
		assert.Zero(t, w.bytes)
		w.remember("c", 1, &c)
		assert.Len(t, w.known, 1)
	})
}
