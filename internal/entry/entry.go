// Package entry finds the entry of a function, by which pendings, logs and spans name it.
package entry

import (
	"context"
	"reflect"
	"sync"
)

// NoResult returns a function that calls fn and has no result. Its entry is that of fn.
//
// It is not inlined: each copy of the function inside would have an entry of its own.
//
//go:noinline
func NoResult(fn func(context.Context) error) func(context.Context) (struct{}, error) {
	return func(ctx context.Context) (struct{}, error) {
		if q, ok := ctx.(*question); ok {
			q.wrapped = fn
			return struct{}{}, nil
		}
		return struct{}{}, fn(ctx)
	}
}

// Of returns the entry of a function. For one that [NoResult] has made, it returns the
// entry of what that calls.
func Of(fn any) uintptr {
	if pc := reflect.ValueOf(fn).Pointer(); pc != noResult {
		return pc
	}
	return ofWrapped(fn)
}

// ofWrapped is Of for a function that NoResult has made.
func ofWrapped(fn any) uintptr {
	q := questions.Get().(*question)
	defer questions.Put(q)
	_, _ = fn.(func(context.Context) (struct{}, error))(q)
	pc := reflect.ValueOf(q.wrapped).Pointer()
	q.wrapped = nil
	return pc
}

// noResult is the entry of all functions that NoResult makes.
var noResult = reflect.ValueOf(NoResult(func(context.Context) error { return nil })).Pointer()

// question asks a function that NoResult has made what it calls. Such a function runs no
// user code for it. It is a context so that it can be the argument.
type question struct {
	context.Context
	wrapped func(context.Context) error
}

var questions = sync.Pool{New: func() any { return &question{} }}
