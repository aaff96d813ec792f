package mutate

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/explore"
	"github.com/seed-7fcaac1b/protocaller/internal/explore/instrument"
)

var (
	all = flag.Bool("explore.mutants", false, "explore each mutant, which takes long")
	one = flag.String("explore.only", "", "explore the mutants whose file, line and text match this regular expression")
	of  = flag.String("explore.mutant", "", "used by it: the number of mutants, and from which on to explore every other one")
)

const (
	atATime = 2 // programs that explore mutants
	sample  = 3 // how many mutants there are without -explore.mutants
)

// Set makes the program one of its mutants; 0 is none. Reset begins to count the rounds of
// loops anew. The file that [Subject.Test] adds sets both.
var (
	Set   func(n int)
	Reset = func() {}
)

// Subject is what is mutated: some files of a package, which the tests of the package in the
// current directory explore.
type Subject struct {
	Package string
	// Dir is the folder of the package. The default is the current directory.
	Dir string
	// Files are those of the package but for tests, by their names.
	Files map[string]string
	// Beside are files that are compiled with them, and not changed.
	Beside map[string]string
	// Elsewhere are files of other packages, by their paths, which are not changed.
	Elsewhere map[string]string
	// Changes reports whether a file is to be mutated.
	Changes func(name string) bool
	// Skips are functions in these files that are not mutated, with the type of a method.
	Skips []string
	// Instrumented says that the code uses package sim.
	Instrumented bool
	// Harmless are the mutants that change nothing that can be seen, with the reason. They are
	// named by their file and text; a line number would change too often.
	Harmless map[string]string
}

// Test deletes each statement, and negates each condition, one at a time. The exploration of
// the result must find something.
//
// All mutants are in one program, and a number chooses one. It takes much longer to build a
// program than to explore it. Without -explore.mutants it takes a few, and with -explore.only
// those that match. The program must have a TestMutant that calls [Explore].
func (s Subject) Test(t *testing.T) {
	m := newMutator(t, s)
	survivors := m.explore(t, instrument.Build(t, m.write(t)))
	compiled := len(m.mutants)
	require.NotZero(t, compiled)
	t.Logf("%d mutants compile, %d do not; %d are found: %.1f %%",
		compiled, m.broken, compiled-len(survivors), 100*float64(compiled-len(survivors))/float64(compiled))
	unexplained := 0
	for _, n := range survivors {
		reason := s.Harmless[m.mutants[n-1].file+": "+m.mutants[n-1].text]
		if reason == "" {
			unexplained++
			reason = "?"
		}
		t.Logf("survives: %s: %s", m.mutants[n-1], reason)
	}
	if *all && *one == "" { // few may be unlucky
		assert.GreaterOrEqual(t, 100*(compiled-len(survivors)), 95*compiled)
	}
	assert.Zero(t, unexplained, "mutants that survive, without a reason")
}

// Explore explores mutants, in the program that [Subject.Test] builds. It looks at the scripts
// thoroughly, and at the others shortly.
func Explore(t *testing.T, scripts, others []explore.Script) {
	if *of == "" {
		t.Skip("TestMutants runs it, in a program that has the mutants")
	}
	require.NotNil(t, Set)
	var n, first int
	_, err := fmt.Sscanf(*of, "%d,%d", &n, &first)
	require.NoError(t, err)
	Set(0)
	if n > sample {
		require.Empty(t, find(scripts, others), "what is not changed")
	}
	for i := first; i <= n; i += atATime {
		Set(i)
		fmt.Printf("mutant %d: %s\n", i, find(scripts, others))
	}
}

// find returns what an exploration finds, or "". It begins with little, because most mutants
// are found soon.
func find(scripts, others []explore.Script) string {
	try := func(of []explore.Script, look func(s explore.Script) explore.Exploration) string {
		for _, s := range of {
			Reset()
			if e := look(s); e.Found != nil {
				failure, _, _ := strings.Cut(e.Found.Failure, "\n")
				return s.Name + ": " + failure
			}
		}
		return ""
	}
	some := func(n int) func(s explore.Script) explore.Exploration {
		return func(s explore.Script) explore.Exploration { return explore.Some(s, n, explore.Seed()) }
	}
	for _, n := range []int{1, 8} {
		if found := try(scripts, some(n)); found != "" {
			return found
		}
	}
	if found := try(others, some(2)); found != "" {
		return found
	}
	return try(scripts, func(s explore.Script) explore.Exploration { return explore.All(s, 6000) })
}
