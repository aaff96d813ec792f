package pending_test

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

func TestChannelIsReadNoFurtherThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := make(chan *promise, 10)
		items := open(t, 10)
		for _, p := range items {
			c <- p
		}
		loop := make(chan error)
		go func() {
			for _, err := range pending.AsCompletedFrom(t.Context(), c, pending.MaxConcurrent(3)) {
				loop <- err
			}
			close(loop)
		}()
		for i, p := range items {
			synctest.Wait()
			assert.Len(t, c, max(0, 7-i))
			p.SetResult(i)
			require.NoError(t, <-loop)
		}
		close(c)
		_, more := <-loop
		assert.False(t, more)
	})
}

// What comes at the moment in which the loop is left is cancelled, or stays in
// the channel.
func TestNoPendingOfAChannelIsLost(t *testing.T) {
	for range 200 {
		c := make(chan *promise)
		items := append(doneWith(t, 1), open(t, 2)...)
		sent := 0
		var sending sync.WaitGroup
		left := make(chan struct{})
		sending.Go(func() {
			for _, p := range items {
				select {
				case c <- p:
					sent++
				case <-left:
					return
				}
			}
		})
		for _, err := range pending.AsCompletedFrom(t.Context(), c) {
			require.NoError(t, err)
			break
		}
		close(left)
		sending.Wait()
		for _, p := range items[1:sent] {
			<-p.Done() // at the latest when the receiver has seen that nobody waits
			assert.True(t, p.Cancelled())
		}
	}
}

func TestNothingIsTakenFromAChannelAfterTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 50 {
			c := make(chan *promise, 1)
			c <- doneWith(t, 1)[0]
			for _, err := range pending.AsCompletedFrom(t.Context(), c) {
				require.NoError(t, err)
				break
			}
			late := open(t, 1)[0]
			c <- late
			synctest.Wait()
			require.Len(t, c, 1)
			require.False(t, late.Cancelled())
		}
	})
}
