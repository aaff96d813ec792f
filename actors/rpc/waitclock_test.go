package rpc

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

func TestWaitsHaveAboutTheAgeThatTheyHave(t *testing.T) {
	var c waitClock
	now := time.Unix(1000, 0)
	assert.Zero(t, c.age(1, now), "nothing is known")
	began := make([]time.Time, 2*mostLooks) // by the number of the wait, less 1
	for i := range began {
		now = now.Add(time.Second)
		c.note(now, uint64(i)) // before the wait begins
		began[i] = now
		if i%3 == 0 {
			now = now.Add(time.Second)
			c.note(now, uint64(i)+1)
			now = now.Add(time.Second)
			c.note(now, uint64(i)+1) // no wait has begun since
		}
	}
	oldest := now.Sub(c.looks[c.next].at)
	for i, at := range began {
		assert.Equal(t, min(now.Sub(at), oldest), c.age(uint64(i)+1, now))
	}
	assert.Zero(t, c.age(uint64(len(began)), began[len(began)-1]))
}

func TestAClockLooksNotTooOften(t *testing.T) {
	var c waitClock
	c.init()
	now := c.began
	for range 100 {
		now = now.Add(lookEvery / 10)
		c.look(now)
	}
	assert.LessOrEqual(t, len(c.looks), 11)
	assert.GreaterOrEqual(t, c.age(future.Waits()+1, now), time.Duration(0))
}
