package pending

import "reflect"

// requirePending panics where a pending is nil that is given to a function: who
// uses it later could not say where it comes from.
func requirePending(h Handle, message string) {
	if h == nil {
		panic(message)
	}
	if v := reflect.ValueOf(h); v.Kind() == reflect.Pointer && v.IsNil() {
		panic(message)
	}
}
