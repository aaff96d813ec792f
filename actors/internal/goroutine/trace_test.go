package goroutine

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type place struct{ id chan int64 }

//go:noinline
func (p *place) waits(free <-chan struct{}) {
	p.id <- ID()
	<-free
	p.id <- 0 // the receiver is needed to the end
}

func generic[T any](p *place, free <-chan struct{}, _ T) { p.waits(free) }

const here = "github.com/seed-7fcaac1b/protocaller/actors/internal/goroutine."

func TestStacksAreFoundByAFunction(t *testing.T) {
	free := make(chan struct{})
	var wg sync.WaitGroup
	places := []*place{{make(chan int64, 2)}, {make(chan int64, 2)}}
	var ids []int64
	for i, p := range places {
		wg.Go(func() { generic(p, free, i) })
		ids = append(ids, <-p.id)
	}
	dump := Dump()
	close(free)
	wg.Wait()
	found := Find(dump, here+"(*place).waits", "")
	require.Len(t, found, 2)
	assert.Len(t, Find(dump, here+"generic[...]", ""), 2)
	assert.Empty(t, Find(dump, here+"(*place).wait", ""))
	for i, p := range places {
		trace := found[0]
		if at := trace.Index(here+"(*place).waits", len(trace.Frames)-1); !trace.Frames[at].HasArg(0, fmt.Sprintf("%p", p)) {
			trace = found[1]
		}
		at := trace.Index(here+"(*place).waits", len(trace.Frames)-1)
		assert.True(t, trace.Frames[at].HasArg(0, fmt.Sprintf("%p", p)))
		assert.False(t, trace.Frames[at].HasArg(9, fmt.Sprintf("%p", p)))
		assert.Regexp(t, fmt.Sprintf(`^goroutine %d \[[^\n]*\]$`, ids[i]), trace.Title)
		assert.Equal(t, []int{at}, trace.Calls(here+"(*place).waits"))
		assert.Greater(t, trace.Index(here+"generic[...]", len(trace.Frames)-1), at)
		assert.Equal(t, -1, trace.Index(here+"generic[...]", at))
		assert.Equal(t, -1, trace.Index("nothing", at))

		lines := trace.Lines(at)
		assert.Equal(t, trace.Title+":", lines[0])
		assert.Regexp(t, `^github\.com/\S+\.\(\*place\)\.waits\(\.\.\.\) /\S+/trace_test\.go:\d+$`, lines[len(lines)-1])
		assert.Len(t, lines, at+2)
	}
}

func TestStackWithFramesLeftOutIsRead(t *testing.T) {
	trace := parse(`goroutine 7 [running]:
main.inner({0x1, 0x2}, 0x3)
	/inner.go:1 +0x1
...12 frames elided...
main.outer(...)
	/outer.go:2
created by main.main in goroutine 1
	/main.go:3 +0x4`)
	assert.Equal(t, Trace{"goroutine 7 [running]", []Frame{
		{"main.inner", "{0x1, 0x2}, 0x3", "/inner.go:1"}, {"main.outer", "...", "/outer.go:2"},
	}}, trace)
}
