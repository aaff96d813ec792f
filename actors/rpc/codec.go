package rpc

import (
	"fmt"
	"reflect"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// Codec encodes the values that are no messages of protobuf. Its methods are called from
// any goroutine.
type Codec interface {
	// Name names the encoding. Both nodes must know it.
	Name() string
	// Marshal returns the encoded value.
	Marshal(value any) ([]byte, error)
	// Unmarshal decodes into what value points to. It must neither keep nor change data.
	Unmarshal(data []byte, value any) error
}

// JSON is the default [Codec]. What was encoded by it is always understood, whatever
// [Encoding] says.
//
// A string that is not valid UTF-8 cannot travel as JSON: it is an error that matches
// [ErrEncoding]. Give bytes that need not be text, such as the name of a file, as a
// []byte.
var JSON Codec = jsonCodec{}

type jsonCodec struct{}

func (jsonCodec) Name() string                           { return "json" }
func (jsonCodec) Marshal(value any) ([]byte, error)      { return marshalJSON(value) }
func (jsonCodec) Unmarshal(data []byte, value any) error { return unmarshalJSON(data, value) }

// encode returns a value as it travels. The error matches [ErrEncoding].
func (c *config) encode(value any) (p *wire.Payload, err error) {
	defer recovered(&err)
	p = &wire.Payload{}
	if m, ok := value.(proto.Message); ok {
		p.Type = string(m.ProtoReflect().Descriptor().FullName())
		p.Data, err = proto.Marshal(m)
	} else {
		p.Encoding = c.codec.Name()
		p.Data, err = c.codec.Marshal(value)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %T: %w", ErrEncoding, value, err)
	}
	return p, nil
}

// decode returns the value that has traveled. The error matches [ErrEncoding].
func decode[T any](c *config, p *wire.Payload) (value T, err error) {
	defer recovered(&err)
	if m, ok := any(value).(proto.Message); ok {
		value, err = decodeMessage[T](m, p)
	} else {
		value, err = unmarshal[T](c, p)
	}
	if err != nil {
		var none T
		return none, fmt.Errorf("%w: %v: %w", ErrEncoding, reflect.TypeFor[T](), err)
	}
	return value, nil
}

// recovered makes an error of a panic in a method of the user's.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: panic: %v", ErrEncoding, r)
	}
}

// decodeMessage decodes into a new message of the type of m, which may be a nil
// pointer.
func decodeMessage[T any](m proto.Message, p *wire.Payload) (value T, err error) {
	want := string(m.ProtoReflect().Descriptor().FullName())
	if p.Encoding != "" || p.Type != want {
		return value, fmt.Errorf("it is encoded as %q %s, not as the message %s", p.Encoding, p.Type, want)
	}
	decoded := m.ProtoReflect().New().Interface()
	if err := proto.Unmarshal(p.Data, decoded); err != nil {
		return value, err
	}
	return decoded.(T), nil
}

// unmarshal decodes what is no message of protobuf.
func unmarshal[T any](c *config, p *wire.Payload) (value T, err error) {
	switch name := p.Encoding; name {
	case c.codec.Name():
		err = c.codec.Unmarshal(slices.Clip(p.Data), &value)
	case JSON.Name():
		err = JSON.Unmarshal(p.Data, &value)
	default:
		err = fmt.Errorf("it is encoded as %q %s, not as %q", name, p.Type, c.codec.Name())
	}
	return value, err
}
