// Package safeerrors looks into errors whose methods are user code. Such a method may panic,
// or end its goroutine with runtime.Goexit. Neither reaches the caller of this package.
package safeerrors

import (
	"errors"
	"reflect"
	"strings"
)

// Is is [errors.Is]. It reports false if a method of err panics or ends its goroutine.
func Is(err, target error) (is bool) {
	look(err, func() { is = errors.Is(err, target) })
	return is
}

// As is [errors.AsType]. It reports false if a method of err panics or ends its goroutine.
func As[E error](err error) (found E, ok bool) {
	look(err, func() { found, ok = errors.AsType[E](err) })
	return found, ok
}

// look calls fn, which calls methods of err. It does so on another goroutine if these may be
// user code.
func look(err error, fn func()) {
	guarded := func() {
		defer func() { _ = recover() }()
		fn()
	}
	if isTrusted(err) {
		guarded()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		guarded()
	}()
	<-done
}

// isTrusted reports whether no error in the tree of err has methods of user code that
// [errors.Is] and [errors.AsType] call.
func isTrusted(err error) bool {
	if err == nil {
		return true
	}
	if !isOurs(err) {
		return !hasMethods(err)
	}
	switch err := err.(type) { //nolint:errorlint // The tree is walked step by step.
	case interface{ Unwrap() error }:
		return isTrusted(err.Unwrap())
	case interface{ Unwrap() []error }:
		for _, part := range err.Unwrap() {
			if !isTrusted(part) {
				return false
			}
		}
	}
	return true
}

// hasMethods reports whether an error has methods that [errors.Is] and [errors.AsType] call,
// or may panic when it is compared.
func hasMethods(err error) bool {
	switch err.(type) { //nolint:errorlint // It is this error that is asked.
	case interface{ Is(target error) bool },
		interface{ As(target any) bool },
		interface{ Unwrap() error },
		interface{ Unwrap() []error }:
		return true
	default:
		return reflect.TypeOf(err).Kind() != reflect.Pointer
	}
}

// module is the path of this module.
const module = "github.com/seed-7fcaac1b/protocaller/"

// isOurs reports whether the methods of an error are those of the standard library, or of
// this module.
func isOurs(err error) bool {
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		if reflect.ValueOf(err).IsNil() {
			return false
		}
		t = t.Elem()
	}
	switch path := t.PkgPath(); path {
	case "context", "errors", "fmt":
		return true
	default:
		return strings.HasPrefix(path, module) && !strings.HasSuffix(path, "_test")
	}
}
