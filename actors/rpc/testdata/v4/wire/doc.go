// Package wire is what two nodes send each other in a session: batches of frames. It
// encodes and decodes them, with hard bounds, and knows nothing of their order. What
// they mean is written in PROTOCOL.md of package rpc.
package wire

const (
	// Version is that of the protocol that this package describes.
	Version = 4
	// Oldest is the oldest version that it understands. Older ones differ in the handshake, and
	// know no probes.
	Oldest = 2
	// Probing is the first version that knows probes.
	Probing = 4

	// ChunkSize is how much of a large payload one frame has at most, in bytes.
	ChunkSize = 256 << 10
	// SmallChunk is how much it has while small frames are sent as well.
	SmallChunk = 32 << 10
	// InlineSize is how large a payload may be that goes in one piece, in bytes.
	InlineSize = 16 << 10
	// MaxMeta is how large a frame may be without its payload, in bytes.
	MaxMeta = 160 << 10 // less than MaxFrame with a payload that goes in one piece
	// MaxFrame is how large the body of a frame may be, in bytes.
	MaxFrame = ChunkSize + 16
	// BatchSize is how much a batch has of frames before the last one, at most.
	BatchSize = 32 << 10
	// MaxBatch is how large a batch may be, in bytes: small frames and one chunk.
	MaxBatch = BatchSize + MaxFrame + ChunkSize
	// MaxTransfers is how many large payloads may be under way at a time, each way.
	MaxTransfers = 4
	// MaxHops is how many nodes a probe may have visited, one of them several times.
	MaxHops = 64
	// MaxWhere is how long the names in a hop may be, in bytes.
	MaxWhere = 128
	// MaxText is how long its text may be, in bytes.
	MaxText = 256
)

// Kind says what a frame is.
type Kind byte

// Of these a frame is one. Hello comes first from the node that calls, Welcome or
// Refuse from the one that serves.
const (
	KindHello Kind = iota + 1
	KindWelcome
	KindRefuse
	KindPing
	KindGoaway
	KindRequest
	KindResponse
	KindItem
	KindChunk
	KindCredit
	KindCancel
	KindProbe
)

const (
	flagWorker = 1 << iota
	flagChunked
	flagError
)

const (
	flagPanicked = 1 << iota
	flagNotRun
	flagAgain
)
