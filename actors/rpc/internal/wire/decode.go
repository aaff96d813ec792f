package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unsafe"
)

// ErrMalformed is matched by the error of what is no frame of this protocol.
var ErrMalformed = errors.New("rpc: malformed")

// maxTexts is how many texts a list in a frame may have.
const maxTexts = 256

// Reader reads the frames of a batch, which may come in several parts.
type Reader struct {
	parts [][]byte
	more  [][]byte
	left  int // bytes
}

// Reset has the reader read a batch.
func (r *Reader) Reset(parts ...[]byte) {
	r.parts, r.left = append(r.parts[:0], parts...), 0
	for _, part := range parts {
		r.left += len(part)
	}
}

// Left returns how many bytes are not read.
func (r *Reader) Left() int { return r.left }

// longestHead is how many bytes are needed for the kind of a frame and its length.
const longestHead = 1 + binary.MaxVarintLen32

// Next returns the kind and the body of the next frame. The body is that of the batch if
// it is in one part of it, and else a copy; of a chunk more is what is in further parts.
// Both hold as long as the batch, more until Next is called again.
func (r *Reader) Next() (kind Kind, body []byte, more [][]byte, err error) {
	head := r.peek()
	if len(head) == 0 {
		return 0, nil, nil, fmt.Errorf("%w: no frame", ErrMalformed)
	}
	kind = Kind(head[0])
	size, n := binary.Uvarint(head[1:])
	if n <= 0 || size > MaxFrame || size > uint64(r.left-1-n) { //nolint:gosec // The head is there.
		return 0, nil, nil, fmt.Errorf("%w: a frame of kind %d does not end", ErrMalformed, kind)
	}
	r.skip(1 + n)
	body, more = r.take(kind, int(size)) //nolint:gosec // It is no more than MaxFrame.
	return kind, body, more, nil
}

// peek returns the bytes that the head of the next frame is in.
func (r *Reader) peek() []byte {
	for len(r.parts) > 0 && len(r.parts[0]) == 0 {
		r.parts = r.parts[1:]
	}
	if len(r.parts) == 0 {
		return nil
	}
	if len(r.parts) == 1 || len(r.parts[0]) >= longestHead {
		return r.parts[0]
	}
	var head []byte
	for _, part := range r.parts {
		head = append(head, part[:min(len(part), longestHead-len(head))]...)
	}
	return head
}

// skip goes on behind so many bytes.
func (r *Reader) skip(n int) {
	r.left -= n
	for n > 0 {
		here := min(n, len(r.parts[0]))
		r.parts[0] = r.parts[0][here:]
		if n -= here; n > 0 {
			r.parts = r.parts[1:]
		}
	}
}

// take returns a body.
func (r *Reader) take(kind Kind, size int) (body []byte, more [][]byte) {
	for len(r.parts) > 0 && len(r.parts[0]) == 0 {
		r.parts = r.parts[1:]
	}
	if size == 0 {
		return nil, nil
	}
	r.left -= size
	if first := r.parts[0]; len(first) >= size {
		r.parts[0] = first[size:]
		return first[:size:size], nil
	}
	if _, n := binary.Uvarint(r.parts[0]); kind == KindChunk && n > 0 {
		body, more = r.parts[0], r.more[:0]
		for size -= len(body); size > 0; {
			r.parts = r.parts[1:]
			here := min(size, len(r.parts[0]))
			more = append(more, r.parts[0][:here])
			r.parts[0] = r.parts[0][here:]
			size -= here
		}
		r.more = more
		return body, more
	}
	body = make([]byte, 0, size)
	for size > 0 {
		here := min(size, len(r.parts[0]))
		body = append(body, r.parts[0][:here]...)
		r.parts[0] = r.parts[0][here:]
		if size -= here; size > 0 {
			r.parts = r.parts[1:]
		}
	}
	return body, nil
}

// Decode decodes the body of a frame. Texts and bytes of f are those of the body: they
// hold as long as it does.
func Decode(f *Frame, kind Kind, body []byte, more ...[]byte) error {
	*f = Frame{Kind: kind}
	d := decoder{rest: body}
	switch kind {
	case KindHello, KindWelcome:
		f.Hello = d.hello()
	case KindRefuse:
		f.Hello.Version = d.uint32()
		f.Response.Error = d.error()
	case KindPing, KindGoaway:
	case KindRequest:
		f.Number = d.uvarint()
		d.request(f)
	case KindResponse:
		f.Number = d.uvarint()
		switch flags := d.byte(); flags {
		case flagError:
			f.Response.Error = d.error()
		case 0, flagChunked:
			d.payload(f, &f.Response.Result, flags)
		default:
			d.fail("flags")
		}
	case KindItem:
		f.Number = d.uvarint()
		flags := d.byte()
		if flags&^flagChunked != 0 {
			d.fail("flags")
		}
		d.payload(f, &f.Value, flags)
	case KindChunk:
		f.Number = d.uvarint()
		f.Data, f.More, d.rest = d.rest, more, nil
		if size := f.DataSize(); size == 0 || size > ChunkSize {
			d.fail("chunk")
		}
	case KindCredit:
		f.Number = d.uvarint()
		f.Granted = d.uvarint()
	case KindCancel:
		f.Number = d.uvarint()
		f.Response.Error = d.error()
	case KindProbe:
		f.Number = d.uvarint()
		f.Probe = d.probe()
	default:
		d.fail("kind")
	}
	if len(d.rest) > 0 {
		d.fail("length")
	}
	if d.wrong != "" {
		return fmt.Errorf("%w: the %s of a frame of kind %d", ErrMalformed, d.wrong, kind)
	}
	return nil
}

// DataSize returns how many bytes a chunk has.
func (f *Frame) DataSize() int {
	size := len(f.Data)
	for _, more := range f.More {
		size += len(more)
	}
	return size
}

// Next decodes the first frame of a batch into f, and returns what is behind it. Texts
// and bytes of f are those of the batch: they hold as long as it does.
func Next(f *Frame, batch []byte) (rest []byte, err error) {
	var r Reader
	r.Reset(batch)
	kind, body, _, err := r.Next()
	if err != nil {
		return nil, err
	}
	return batch[len(batch)-r.Left():], Decode(f, kind, body)
}

// decoder reads the body of a frame. After a mistake it reads zeros.
type decoder struct {
	rest  []byte
	wrong string
}

func (d *decoder) fail(what string) {
	if d.wrong == "" {
		d.wrong = what
	}
	d.rest = nil
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.fail("end")
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) uvarint() uint64 {
	value, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail("number")
		return 0
	}
	d.rest = d.rest[n:]
	return value
}

func (d *decoder) uint32() uint32 {
	value := d.uvarint()
	if value > math.MaxUint32 {
		d.fail("number")
		return 0
	}
	return uint32(value)
}

func (d *decoder) bytes() []byte {
	size := d.uvarint()
	if size > uint64(len(d.rest)) {
		d.fail("text")
		return nil
	}
	b := d.rest[:size:size]
	d.rest = d.rest[size:]
	return b
}

// text returns a text that shares the memory of the batch.
func (d *decoder) text() string {
	b := d.bytes()
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // A batch is not changed while its frames are used.
}

func (d *decoder) texts() (all []string) {
	n := d.uvarint()
	if n == 0 {
		return nil
	}
	if n > maxTexts || n > uint64(len(d.rest)) {
		d.fail("list")
		return nil
	}
	all = make([]string, n)
	for i := range all {
		all[i] = d.text()
	}
	return all
}

func (d *decoder) hello() (h Hello) {
	h.Version = d.uint32()
	h.Incarnation = d.incarnation()
	h.Address, h.Target = d.text(), d.text()
	h.MaxSize, h.MaxWindow = d.uvarint(), d.uint32()
	h.Oldest = h.Version
	if h.Version > versionAlone {
		h.Oldest = d.uint32()
	}
	if h.Version > Version || h.Version < Oldest {
		d.rest = nil // other versions may have more to say
	}
	return h
}

func (d *decoder) incarnation() (i Incarnation) {
	if len(d.rest) < len(i) {
		d.fail("incarnation")
		return i
	}
	d.rest = d.rest[copy(i[:], d.rest):]
	return i
}

func (d *decoder) probe() *Probe {
	p := &Probe{Phase: Phase(d.byte()), Nonce: d.uvarint(), Items: d.uvarint()}
	switch {
	case p.Phase < Searching || p.Phase > Telling:
		d.fail("phase")
	case p.Phase < Asking:
		d.hops(p)
	case p.Phase < Telling:
		p.Call, p.Left = d.uvarint(), d.uint32()
		p.Of = Waiter{d.incarnation(), d.uvarint(), d.uvarint()}
		p.Circle = d.uvarint()
		if p.Left > MaxHops {
			d.fail("depth")
		}
	default:
		p.Call = d.uvarint()
		d.needs(p)
	}
	return p
}

func (d *decoder) hops(p *Probe) {
	p.At, p.Last = d.uint32(), d.uint32()
	n := d.uvarint()
	switch {
	case n == 0 || n > MaxHops || n > uint64(len(d.rest)):
		d.fail("list")
	case uint64(p.At) > n || uint64(p.Last) >= n:
		d.fail("place")
	default:
		p.Hops = make([]Hop, n)
	}
	for i := range p.Hops {
		p.Hops[i] = Hop{Node: d.incarnation(), Root: d.uvarint(), Exit: d.uvarint()}
		d.reason(&p.Hops[i])
	}
}

// reason reads what a hop says of its waits.
func (d *decoder) reason(h *Hop) {
	h.Print, h.Age = d.uvarint(), d.uvarint()
	h.Where, h.Text = d.text(), d.text()
	if len(h.Where) > MaxWhere || len(h.Text) > MaxText {
		d.fail("text")
	}
}

func (d *decoder) needs(p *Probe) {
	n := d.uvarint()
	if n > MaxNeeds || n > uint64(len(d.rest)) {
		d.fail("list")
		return
	}
	p.Needs = make([]Need, n)
	for i := range p.Needs {
		need := &p.Needs[i]
		need.Caller, need.Call = d.incarnation(), d.uvarint()
		need.Hop = Hop{Node: d.incarnation(), Root: d.uvarint()}
		d.reason(&need.Hop)
		need.Exits = d.exits()
	}
}

func (d *decoder) exits() []uint64 {
	n := d.uvarint()
	if n == 0 || n > MaxExits || n > uint64(len(d.rest)) {
		d.fail("list")
		return nil
	}
	exits := make([]uint64, n)
	for i := range exits {
		exits[i] = d.uvarint()
	}
	return exits
}

func (d *decoder) request(f *Frame) {
	r, flags := &f.Request, d.byte()
	if flags&^(flagWorker|flagChunked) != 0 {
		d.fail("flags")
	}
	r.Worker = flags&flagWorker != 0
	r.Timeout, r.Window = d.uvarint(), d.uint32()
	if r.Timeout > math.MaxInt64 {
		d.fail("timeout")
	}
	r.Function, r.Caller, r.Identity, r.Key = d.text(), d.text(), d.text(), d.text()
	r.Trace = d.texts()
	if len(r.Trace)%2 != 0 {
		d.fail("trace")
	}
	d.payload(f, &r.Argument, flags)
}

func (d *decoder) payload(f *Frame, p *Payload, flags byte) {
	p.Encoding, p.Type = d.text(), d.text()
	if flags&flagChunked == 0 {
		p.Data, d.rest = d.rest, nil
		return
	}
	f.Chunked, f.Total = true, d.uvarint()
	if f.Total == 0 || f.Total > math.MaxInt64 {
		d.fail("size")
	}
}

func (d *decoder) error() *Error {
	flags := d.byte()
	return &Error{
		Panicked: flags&flagPanicked != 0, NotRun: flags&flagNotRun != 0, Again: flags&flagAgain != 0,
		Text: d.text(), Node: d.text(), Stack: d.bytes(), Codes: d.texts(),
	}
}
