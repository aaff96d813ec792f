package actorstest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
)

// finding is a schedule that fails.
type finding struct {
	seed       uint64
	number, of int
	pattern    string // of the test's name
	text       string // what has failed
	order      []string
	exhaustive bool
	differs    string    // how another run of the seed differs; "" if it does not
	short      *schedule // near to the order without choices, with its steps; nil if it was not looked for
}

// examine runs a schedule that has failed again, and looks for a shorter one.
func (e *exploration) examine(s *schedule, faults, seed uint64) *finding {
	f := &finding{seed: seed, number: e.played, of: e.schedules, pattern: e.pattern(), text: s.text, order: s.order, exhaustive: e.exhaustive}
	if s.lost { // it would take as long again
		return f
	}
	chooser := newChooser(seed)
	if e.exhaustive {
		chooser = &replay{order: slices.Clone(s.order)}
	}
	if f.differs = compare(s, e.play(plan{chooser: chooser, seed: faults})); f.differs == "" {
		f.short = e.shorten(s, faults)
	}
	return f
}

// String says what fails, how to run it again, and its steps.
func (f *finding) String() string {
	var b strings.Builder
	if f.exhaustive { // it is the same each time
		fmt.Fprintf(&b, "actorstest: order %d fails\nagain: go test -run '%s'\n\n", f.number, f.pattern)
	} else {
		fmt.Fprintf(&b, "actorstest: schedule %d of %d fails, seed %d\n", f.number, f.of, f.seed)
		fmt.Fprintf(&b, "again: go test -run '%s' -%s=%d\n\n", f.pattern, seedFlag, f.seed)
	}
	steps, text := stepsOf(f.order), f.text
	switch {
	case f.differs != "":
		fmt.Fprintf(&b, "another run of that seed differs: %s\n"+
			"The program uses chance, real time, the order of a map, or channels that this package does not see.\n", f.differs)
	case f.short != nil:
		steps, text = f.short.trace, f.short.text
		fmt.Fprintf(&b, "%d steps, from %d:\n", len(steps), len(f.order))
	}
	writeSteps(&b, steps)
	fmt.Fprintf(&b, "\n%s\n", text)
	return b.String()
}

// pattern returns the argument of -run for the test, to stand between single quotes.
func (e *exploration) pattern() string {
	parts := strings.Split(e.t.Name(), "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.ReplaceAll(strings.Join(parts, "/"), "'", `'\''`)
}

// compare says how two runs of a schedule differ, "" if they do not.
func compare(a, b *schedule) string {
	n := min(len(a.order), len(b.order))
	for i := range n {
		if a.prints[i] != b.prints[i] {
			return fmt.Sprintf("at step %d, after %q, other things could go on", i+1, before(a.order, i))
		}
		if a.order[i] != b.order[i] {
			return fmt.Sprintf("step %d was %q, and then %q", i+1, a.order[i], b.order[i])
		}
	}
	switch {
	case len(a.order) != len(b.order):
		return fmt.Sprintf("it had %d steps, and then %d, after %q", len(a.order), len(b.order), before(a.order, n))
	case a.failed != b.failed:
		return "it does not fail again"
	default:
		return ""
	}
}

// before returns the step before a step.
func before(order []string, i int) string {
	if i == 0 {
		return "the begin"
	}
	return order[i-1]
}

func stepsOf(order []string) (steps []step) {
	for _, key := range order {
		steps = append(steps, step{key: key})
	}
	return steps
}

// mostSteps is how many steps are written down, the last ones.
const mostSteps = 200

func writeSteps(b *strings.Builder, steps []step) {
	skipped := max(0, len(steps)-mostSteps)
	if skipped > 0 {
		fmt.Fprintf(b, "      (%d steps before)\n", skipped)
	}
	for i, s := range steps[skipped:] {
		fmt.Fprintf(b, "%4d. %s\n", skipped+i+1, s.key)
		for _, note := range s.notes {
			fmt.Fprintf(b, "        %s\n", note)
		}
	}
}

// switches counts where another goroutine goes on than before.
func switches(order []string) (n int) {
	for i := 1; i < len(order); i++ {
		if name(order[i]) != name(order[i-1]) {
			n++
		}
	}
	return n
}

func name(key string) string {
	name, _, _ := strings.Cut(key, ": ")
	return name
}

// How much is done to shorten a schedule.
const (
	shortenTries = 400
	shortenTime  = 3 * time.Second
)

// shorten makes a schedule that fails as near to the order without choices as it still
// fails. What it returns has its steps written down.
func (e *exploration) shorten(s *schedule, seed uint64) *schedule {
	best := s
	try := func(order []string) bool {
		made := e.play(plan{chooser: &replay{order: order}, seed: seed})
		if !made.failed || made.lost {
			return false
		}
		before, after := switches(best.order), switches(made.order)
		if after > before || after == before && len(made.order) >= len(best.order) {
			return false
		}
		best = made
		return true
	}
	deadline, tries := time.Now().Add(shortenTime), 0
	for again := true; again; {
		again = false
		for size := max(1, len(best.order)/2); size > 0; size /= 2 {
			for at := 0; at+size <= len(best.order); at++ {
				if tries++; tries > shortenTries || time.Now().After(deadline) {
					return e.traced(best, seed)
				}
				again = try(slices.Delete(slices.Clone(best.order), at, at+size)) || again
			}
		}
	}
	return e.traced(best, seed)
}

// traced runs a schedule again, and has its steps written down.
func (e *exploration) traced(s *schedule, seed uint64) *schedule {
	made := e.play(plan{chooser: &replay{order: slices.Clone(s.order)}, seed: seed, tracing: true})
	if !made.failed {
		s.trace = stepsOf(s.order)
		return s
	}
	return made
}

// describeWait says what a function waits for.
func describeWait(on any) string {
	w, ok := on.(future.Wait)
	switch {
	case !ok:
		return ""
	case w.On != nil:
		return shortName(w.On.Name())
	case w.For != nil && w.For.What() != "":
		return w.For.What()
	default:
		return "several"
	}
}

// shortName returns the name of a function without the path of its package.
func shortName(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 && strings.Contains(name[i:], ".") {
		return name[i+1:]
	}
	return name
}

// callerName returns the path of a caller below its system.
func callerName(path string) string { return strings.TrimPrefix(path, "callers/") }
