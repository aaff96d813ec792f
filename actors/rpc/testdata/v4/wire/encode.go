package wire

import "encoding/binary"

// The functions of this file append frames to a batch.

// begin appends the head of a frame, whose length is not known yet.
func begin(b []byte, kind Kind) (batch []byte, at int) {
	b = append(b, byte(kind), 0, 0, 0)
	return b, len(b)
}

// end writes the length of the frame whose body begins at, and to which so many bytes are
// to be appended. It is a varint of three bytes, whatever it is.
func end(b []byte, at, more int) []byte {
	n := len(b) - at + more
	b[at-3], b[at-2], b[at-1] = byte(n)|0x80, byte(n>>7)|0x80, byte(n>>14)
	return b
}

func appendText[T ~string | ~[]byte](b []byte, text T) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

// versionAlone is the last version that spoke no other, and did not say so.
const versionAlone = 2

// AppendHello appends the frame with which a node introduces itself: [KindHello] or
// [KindWelcome].
func AppendHello(b []byte, kind Kind, h *Hello) []byte {
	b, at := begin(b, kind)
	b = binary.AppendUvarint(b, uint64(h.Version))
	b = append(b, h.Incarnation[:]...)
	b = appendText(b, h.Address)
	b = appendText(b, h.Target)
	b = binary.AppendUvarint(b, h.MaxSize)
	b = binary.AppendUvarint(b, uint64(h.MaxWindow))
	if h.Version > versionAlone {
		b = binary.AppendUvarint(b, uint64(h.Oldest))
	}
	return end(b, at, 0)
}

// AppendRefuse appends why a node refuses a session.
func AppendRefuse(b []byte, version uint32, e *Error) []byte {
	b, at := begin(b, KindRefuse)
	b = binary.AppendUvarint(b, uint64(version))
	return end(appendError(b, e), at, 0)
}

// AppendSignal appends a frame without a body: [KindPing] or [KindGoaway].
func AppendSignal(b []byte, kind Kind) []byte {
	b, at := begin(b, kind)
	return end(b, at, 0)
}

// AppendRequest appends a call. If it is chunked, its argument follows in chunks.
func AppendRequest(b []byte, number uint64, r *Request, chunked bool) []byte {
	b, at := begin(b, KindRequest)
	b = binary.AppendUvarint(b, number)
	flags := byte(0)
	if r.Worker {
		flags |= flagWorker
	}
	if chunked {
		flags |= flagChunked
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, r.Timeout)
	b = binary.AppendUvarint(b, uint64(r.Window))
	b = appendText(b, r.Function)
	b = appendText(b, r.Caller)
	b = appendText(b, r.Identity)
	b = appendText(b, r.Key)
	b = binary.AppendUvarint(b, uint64(len(r.Trace)))
	for _, text := range r.Trace {
		b = appendText(b, text)
	}
	return end(appendPayload(b, &r.Argument, chunked), at, 0)
}

// AppendResponse appends how a call has ended.
func AppendResponse(b []byte, number uint64, r *Response, chunked bool) []byte {
	b, at := begin(b, KindResponse)
	b = binary.AppendUvarint(b, number)
	switch {
	case r.Error != nil:
		b = appendError(append(b, flagError), r.Error)
	case chunked:
		b = appendPayload(append(b, flagChunked), &r.Result, true)
	default:
		b = appendPayload(append(b, 0), &r.Result, false)
	}
	return end(b, at, 0)
}

// AppendItem appends an item of a stream.
func AppendItem(b []byte, number uint64, value *Payload, chunked bool) []byte {
	b, at := begin(b, KindItem)
	b = binary.AppendUvarint(b, number)
	flags := byte(0)
	if chunked {
		flags = flagChunked
	}
	return end(appendPayload(append(b, flags), value, chunked), at, 0)
}

// AppendChunk appends the head of a chunk, to which so many bytes of data belong. They
// are to follow.
func AppendChunk(b []byte, number uint64, data int) []byte {
	b, at := begin(b, KindChunk)
	return end(binary.AppendUvarint(b, number), at, data)
}

// AppendCredit appends how many items of a stream may be sent in all.
func AppendCredit(b []byte, number, granted uint64) []byte {
	b, at := begin(b, KindCredit)
	b = binary.AppendUvarint(b, number)
	return end(binary.AppendUvarint(b, granted), at, 0)
}

// AppendCancel appends that nobody waits for a call any more, and why.
func AppendCancel(b []byte, number uint64, cause *Error) []byte {
	b, at := begin(b, KindCancel)
	b = binary.AppendUvarint(b, number)
	return end(appendError(b, cause), at, 0)
}

// AppendProbe appends a probe about a call.
func AppendProbe(b []byte, number uint64, p *Probe) []byte {
	b, at := begin(b, KindProbe)
	b = binary.AppendUvarint(b, number)
	b = append(b, byte(p.Phase))
	b = binary.AppendUvarint(b, p.Nonce)
	b = binary.AppendUvarint(b, p.Items)
	b = binary.AppendUvarint(b, uint64(p.At))
	b = binary.AppendUvarint(b, uint64(p.Last))
	b = binary.AppendUvarint(b, uint64(len(p.Hops)))
	for i := range p.Hops {
		h := &p.Hops[i]
		b = append(b, h.Node[:]...)
		b = binary.AppendUvarint(b, h.Root)
		b = binary.AppendUvarint(b, h.Exit)
		b = binary.AppendUvarint(b, h.Print)
		b = binary.AppendUvarint(b, h.Age)
		b = appendText(b, h.Where)
		b = appendText(b, h.Text)
	}
	return end(b, at, 0)
}

func appendPayload(b []byte, p *Payload, chunked bool) []byte {
	b = appendText(b, p.Encoding)
	b = appendText(b, p.Type)
	if chunked {
		return binary.AppendUvarint(b, uint64(len(p.Data)))
	}
	return append(b, p.Data...)
}

func appendError(b []byte, e *Error) []byte {
	flags := byte(0)
	if e.Panicked {
		flags |= flagPanicked
	}
	if e.NotRun {
		flags |= flagNotRun
	}
	if e.Again {
		flags |= flagAgain
	}
	b = append(b, flags)
	b = appendText(b, e.Text)
	b = appendText(b, e.Node)
	b = appendText(b, e.Stack)
	b = binary.AppendUvarint(b, uint64(len(e.Codes)))
	for _, code := range e.Codes {
		b = appendText(b, code)
	}
	return b
}
