package rpc

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"
)

// errNotUTF8 is why a value cannot travel as JSON.
var errNotUTF8 = errors.New("a string is not valid UTF-8, as a []byte it would travel unchanged")

// replacements are the two forms of one character in JSON. The first is what JSON has in
// place of bytes that are not UTF-8. The second is that of the character itself.
var replacements = [...][]byte{[]byte(`\ufffd`), []byte("\uFFFD")}

// marshalJSON encodes a value as JSON. Package json would replace bytes that are not UTF-8,
// so that another string arrives.
func marshalJSON(value any) ([]byte, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(data) { // as a json.RawMessage may have it
		return nil, errNotUTF8
	}
	for _, replacement := range replacements {
		if bytes.Contains(data, replacement) && !hasText(reflect.ValueOf(value)) {
			return nil, errNotUTF8
		}
	}
	return data, nil
}

// unmarshalJSON decodes JSON, which is UTF-8.
func unmarshalJSON(data []byte, value any) error {
	if !utf8.Valid(data) {
		return errNotUTF8
	}
	return json.Unmarshal(data, value)
}

// hasText reports whether all strings of a value that package json has encoded are UTF-8.
func hasText(v reflect.Value) bool {
	if !v.IsValid() {
		return true
	}
	if text, known := encodesText(v); known {
		return text
	}
	switch v.Kind() {
	case reflect.String:
		return utf8.ValidString(v.String())
	case reflect.Pointer, reflect.Interface:
		return hasText(v.Elem())
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() <= reflect.Complex128 { // as of a []byte
			return true
		}
		for i := range v.Len() {
			if !hasText(v.Index(i)) {
				return false
			}
		}
	case reflect.Map:
		for iter := v.MapRange(); iter.Next(); {
			if !hasText(iter.Key()) || !hasText(iter.Value()) {
				return false
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); isEncoded(field) && !hasText(v.Field(i)) {
				return false
			}
		}
	}
	return true
}

// isEncoded reports whether package json looks at a field.
func isEncoded(f reflect.StructField) bool {
	return (f.IsExported() || f.Anonymous) && f.Tag.Get("json") != "-"
}

// encodesText is hasText for values with methods that encode them. Those that make JSON
// themselves are not looked into.
func encodesText(v reflect.Value) (valid, known bool) {
	if !v.CanInterface() || v.Kind() == reflect.Pointer && v.IsNil() {
		return false, false
	}
	value := v.Interface()
	if v.CanAddr() {
		value = v.Addr().Interface()
	}
	switch value := value.(type) {
	case json.Marshaler:
		return true, true
	case encoding.TextMarshaler:
		text, err := value.MarshalText()
		return err != nil || utf8.Valid(text), true
	default:
		return false, false
	}
}

// checkNames returns why a call cannot be made of a function on a target: their names travel
// as text.
func checkNames(function string, target Target) error {
	if !utf8.ValidString(function) {
		return fmt.Errorf("%w: the function %q is not valid UTF-8", ErrEncoding, function)
	}
	if at, ok := target.(endpoint); ok && utf8.ValidString(at.address) && utf8.ValidString(at.caller) {
		return nil // without the memory that its name needs
	}
	if name := target.String(); !utf8.ValidString(name) {
		return fmt.Errorf("%w: the target %q is not valid UTF-8", ErrEncoding, name)
	}
	return nil
}
