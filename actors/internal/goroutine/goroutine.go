// Package goroutine tells goroutines apart, and finds their stacks.
package goroutine

import (
	"bytes"
	"runtime"
	"strconv"
	"sync"

	"github.com/petermattis/goid"
)

// ID returns the number of the goroutine that calls, as in a dump of stacks. No two
// goroutines of a process have the same. It takes some nanoseconds.
func ID() int64 {
	if isFast() {
		return goid.Get()
	}
	return idFromStack()
}

// isFast reports whether package goid knows this version of Go. It reads the number from
// where the runtime keeps it, so that is checked on two goroutines first.
var isFast = sync.OnceValue(func() bool {
	other := make(chan bool)
	go func() { other <- goid.Get() == idFromStack() }()
	return <-other && goid.Get() == idFromStack()
})

// prefix begins the dump of a goroutine; its number follows.
const prefix = "goroutine "

// idFromStack returns the number in the first line of a dump.
func idFromStack() int64 {
	var dump [64]byte
	line := bytes.TrimPrefix(dump[:runtime.Stack(dump[:], false)], []byte(prefix))
	if i := bytes.IndexByte(line, ' '); i >= 0 {
		line = line[:i]
	}
	id, _ := strconv.ParseInt(string(line), 10, 64) // the runtime has written a number
	return id
}

// Stack returns the stack of the goroutine with a number, or nil if there is none. It
// stops the whole process for a moment.
func Stack(id int64) []byte {
	first := append(strconv.AppendInt([]byte(prefix), id, 10), ' ')
	for stack := range stacksOf(Dump()) {
		if bytes.HasPrefix(stack, first) {
			return stack
		}
	}
	return nil
}
