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

func TestRetainOfARingKeepsTheOrderOfTheRest(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 9, 100} {
		var r Ring[int]
		r.Push(-1)
		r.Shift() // so that it goes round
		var want, got []int
		for i := range n {
			r.Push(i)
			if i%3 == 1 {
				want = append(want, i)
			}
		}
		r.Retain(func(i int) bool { return i%3 == 1 })
		for r.Len() > 0 {
			got = append(got, r.Shift())
		}
		assert.Equal(t, want, got)
		r.Retain(func(int) bool { return true })
		assert.Zero(t, r)
	}
}
