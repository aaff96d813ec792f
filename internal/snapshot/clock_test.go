package snapshot

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAClockRunsWhileSomebodyLooksAndAFewSecondsAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var one, other Clock
		take := func() *System { return &System{} }
		assert.False(t, Looking())
		one.Look(take(), take)
		other.Look(take(), take)
		assert.True(t, Looking())
		for range 10 {
			time.Sleep(lookFor - tick)
			one.Look(take(), take)
			assert.True(t, Looking())
		}
		time.Sleep(lookFor + 2*tick)
		assert.False(t, Looking())
		one.Look(take(), take)
		assert.True(t, Looking())
		time.Sleep(lookFor + 2*tick)
		assert.False(t, Looking())
	})
}
