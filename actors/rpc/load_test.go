package rpc_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

// Far more goroutines call than a node remembers calls of another one.
func TestNoCallVanishesUnderLoad(t *testing.T) {
	const goroutines, each = 9000, 4
	alone(t, func(t *testing.T) {
		s := newScene(t, onSockets{})
		var ran atomic.Int64
		require.NoError(t, rpc.Handle(s.there, "note", func(_ context.Context, n int) (int, error) {
			ran.Add(1)
			return n, nil
		}))
		var all sync.WaitGroup
		for range goroutines {
			all.Go(func() {
				for n := range each {
					got, err := rpc.Call[int, int](t.Context(), s.here, s.target, "note", n).Wait(t.Context())
					if assert.NoError(t, err) {
						assert.Equal(t, n, got)
					}
				}
			})
		}
		all.Wait()
		assert.EqualValues(t, goroutines*each, ran.Load())
	})
}
