package rpc_test

import (
	"context"
	"encoding/json"
	"iter"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// counting is JSON, and counts the bytes of items that are encoded and not decoded.
type counting struct {
	rpc.Codec
	held, most *atomic.Int64
}

const largeItem = 200_000 // in chunks

func (c counting) Marshal(value any) ([]byte, error) {
	data, err := json.Marshal(value)
	if len(data) > largeItem {
		c.most.Store(max(c.most.Load(), c.held.Add(int64(len(data)))))
	}
	return data, err
}

func (c counting) Unmarshal(data []byte, value any) error {
	if len(data) > largeItem {
		c.held.Add(int64(-len(data)))
	}
	return json.Unmarshal(data, value)
}

// Whatever is on its way, or waits on either side, is within the window.
func TestWhatAStreamHoldsIsBoundedByItsWindow(t *testing.T) {
	onBothNetworks(t, func(t *testing.T, s *scene) {
		codec := counting{rpc.JSON, new(atomic.Int64), new(atomic.Int64)}
		for _, system := range s.both() {
			require.NoError(t, rpc.Configure(system, rpc.Encoding(codec)))
		}
		require.NoError(t, rpc.HandleStream(s.there, "large", func(context.Context, int) iter.Seq2[string, error] {
			return func(yield func(string, error) bool) {
				for range 40 {
					if !yield(strings.Repeat("x", largeItem), nil) {
						return
					}
				}
			}
		}))
		for _, window := range []int64{1, 2, 8} {
			codec.most.Store(0)
			n := 0
			for _, err := range rpc.Stream[int, string](t.Context(), s.here, s.target, "large", 0, rpc.Window(int(window))) {
				require.NoError(t, err)
				if n++; n <= 30 { // then as fast as it can
					s.until(t, func() bool { return codec.held.Load() > (window/2-1)*largeItem })
				}
			}
			assert.Equal(t, 40, n)
			assert.Zero(t, codec.held.Load())
			assert.LessOrEqual(t, codec.most.Load(), (window+1)*(largeItem+2), "one waits in the function")
		}
	})
}
