package inspect

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// String returns the callers as a tree, with what they do, and then the circles of waits.
// It ends with a line feed.
func (s *Snapshot) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, up %v, %s\n", s.System, s.Uptime, s.Taken.Format(time.TimeOnly))
	byID := make(map[string]*Caller, len(s.Callers))
	for _, c := range s.Callers {
		byID[c.ID] = c
	}
	var draw func(c *Caller, indent string)
	draw = func(c *Caller, indent string) {
		fmt.Fprintf(&b, "%s%s  %s\n", indent, c.Name, c.Summary())
		for _, call := range c.started() {
			fmt.Fprintf(&b, "%s    %s\n", indent, call)
		}
		for _, id := range c.Children {
			draw(byID[id], indent+"  ")
		}
	}
	for _, c := range s.Callers {
		if byID[c.Parent] == nil {
			draw(c, "")
		}
	}
	if s.Truncated {
		fmt.Fprintf(&b, "and %d more\n", s.Omitted)
	}
	calls := s.callsByID()
	for i := range s.Circles {
		b.WriteString(s.describeCircle(i, calls))
	}
	for _, n := range s.Nodes {
		fmt.Fprintf(&b, "node %s\n", n)
	}
	for _, circle := range s.Across {
		b.WriteString("circle across nodes: " + describeSteps(circle) + "\n")
	}
	return b.String()
}

// String returns on one line how a node does.
func (n *OtherNode) String() string {
	text := n.Address + " " + n.State
	if n.Error != "" {
		text += ": " + n.Error
	}
	if s := n.Snapshot; s != nil {
		text += fmt.Sprintf(": %d callers, %d identities, %d calls between nodes, %s",
			len(s.Callers)+s.Omitted, s.Node.IdentitiesN, s.Node.CallsN, s.Health())
	}
	return text
}

// describeSteps returns a circle of calls of different nodes as text.
func describeSteps(circle []Step) string {
	steps := make([]string, len(circle))
	for i, step := range circle {
		steps[i] = step.String()
	}
	return strings.Join(steps, " waits for ") + ", and so on"
}

// Summary returns on one line what the caller does: its state, and what is not zero.
func (c *Caller) Summary() string {
	parts := []string{c.State}
	add := func(n int, format string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf(format, n))
		}
	}
	if c.Host != "" {
		parts = append(parts, "on "+c.Host)
	} else if c.Backend != "goroutine" {
		parts = append(parts, "on a "+c.Backend)
	}
	if c.Handling {
		parts = append(parts, "handles a message")
	}
	add(c.Queued, "%d queued")
	if c.OldestQueued != nil {
		parts[len(parts)-1] += " for " + c.OldestQueued.String()
	}
	add(c.SuspendedN, "%d waiting")
	add(c.DelayedN, "%d delayed")
	add(c.Workers.Total, "%d workers")
	add(c.Workers.Queued, "%d calls without one")
	add(int(c.Restarts), "%d restarts") //nolint:gosec // It is shown.
	for _, q := range c.Queues {
		add(q.Items, "%d items in "+strings.ReplaceAll(q.Name, "%", "%%"))
	}
	return strings.Join(parts, ", ")
}

// String returns on one line what the call does, and for how long.
func (c *Call) String() string {
	text := fmt.Sprintf("#%d %s %s", c.ID, c.Name, c.State)
	if c.WaitsFor != nil {
		text += " for " + c.WaitsFor.What
		if c.WaitsFor.Caller != "" {
			text += " on " + c.WaitsFor.Caller
		}
	}
	if p := c.Progress; p != nil {
		text += fmt.Sprintf(", %d of %d %s", p.Done, p.Total, p.Text)
	}
	if c.Age != nil {
		more := ""
		if c.AtLeast {
			more = "more than "
		}
		text += fmt.Sprintf(", for %s%v", more, *c.Age)
	}
	return text
}

// describeCircle returns a line for a circle, and one for who only waits for it.
func (s *Snapshot) describeCircle(i int, calls map[uint64]*Call) string {
	steps := []string{}
	for _, id := range s.Circles[i] {
		if call := calls[id]; call != nil {
			steps = append(steps, fmt.Sprintf("#%d %s on %s", id, call.Name, call.Caller))
		} else {
			steps = append(steps, fmt.Sprintf("#%d, which is queued", id))
		}
	}
	text := "circle: " + strings.Join(steps, " waits for ") + ", and so on\n"
	if tail := s.Tails[i]; len(tail) > 0 {
		text += fmt.Sprintf("  %d more wait for it\n", len(tail))
	}
	return text
}

// callsByID returns the calls that have started.
func (s *Snapshot) callsByID() map[uint64]*Call {
	calls := make(map[uint64]*Call)
	for _, c := range s.Callers {
		for _, call := range c.started() {
			calls[call.ID] = call
		}
	}
	return calls
}

// Caller returns the caller with an id, or nil.
func (s *Snapshot) Caller(id string) *Caller {
	i := slices.IndexFunc(s.Callers, func(c *Caller) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return s.Callers[i]
}

// Call returns the call with an id, of those that have started or are delayed, or nil.
func (s *Snapshot) Call(id uint64) *Call {
	for _, c := range s.Callers {
		for _, call := range slices.Concat(c.started(), c.Delayed) {
			if call.ID == id {
				return call
			}
		}
	}
	return nil
}
