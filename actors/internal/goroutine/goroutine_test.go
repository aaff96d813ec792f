package goroutine

import (
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestIDIsThatOfTheDump(t *testing.T) {
	assert.True(t, isFast(), "package goid does not know %s", runtime.Version())
	ids := make(chan int64, 100)
	var wg sync.WaitGroup
	for range cap(ids) {
		wg.Go(func() {
			assert.Equal(t, idFromStack(), ID())
			ids <- ID()
		})
	}
	wg.Wait()
	close(ids)
	seen := map[int64]bool{ID(): true}
	for id := range ids {
		assert.Positive(t, id)
		seen[id] = true
	}
	assert.Greater(t, len(seen), 1)
}

func TestStackIsThatOfTheGoroutine(t *testing.T) {
	id, free := make(chan int64), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { waitsHere(id, free) })
	assert.Contains(t, string(Stack(<-id)), "waitsHere")
	assert.Contains(t, string(Stack(ID())), "TestStackIsThatOfTheGoroutine")
	close(free)
	wg.Wait()
	assert.Empty(t, Stack(-1))
}

func waitsHere(id chan<- int64, free <-chan struct{}) {
	id <- ID()
	<-free
}

func BenchmarkID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ID()
	}
}
