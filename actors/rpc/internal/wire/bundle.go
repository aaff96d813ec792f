package wire

import (
	"errors"
	"fmt"
	"iter"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// LargestBundle is how many bytes a bundle has at most, unless it is of one envelope.
	LargestBundle = 64 << 10
	// MostInBundle is how many envelopes a bundle has at most.
	MostInBundle = 256
	// smallBundle is how large one is, in bytes, that may live as long as a part of it.
	smallBundle = 8 << 10
)

var errBundle = errors.New("rpc: unpack: there is too much in a bundle")

// Pack returns a bundle of envelopes.
func Pack(all []*Envelope) (*Bundle, error) {
	size := 0
	for _, e := range all {
		size += protowire.SizeBytes(e.SizeVT())
	}
	data := make([]byte, 0, size)
	for _, e := range all {
		n := e.SizeVT()
		data = protowire.AppendVarint(data, uint64(n)) //nolint:gosec // It is no less than 0.
		room := data[len(data) : len(data)+n]
		if _, err := e.MarshalToSizedBufferVT(room); err != nil {
			return nil, fmt.Errorf("rpc: pack: %w", err)
		}
		data = data[:len(data)+n]
	}
	return &Bundle{Envelopes: data}, nil
}

// All returns what is in a bundle, one after the other, each in place of the one before:
// what it has may be kept, but not the envelope. After an error there is nothing more.
//
// Texts and bytes are those of the bundle itself if that is small, which then lives as
// long as one of them. What is kept for longer than a call has to be copied.
func (b *Bundle) All() iter.Seq2[*Envelope, error] {
	return func(yield func(*Envelope, error) bool) {
		decode := (*Envelope).UnmarshalVTUnsafe
		if len(b.GetEnvelopes()) > smallBundle {
			decode = (*Envelope).UnmarshalVT
		}
		e := &Envelope{}
		data := b.GetEnvelopes()
		for count := 0; len(data) > 0; count++ {
			if count == MostInBundle || count == 1 && len(b.GetEnvelopes()) > LargestBundle {
				yield(nil, errBundle)
				return
			}
			one, n := protowire.ConsumeBytes(data)
			if n < 0 {
				yield(nil, fmt.Errorf("rpc: unpack: %w", protowire.ParseError(n)))
				return
			}
			data = data[n:]
			e.Reset()
			if err := decode(e, one); err != nil {
				yield(nil, fmt.Errorf("rpc: unpack: %w", err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}
