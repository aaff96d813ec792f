// Package wire is the envelope in which calls travel between nodes.
package wire

//go:generate protoc --go_out=. --go_opt=paths=source_relative --go-vtproto_out=. --go-vtproto_opt=paths=source_relative,features=marshal+unmarshal+unmarshal_unsafe+size envelope.proto

// Version is that of the envelopes that this package describes.
const Version = 1
