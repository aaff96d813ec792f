package fifo

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRingKeepsItsOrderAndLetsGo(t *testing.T) {
	var r Ring[*int]
	pushed, taken := 0, 0
	for round := range 50 {
		for range round {
			n := pushed
			r.Push(&n)
			pushed++
		}
		for range round / 2 {
			require.Equal(t, taken, *r.Peek())
			require.Equal(t, taken, *r.Shift())
			taken++
		}
		require.Equal(t, pushed-taken, r.Len())
	}
	for r.Len() > 0 {
		require.Equal(t, taken, *r.Shift())
		taken++
	}
	assert.Equal(t, pushed, taken)
	for _, item := range r.items {
		assert.Nil(t, item)
	}
}
