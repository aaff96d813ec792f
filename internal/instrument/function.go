package instrument

import (
	"maps"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// function is how spans describe a function.
type function struct {
	name      string // without the folders of its package
	attribute attribute.KeyValue
}

// functions caches the descriptions of functions by their entries. A program has
// few, so the map is copied when one is added.
type functions struct {
	mu   sync.Mutex
	seen atomic.Pointer[map[uintptr]*function]
}

// at returns the function with an entry, or nil if pc is 0.
func (f *functions) at(pc uintptr) *function {
	if pc == 0 {
		return nil
	}
	if seen := f.seen.Load(); seen != nil {
		if known := (*seen)[pc]; known != nil {
			return known
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make(map[uintptr]*function)
	if seen := f.seen.Load(); seen != nil {
		maps.Copy(all, *seen)
	}
	made := newFunction(pc)
	all[pc] = made
	f.seen.Store(&all)
	return made
}

func newFunction(pc uintptr) *function {
	name := "unknown"
	if fn := runtime.FuncForPC(pc); fn != nil {
		name = fn.Name()
	}
	short := strings.TrimSuffix(name[strings.LastIndexByte(name, '/')+1:], "-fm") // of a method value
	return &function{short, semconv.CodeFunctionName(name)}
}
