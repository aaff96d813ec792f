package sched

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTakenGoesOnBeyondTheSizeOfItsField(t *testing.T) {
	s := new(state)
	s.took = 1<<32 - 2
	s.count(1)
	assert.EqualValues(t, 1<<32-1, s.taken())
	s.count(3)
	assert.EqualValues(t, 1<<32+2, s.taken())
	s.count(-5)
	assert.EqualValues(t, 1<<32-3, s.taken())
	s.count(0)
	assert.EqualValues(t, 1<<32-3, s.taken())
}
