package fifo

import (
	"slices"
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
			require.Equal(t, taken, **r.First())
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

func TestRingIteratesFromTheFirstItem(t *testing.T) {
	var r Ring[int]
	assert.Empty(t, slices.Collect(r.All()))
	for i := range 10 {
		r.Push(i)
	}
	for range 6 {
		r.Shift()
	}
	for i := range 10 {
		r.Push(10 + i)
	}
	assert.Equal(t, []int{6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, slices.Collect(r.All()))
	for item := range r.All() {
		assert.Equal(t, 6, item)
		break
	}
}
