package session

import (
	"slices"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/internal/explore/instrument"
	"github.com/seed-7fcaac1b/protocaller/internal/explore/mutate"
)

// TestMutants mutates the halves of a session.
func TestMutants(t *testing.T) {
	mutate.Subject{
		Package: "session", Files: instrument.Files(t, "."),
		Instrumented: true, // so that it is known which buffers are free
		Changes: func(name string) bool { return name != "doc.go" },
	}.Test(t)
}

func TestMutant(t *testing.T) {
	mutate.Explore(t, explored(pointed()), explored(slices.Concat(scripts(), hostiles())))
}
