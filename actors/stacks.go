package actors

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors/internal/goroutine"
)

func functionName(fn any) string { return nameAt(reflect.ValueOf(fn).Pointer()) }

// nameAt returns the name, as in a stack, of the function with an entry; "" for none.
func nameAt(entry uintptr) string {
	fn := runtime.FuncForPC(entry)
	if fn == nil {
		return ""
	}
	return strings.TrimSuffix(fn.Name(), "-fm")
}

// mostStacks bounds how many stacks are shown where it is not clear which one it is.
const mostStacks = 4

// stacks are those of goroutines that run a function.
type stacks []stack

type stack struct {
	goroutine.Trace
	entry int // the frame of that function
}

// findCalls returns the stacks that run one of the functions within outer. If outer has got
// the pointer as its argument in some of them, it returns these alone, and is certain. A
// stack may have several calls of outer: calls in place run one task within another.
func findCalls(dump []byte, outer string, arg int, pointer any, functions ...string) (found stacks, certain bool) {
	formatted := fmt.Sprintf("%p", pointer)
	var exact, possible stacks
	for _, function := range functions {
		for _, trace := range goroutine.Find(dump, function, formatted) {
			s := stack{trace, -1}
			for _, at := range trace.Calls(outer) {
				switch entry := trace.Index(function, at); {
				case entry < 0:
				case trace.Frames[at].HasArg(arg, formatted):
					exact = append(exact, stack{trace, entry})
				default:
					s.entry = max(s.entry, entry)
				}
			}
			if s.entry >= 0 {
				possible = append(possible, s)
			}
		}
	}
	if len(exact) > 0 {
		return exact, true
	}
	return possible, false
}

// lines returns the stacks from where they are to the function that they were found by.
func (found stacks) lines() (lines []string) {
	for i, s := range found {
		if i == mostStacks {
			return append(lines, fmt.Sprintf("and %d more goroutines", len(found)-i))
		}
		lines = append(lines, s.Lines(s.entry)...)
	}
	return lines
}

// libraries are the packages between a handler of ours and what it calls of user code.
var libraries = []string{
	reflect.TypeFor[Caller]().PkgPath() + ".", strings.TrimSuffix(reflect.TypeFor[actor.PID]().PkgPath(), "actor"), "runtime.", "panic",
}

// userFunction returns the first function of user code that was called, if there is one.
func (found stacks) userFunction() string {
	if len(found) != 1 {
		return "one of several"
	}
	s := found[0]
frames:
	for i := s.entry - 1; i >= 0; i-- {
		for _, library := range libraries {
			if strings.HasPrefix(s.Frames[i].Function, library) {
				continue frames
			}
		}
		return s.Frames[i].Function
	}
	return s.Frames[s.entry].Function
}
