package actors

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNumbersOfRequestsComeRoundAgain(t *testing.T) {
	r := requests{last: math.MaxUint32 - 1}
	var answered []int
	answer := func(i int) func(any) { return func(any) { answered = append(answered, i) } }

	assert.EqualValues(t, math.MaxUint32, r.add(answer(0)))
	assert.EqualValues(t, 1, r.add(answer(1)), "0 is the number of messages that are no answers")
	assert.EqualValues(t, 2, r.add(answer(2)))

	r.last = math.MaxUint32 - 1
	assert.EqualValues(t, 3, r.add(answer(3)), "numbers of open requests are not given out")

	for _, id := range []uint32{3, 2, 1, math.MaxUint32} {
		r.answer(id, nil)
		r.answer(id, nil)
	}
	r.answer(0, nil)
	assert.Equal(t, []int{3, 2, 1, 0}, answered, "each is answered once")
	assert.Empty(t, r.open)
}
