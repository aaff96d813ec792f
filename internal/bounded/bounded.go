// Package bounded makes values of user code safe to log.
package bounded

import (
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Limit is how many bytes of text a value has at most, besides a mark that it
// was cut.
const Limit = 1 << 10

// Value returns v for a log record. A [slog.LogValuer] is resolved. Numbers and
// times stay what they are. All else becomes text as by the verb %+v of package
// fmt, of at most about [Limit] bytes.
//
// The size of v does not matter, and v may contain itself. Methods of v that
// panic do no harm. A handler that keeps the result does not keep v. A struct
// that holds a lock is not read through its pointer: others may write to it.
func Value(v any) slog.Value {
	p := printer{left: Limit}
	return p.value(slog.AnyValue(v))
}

// printer writes text until nothing is left of its limit. Whatever contains
// something writes a byte before that, which bounds the recursion too.
type printer struct {
	text strings.Builder
	left int
}

// value returns v with text that was cut.
func (p *printer) value(v slog.Value) (safe slog.Value) {
	defer func() {
		if recover() != nil { // as for a map that was changed meanwhile
			safe = slog.StringValue("!PANIC")
		}
	}()
	switch v = v.Resolve(); v.Kind() {
	case slog.KindString:
		return slog.StringValue(p.cut(v.String()))
	case slog.KindGroup:
		var attrs []slog.Attr
		for _, a := range v.Group() {
			if p.left <= 0 {
				break
			}
			p.left--
			key := p.cut(a.Key)
			attrs = append(attrs, slog.Attr{Key: key, Value: p.value(a.Value)})
		}
		return slog.GroupValue(attrs...)
	case slog.KindAny:
		p.print(reflect.ValueOf(v.Any()), true)
		return slog.StringValue(p.text.String())
	default:
		return v
	}
}

// cut returns the part of s that the limit allows.
func (p *printer) cut(s string) string {
	if len(s) <= p.left {
		p.left -= len(s)
		return strings.Clone(s) // which may be a part of something huge
	}
	n := max(p.left, 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	p.left = 0
	return s[:n] + "…"
}

func (p *printer) write(s string) {
	if p.left > 0 {
		p.text.WriteString(p.cut(s))
	}
}

// print writes a value. Of pointers only one that is the value itself is
// followed, as in package fmt.
func (p *printer) print(v reflect.Value, top bool) {
	if p.left <= 0 {
		return
	}
	if p.printByMethod(v) {
		return
	}
	switch v.Kind() {
	case reflect.Invalid:
		p.write("<nil>")
	case reflect.Bool:
		p.write(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.write(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		p.write(strconv.FormatUint(v.Uint(), 10))
	case reflect.Float32, reflect.Float64:
		p.write(strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits()))
	case reflect.Complex64, reflect.Complex128:
		p.write(strconv.FormatComplex(v.Complex(), 'g', -1, v.Type().Bits()))
	case reflect.String:
		p.write(v.String())
	case reflect.Struct:
		p.printStruct(v)
	case reflect.Map:
		p.printMap(v)
	case reflect.Slice, reflect.Array:
		p.printList(v)
	case reflect.Interface:
		p.print(v.Elem(), false)
	case reflect.Pointer:
		if top && isComposite(v.Elem()) {
			p.write("&")
			p.print(v.Elem(), false)
			return
		}
		p.printAddress(v)
	default:
		p.printAddress(v)
	}
}

// printByMethod writes what a method of v says, if it has one for that.
func (p *printer) printByMethod(v reflect.Value) (printed bool) {
	if !v.IsValid() || !v.CanInterface() || v.Kind() == reflect.Interface {
		return false
	}
	var text func() string
	switch m := v.Interface().(type) {
	case slog.LogValuer: // inside of another value, or it would be resolved
		inner := printer{left: p.left}
		text = func() string { return inner.value(slog.AnyValue(m)).String() }
	case error:
		text = m.Error
	case fmt.Stringer:
		text = m.String
	default:
		return false
	}
	defer func() {
		switch {
		case recover() == nil:
		case v.Kind() == reflect.Pointer && v.IsNil():
			p.write("<nil>")
		default:
			p.write("!PANIC in a method of " + v.Type().String())
		}
		printed = true
	}()
	p.write(text())
	return true
}

func (p *printer) printStruct(v reflect.Value) {
	if isLocked(v.Type()) {
		p.write("{…}")
		return
	}
	p.write("{")
	for i := range v.NumField() {
		if p.left <= 0 {
			return
		}
		if i > 0 {
			p.write(" ")
		}
		p.write(v.Type().Field(i).Name + ":")
		p.print(v.Field(i), false)
	}
	p.write("}")
}

func (p *printer) printMap(v reflect.Value) {
	p.write("map[")
	for i, entries := 0, v.MapRange(); p.left > 0 && entries.Next(); i++ {
		if i > 0 {
			p.write(" ")
		}
		p.print(entries.Key(), false)
		p.write(":")
		p.print(entries.Value(), false)
	}
	p.write("]")
}

func (p *printer) printList(v reflect.Value) {
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		p.write(string(v.Bytes()[:min(v.Len(), p.left+1)]))
		return
	}
	p.write("[")
	for i := range v.Len() {
		if p.left <= 0 {
			return
		}
		if i > 0 {
			p.write(" ")
		}
		p.print(v.Index(i), false)
	}
	p.write("]")
}

// printAddress writes what is not looked into.
func (p *printer) printAddress(v reflect.Value) {
	if v.IsNil() {
		p.write("<nil>")
		return
	}
	p.write("(" + v.Type().String() + ")(0x" + strconv.FormatUint(uint64(v.Pointer()), 16) + ")")
}

// isComposite reports whether v is something to be looked into.
func isComposite(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Struct:
		return !isLocked(v.Type())
	case reflect.Map, reflect.Slice, reflect.Array:
		return true
	default:
		return false
	}
}

var locker = reflect.TypeFor[sync.Locker]()

// isLocked reports whether a struct has a lock among its fields.
func isLocked(t reflect.Type) bool {
	for f := range t.Fields() {
		if f.Type.Implements(locker) || reflect.PointerTo(f.Type).Implements(locker) {
			return true
		}
	}
	return false
}
