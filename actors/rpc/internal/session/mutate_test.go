package session

import (
	"slices"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/internal/explore/instrument"
	"github.com/seed-7fcaac1b/protocaller/internal/explore/mutate"
)

// harmless are the mutants that change nothing that can be seen, with the reason.
var harmless = map[string]string{
	"client.go: delete return ClientEvent[C]{}, nil":                                                   "a ping means the same before the handshake is done and after",
	"core.go: delete if c.state == ended { ...":                                                        "nothing waits to be sent after the end",
	"core.go: delete return Batch{}, 0, false":                                                         "as above",
	"core.go: negate now.Sub(c.spoke) >= PingEvery && len(c.queue.control) == 0 && c.sending.IsZero()": "pings are sent more often",
	"queue.go: delete if cap(head) == bufferSize { ...":                                                "memory that is not used again",
	"queue.go: negate cap(head) == bufferSize":                                                         "memory of another size grows when it is used",
	"queue.go: delete buffers.Put(&head)":                                                              "memory that is not used again",
	"queue.go: delete q.waiting[0] = nil":                                                              "memory that is kept for longer",
	"queue.go: delete q.small[0] = smallBatch{}":                                                       "memory that is kept for longer",
	"queue.go: delete q.small = nil":                                                                   "memory that is kept for longer",
	"queue.go: delete return":                                                                          "a transfer is in the list once",
	"queue.go: delete if head == nil { ...":                                                            "memory that is not used again",
	"queue.go: delete return *buffers.Get().(*[]byte)":                                                 "memory that is not used again",
	"queue.go: delete b.Head = orBuffer(b.Head)":                                                       "memory that is not used again",
}

// TestMutants mutates the halves of a session.
func TestMutants(t *testing.T) {
	mutate.Subject{
		Package: "session", Files: instrument.Files(t, "."), Harmless: harmless,
		Changes: func(name string) bool { return name != "doc.go" },
	}.Test(t)
}

func TestMutant(t *testing.T) {
	mutate.Explore(t, explored(pointed()), explored(slices.Concat(scripts(), hostiles())))
}
