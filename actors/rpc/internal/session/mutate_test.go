package session

import (
	"strings"
	"testing"

	"github.com/seed-7fcaac1b/protocaller/internal/explore"
	"github.com/seed-7fcaac1b/protocaller/internal/explore/mutants"
)

var suite = mutants.Suite{
	Package:  "session",
	Has:      func(name string) bool { return name != "doc.go" },
	Harmless: harmless,
	Explore:  exploreMutated,
}

func TestMutants(t *testing.T) { suite.Run(t) }

func TestMutant(t *testing.T) { suite.RunOne(t) }

// exploreMutated begins with little, because most mutants are found soon.
func exploreMutated() string {
	try := func(of []script, look func(s explore.Script) explore.Exploration) string {
		for _, s := range of {
			mutants.Reset()
			if e := look(s.explored()); e.Found != nil {
				failure, _, _ := strings.Cut(e.Found.Failure, "\n")
				return s.name + ": " + failure
			}
		}
		return ""
	}
	for _, n := range []int{1, 8, 40} {
		for _, of := range [][]script{scripts(), hostiles()} {
			if found := try(of, func(s explore.Script) explore.Exploration { return explore.Some(s, n, explore.Seed()) }); found != "" {
				return found
			}
		}
	}
	return try(scripts(), func(s explore.Script) explore.Exploration { return explore.All(s, 50) })
}

var harmless = map[string]string{
	"client.go: delete return ClientEvent[C]{}, nil": "a ping means the same before the handshake is done and after",
}
