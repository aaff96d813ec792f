package actors_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
)

// script are the choices that follow from the bytes of a fuzzer. When they are
// used up everything is 0.
type script struct{ bytes []byte }

// longestPart is how many bytes a part of a program takes at most.
const longestPart = 64

func (s *script) below(n int) int {
	if len(s.bytes) == 0 {
		return 0
	}
	b := s.bytes[0]
	s.bytes = s.bytes[1:]
	return int(b) % n
}

func (s *script) fork() choices {
	n := min(s.below(longestPart), len(s.bytes))
	part := &script{s.bytes[:n]}
	s.bytes = s.bytes[n:]
	return part
}

// separator ends the bytes of one goroutine.
var separator = []byte{0xff}

// FuzzOperations has a few goroutines do random operations on a small tree. A
// byte string is the operations of one goroutine after those of the other. They
// interleave differently each time. So there is little sense in looking for the
// shortest string with the same effect: -fuzzminimizetime 10x.
func FuzzOperations(f *testing.F) {
	const goroutines, longest = 4, 1 << 10
	for seed := range uint64(8) {
		f.Add(randomScript(newSeeded(seed, 0)), seed%2 == 0)
	}
	f.Fuzz(func(t *testing.T, operations []byte, drain bool) {
		operations = operations[:min(len(operations), longest)]
		w := newWorld(t)
		var all sync.WaitGroup
		for i, part := range bytes.SplitN(operations, separator, goroutines) {
			all.Go(func() {
				s := &script{part}
				p := w.program(fmt.Sprint("goroutine ", i), s)
				for len(s.bytes) > 0 {
					p.step()
				}
			})
		}
		w.within("the programs", all.Wait)
		w.finish(drain)
	})
}

// randomScript returns something for the fuzzer to begin with.
func randomScript(choose choices) []byte {
	s := make([]byte, 128+choose.below(256))
	for i := range s {
		s[i] = byte(choose.below(256))
	}
	return s
}
