package wire

import "google.golang.org/protobuf/proto"

// Size returns how many bytes a payload brings along, without the few that its
// encoding adds. It is asked for several times for each call, and proto.Size, which
// knows those too, takes its time to find out about the fields.
func (p *Payload) Size() int {
	return len(p.GetEncoding()) + len(p.GetType()) + len(p.GetData())
}

// Size is that of all that a request has.
func (r *Request) Size() int {
	size := len(r.GetFunction()) + len(r.GetCaller()) + len(r.GetKey()) + len(r.GetIdentity()) + r.GetArgument().Size()
	for name, value := range r.GetTrace() {
		size += len(name) + len(value)
	}
	return size
}

// Size is that of the outcome of a call.
func (r *Response) Size() int {
	if r.GetError() != nil {
		return proto.Size(r)
	}
	return r.GetResult().Size()
}

// Size is that of an item of a stream.
func (i *Item) Size() int { return i.GetValue().Size() }

// Size is that of what an envelope holds.
func (e *Envelope) Size() int {
	return e.GetRequest().Size() + e.GetResponse().Size() + e.GetItem().Size() + proto.Size(e.GetCancel())
}
