package wire

// NewRequest returns an envelope with a request that is to be filled in: one piece of
// memory, as those of the other functions here, of which each call has some.
func NewRequest() (*Envelope, *Request) {
	m := &struct {
		envelope Envelope
		request  Request
	}{}
	m.envelope.Version, m.envelope.Request = Version, &m.request
	return &m.envelope, &m.request
}

// NewItem returns an envelope with an item of a stream.
func NewItem(position uint64, value *Payload) *Envelope {
	m := &struct {
		envelope Envelope
		item     Item
	}{}
	m.item.Position, m.item.Value = position, value
	m.envelope.Version, m.envelope.Item = Version, &m.item
	return &m.envelope
}
