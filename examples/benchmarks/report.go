package main

import (
	"fmt"
	"io"
)

func writeHead(w io.Writer) {
	fmt.Fprintln(w, "| # | ours | | against | | ratio | rounds | bar | |")
	fmt.Fprintln(w, "| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
}

func writeRow(w io.Writer, f figure, c comparison) {
	ratio, rounds := f.ratio(c)
	verdict := "**missed**"
	switch {
	case f.bar == bar{}:
		verdict = ""
	case f.bar.reached(c):
		verdict = "pass"
	}
	fmt.Fprintf(w, "| %d | %s | %v | %s | %v | %s | %s | %v | %s |\n", f.number,
		f.ours.name, c.ours, f.theirs.name, c.theirs, ratio, rounds, f.bar, verdict)
}

// ratio describes the ratio of a comparison, and its range over the rounds, in
// the terms of the bar.
func (f figure) ratio(c comparison) (ratio, rounds string) {
	switch {
	case f.theirs.run == nil:
		return "", ""
	case f.bar.faster > 0:
		return fmt.Sprintf("%.1f times faster", 1/c.ratio), fmt.Sprintf("%.1f to %.1f", 1/c.highest, 1/c.lowest)
	default:
		return fmt.Sprintf("%.2f times", c.ratio), fmt.Sprintf("%.2f to %.2f", c.lowest, c.highest)
	}
}

func (m measurement) String() string {
	switch {
	case m == measurement{}:
		return ""
	case m.bytes > 0:
		return fmt.Sprintf("%.0f B", m.bytes)
	default:
		return fmt.Sprintf("%.0f ns, %g alloc.", m.nanoseconds, m.allocs)
	}
}

func writeNotes(w io.Writer, figures []figure) {
	for _, f := range figures {
		if f.note != "" {
			fmt.Fprintf(w, "\n%d: %s\n", f.number, f.note)
		}
	}
}
