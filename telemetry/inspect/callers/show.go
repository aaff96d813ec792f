package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/seed-7fcaac1b/protocaller/telemetry/inspect"
)

const (
	// mostRows bounds the callers that top shows.
	mostRows = 20
	// mostText bounds each name and error, in characters.
	mostText = 300
)

// clean returns text on one line, without control characters, and cut.
func clean(text string) string {
	n := 0
	return strings.Map(func(r rune) rune {
		if n++; n > mostText {
			return -1
		}
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, text)
}

// started returns the calls that have started, in the order of the callers.
func started(s *inspect.Snapshot) (calls []*inspect.Call) {
	for _, c := range s.Callers {
		if c.Running != nil {
			calls = append(calls, c.Running)
		}
		calls = append(calls, c.Suspended...)
	}
	return calls
}

// table returns lines whose columns are parted by tabs, as a table.
func table(lines []string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		fmt.Fprintln(w, line)
	}
	_ = w.Flush() // a builder takes all
	return b.String()
}

// processes returns a line for each call that has started.
func processes(s *inspect.Snapshot) string {
	lines := []string{"CALL\tNAME\tCALLER\tSTATE\tFOR\tWAITS FOR"}
	for _, call := range started(s) {
		what := ""
		if w := call.WaitsFor; w != nil {
			what = w.What
			if w.Caller != "" {
				what += " on " + w.Caller
			}
		}
		lines = append(lines, fmt.Sprintf("%d\t%s\t%s\t%s\t%s\t%s", call.ID, call.Name, call.Caller, call.State, age(call), what))
	}
	return table(lines)
}

// age returns for how long a call has been in its state.
func age(c *inspect.Call) string {
	switch {
	case c.Age == nil:
		return "?"
	case c.AtLeast:
		return ">" + c.Age.String()
	default:
		return c.Age.String()
	}
}

// waits returns the circles with the calls behind them, and then all waits.
func waits(s *inspect.Snapshot) string {
	var b strings.Builder
	calls := make(map[uint64]*inspect.Call)
	for _, call := range started(s) {
		calls[call.ID] = call
	}
	name := func(id uint64) string {
		if call := calls[id]; call != nil {
			return fmt.Sprintf("#%d %s on %s", id, call.Name, call.Caller)
		}
		return fmt.Sprintf("#%d, which has not started", id)
	}
	for i, circle := range s.Circles {
		b.WriteString("circle:\n")
		for _, id := range circle {
			fmt.Fprintf(&b, "  %s\n", name(id))
		}
		for _, id := range s.Tails[i] {
			fmt.Fprintf(&b, "  behind it: %s\n", name(id))
		}
	}
	for _, call := range started(s) {
		if w := call.WaitsFor; w != nil {
			fmt.Fprintf(&b, "%s waits for %s\n", name(call.ID), w.What)
			for _, id := range w.Needs {
				fmt.Fprintf(&b, "  needs %s\n", name(id))
			}
		}
	}
	if b.Len() == 0 {
		return "no call waits\n"
	}
	return b.String()
}

// nodes returns a line for each other node, and the circles across nodes.
func nodes(s *inspect.Snapshot) string {
	if s.Node == nil {
		return "the process has no other nodes\n"
	}
	lines := []string{"NODE\tSTATE\tCALLERS\tIDENTITIES\tCALLS\tKEYS\tHEALTH"}
	line := func(address, state string, s *inspect.Snapshot) {
		lines = append(lines, fmt.Sprintf("%s\t%s\t%d\t%d\t%d\t%d\t%s", address, state, len(s.Callers)+s.Omitted,
			s.Node.IdentitiesN, s.Node.CallsN, s.Node.Remembered.Keys, s.Health()))
	}
	line(cmp.Or(s.Node.Address, "this one"), "asks", s)
	for _, n := range s.Nodes {
		if n.Snapshot == nil {
			lines = append(lines, fmt.Sprintf("%s\t%s\t\t\t\t\t%s", n.Address, n.State, n.Error))
			continue
		}
		line(n.Address, n.State, n.Snapshot)
	}
	text := table(lines)
	for _, circle := range s.Across {
		text += "circle across nodes:\n"
		for _, step := range circle {
			text += fmt.Sprintf("  %s\n", step)
		}
	}
	return text
}

// describe returns what is known of a call.
func describe(s *inspect.Snapshot, call *inspect.Call) string {
	lines := []string{
		fmt.Sprintf("call\t%d", call.ID), "name\t" + call.Name, "caller\t" + call.Caller, "state\t" + call.State, "for\t" + age(call),
	}
	if call.Due != nil {
		lines = append(lines, "due\t"+call.Due.Format(time.RFC3339))
	}
	if call.TraceID != "" {
		lines = append(lines, "trace\t"+call.TraceID, "span\t"+call.SpanID)
	}
	if m := call.MadeBy; m != nil && m.Call != 0 {
		lines = append(lines, fmt.Sprintf("made by\t#%d %s on %s", m.Call, m.Name, m.Caller))
	} else if m != nil && m.Node != "" {
		lines = append(lines, "made by\tnode "+m.Node)
	}
	if w := call.WaitsFor; w != nil {
		lines = append(lines, fmt.Sprintf("waits for\t%s (%s)", w.What, w.Kind))
	}
	if p := call.Progress; p != nil {
		lines = append(lines, fmt.Sprintf("progress\t%d of %d %s", p.Done, p.Total, p.Text))
	}
	for _, other := range started(s) {
		if w := other.WaitsFor; w != nil && slices.Contains(w.Needs, call.ID) {
			lines = append(lines, fmt.Sprintf("needed by\t#%d %s on %s", other.ID, other.Name, other.Caller))
		}
	}
	return table(lines)
}

// rates are how many calls the callers had begun at a time.
type rates struct {
	at    time.Time
	calls map[string]uint64
}

// of returns how many calls a second a caller has begun since then; 0 if that is not known.
func (r *rates) of(s *inspect.Snapshot, c *inspect.Caller) float64 {
	before, known := r.calls[c.ID]
	seconds := s.Taken.Sub(r.at).Seconds()
	if !known || seconds <= 0 || c.Counters.Calls < before {
		return 0
	}
	return float64(c.Counters.Calls-before) / seconds
}

// busiest returns the health, and the callers that do most: by their rates, and what they have
// to do. It notes the snapshot in before.
func busiest(s *inspect.Snapshot, before *rates) string {
	callers := slices.SortedStableFunc(slices.Values(s.Callers), func(a, b *inspect.Caller) int {
		return cmp.Or(cmp.Compare(before.of(s, b), before.of(s, a)), cmp.Compare(b.Queued, a.Queued), cmp.Compare(b.SuspendedN, a.SuspendedN))
	})
	lines := []string{"CALLER\tSTATE\tCALLS/S\tCALLS\tQUEUED\tWAITING\tFAILED\tRUNNING"}
	for _, c := range callers[:min(len(callers), mostRows)] {
		running := ""
		if c.Running != nil {
			running = c.Running.Name + " " + age(c.Running)
		}
		lines = append(lines, fmt.Sprintf("%s\t%s\t%.1f\t%d\t%d\t%d\t%d\t%s", c.ID, c.State, before.of(s, c), c.Counters.Calls,
			c.Queued, c.SuspendedN, c.Counters.Failures, running))
	}
	now := rates{s.Taken, make(map[string]uint64, len(s.Callers))}
	for _, c := range s.Callers {
		now.calls[c.ID] = c.Counters.Calls
	}
	*before = now
	return fmt.Sprintf("%s, up %v, %s\n%s\n\n%s", s.System, s.Uptime, s.Taken.Format(time.TimeOnly), s.Health(), table(lines))
}
