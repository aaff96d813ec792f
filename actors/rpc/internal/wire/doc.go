// Package wire is the envelope in which calls travel between nodes.
package wire

//go:generate protoc --go_out=. --go_opt=paths=source_relative envelope.proto

// Version is that of the envelopes that this package describes.
const Version = 1
