package goroutine

import (
	"bytes"
	"iter"
	"runtime"
	"strings"
)

// largestDump bounds the dump of all goroutines, in bytes.
const largestDump = 64 << 20

// Dump returns the stacks of all goroutines. It stops the whole process for a moment.
func Dump() []byte {
	dump := make([]byte, max(1<<16, 2048*runtime.NumGoroutine()))
	n := runtime.Stack(dump, true)
	for n == len(dump) && n < largestDump {
		dump = make([]byte, 2*len(dump))
		n = runtime.Stack(dump, true)
	}
	return dump[:n]
}

func stacksOf(dump []byte) iter.Seq[[]byte] { return bytes.SplitSeq(dump, []byte("\n\n")) }

// Trace is the stack of one goroutine, the innermost frame first.
type Trace struct {
	Title  string // the number of the goroutine, and what it does
	Frames []Frame
}

// Frame is the call of a function.
type Frame struct {
	Function string // with the path of its package
	Args     string // its arguments as words, as far as they are known
	Position string // file and line
}

// mostFound bounds how many stacks are read: where very many goroutines do the same, some
// of them show what it is.
const mostFound = 32

// Find returns the stacks of a dump that have a frame of the function, at most
// mostFound of them. None has a frame of the function "".
//
// It prefers the stacks that contain the hint. Reading all of a large dump takes long.
func Find(dump []byte, function, hint string) []Trace {
	if function == "" {
		return nil
	}
	var found []Trace
	line := []byte("\n" + function + "(")
	for stack := range stacksOf(dump) {
		if bytes.Contains(stack, []byte(hint)) && bytes.Contains(stack, line) {
			found = append(found, parse(string(stack)))
		}
		if len(found) == mostFound {
			break
		}
	}
	if len(found) == 0 && hint != "" {
		return Find(dump, function, "")
	}
	return found
}

// parse reads a stack as the runtime writes it: a title, and two lines for each frame.
func parse(stack string) Trace {
	lines := strings.Split(strings.TrimSpace(stack), "\n")
	t := Trace{Title: strings.TrimSuffix(lines[0], ":")}
	for i := 1; i+1 < len(lines); i += 2 {
		if strings.HasPrefix(lines[i], "created by ") {
			break
		}
		if strings.HasPrefix(lines[i], "...") { // says on one line that frames are left out
			i--
			continue
		}
		f := Frame{Function: lines[i], Position: strings.TrimSpace(lines[i+1])}
		if open := strings.LastIndexByte(lines[i], '('); open >= 0 {
			f.Function, f.Args = lines[i][:open], strings.TrimSuffix(lines[i][open+1:], ")")
		}
		f.Position, _, _ = strings.Cut(f.Position, " +0x")
		t.Frames = append(t.Frames, f)
	}
	return t
}

// Calls returns the positions of the frames of the function.
func (t Trace) Calls(function string) (at []int) {
	for i := range t.Frames {
		if t.Frames[i].Function == function {
			at = append(at, i)
		}
	}
	return at
}

// Index returns the position of the outermost frame of the function, from the one at last
// inwards, or -1.
func (t Trace) Index(function string, last int) int {
	for i := last; i >= 0; i-- {
		if t.Frames[i].Function == function {
			return i
		}
	}
	return -1
}

// HasArg reports whether the argument of a call at an index is the pointer that was
// formatted with %p. A receiver is the first argument. It works for arguments that are
// one word each.
func (f Frame) HasArg(i int, pointer string) bool {
	args := strings.Split(f.Args, ", ")
	return i < len(args) && strings.TrimSuffix(args[i], "?") == pointer
}

// Lines returns the trace down to the frame at an index, a line for each frame.
func (t Trace) Lines(last int) []string {
	lines := []string{t.Title + ":"}
	for _, f := range t.Frames[:min(last+1, len(t.Frames))] {
		lines = append(lines, f.Function+"(...) "+f.Position)
	}
	return lines
}
