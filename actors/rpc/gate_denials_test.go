package rpc

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDenialsAreLoggedOnceASecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d denials
		unlogged, log := d.add()
		assert.True(t, log, "the first one")
		assert.Zero(t, unlogged)
		for range 1000 {
			_, log = d.add()
			assert.False(t, log)
		}
		time.Sleep(time.Second - 1)
		_, log = d.add()
		assert.False(t, log)
		time.Sleep(time.Nanosecond)
		unlogged, log = d.add()
		assert.True(t, log)
		assert.Equal(t, 1001, unlogged)
		assert.EqualValues(t, 1003, d.count())
	})
}

func TestIntroductionsOfAddressesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a addresses
		known := func(address string) bool { return address == "known:1" }
		name := func(n int) string { return string(rune('a'+n%26)) + string(rune('a'+n/26)) + ":1" }
		for n := range mostIntroduced {
			require.NoError(t, a.introduce(name(n), known))
		}
		require.ErrorContains(t, a.introduce("other:1", known), "too many addresses are named, the last one is other:1")
		require.NoError(t, a.introduce(name(3), known), "it is introduced")
		require.NoError(t, a.introduce("known:1", known))
		time.Sleep(introducedFor)
		require.NoError(t, a.introduce("other:1", known))
		assert.Len(t, a.introduced, 1)
	})
}
