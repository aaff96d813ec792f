package rpc

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// mostParts is how many messages, types, targets, senders and headers there are in one
	// message of protoactor's remote at most. By default protoactor puts 1000 messages into one.
	mostParts = 50_000

	// The fields of protoactor's messages that repeat.
	fieldBatch     = 1 // of remote.RemoteMessage
	fieldEnvelopes = 3 // of remote.MessageBatch
	fieldHeader    = 6 // of remote.MessageEnvelope
)

// checkParts returns an error if a message of protoactor's remote, as it travels, has too
// many parts. An empty part takes two bytes, and a hundred times that when it is decoded.
func checkParts(message []byte) error {
	parts := 0
	count := func() error {
		if parts++; parts > mostParts {
			return fmt.Errorf("more than %d parts in one message", mostParts)
		}
		return nil
	}
	return eachField(message, func(number protowire.Number, batch []byte) error {
		if err := count(); err != nil || number != fieldBatch {
			return err
		}
		return eachField(batch, func(number protowire.Number, envelope []byte) error {
			if err := count(); err != nil || number != fieldEnvelopes {
				return err
			}
			return eachField(envelope, func(number protowire.Number, header []byte) error {
				if number != fieldHeader {
					return nil
				}
				return eachField(header, func(protowire.Number, []byte) error { return count() })
			})
		})
	})
}

// eachField calls what is given for each field of an encoded message that has a length.
func eachField(message []byte, call func(number protowire.Number, content []byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
				return protowire.ParseError(n)
			}
			message = message[n:]
			continue
		}
		content, n := protowire.ConsumeBytes(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := call(number, content); err != nil {
			return err
		}
		message = message[n:]
	}
	return nil
}
