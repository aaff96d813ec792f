package wire

import "google.golang.org/grpc/mem"

// Buffer is memory for a large payload, which is used again. Its zero value has none.
type Buffer struct {
	pooled *[]byte
	n      int
}

// Grow has room for more bytes, and size in all if there is too little.
func (b *Buffer) Grow(more, size int) {
	if b.pooled != nil && len(*b.pooled)-b.n >= more {
		return
	}
	larger := mem.DefaultBufferPool().Get(max(size, b.n+more))
	copy(*larger, b.Bytes())
	b.Free()
	b.pooled = larger
}

// Append appends bytes that there is room for.
func (b *Buffer) Append(data []byte) { b.n += copy((*b.pooled)[b.n:], data) }

// Bytes returns what was appended.
func (b *Buffer) Bytes() []byte {
	if b.pooled == nil {
		return nil
	}
	return (*b.pooled)[:b.n:b.n]
}

// Len returns how many bytes were appended.
func (b *Buffer) Len() int { return b.n }

// Free has the memory used again.
func (b *Buffer) Free() {
	if b.pooled != nil {
		mem.DefaultBufferPool().Put(b.pooled)
		b.pooled = nil
	}
}

// Move makes the bytes of a buffer the data of a payload.
func (b *Buffer) Move(p *Payload) {
	p.Data, p.pooled = b.Bytes(), b.pooled
	b.pooled = nil
}

// Free has the memory of a payload used again that nobody uses any more. It need not be
// called, and may be called twice.
func (p *Payload) Free() {
	if p.pooled != nil {
		mem.DefaultBufferPool().Put(p.pooled)
		p.Data, p.pooled = nil, nil
	}
}
