package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
)

// report prints the numbers.
func (t *tally) report(w io.Writer) {
	fmt.Fprintf(w, "files       %d\n", t.files)
	fmt.Fprintf(w, "bytes       %d\n", t.bytes)
	fmt.Fprintf(w, "duplicates  %d (%d bytes)\n", t.duplicates, t.duplicateBytes)
	if t.files > 0 {
		fmt.Fprintf(w, "slowest     %v, %s\n", t.slowest.took.Round(time.Microsecond), cli.Printable(t.slowest.path))
	}
	fmt.Fprintf(w, "unreadable  %d\n", t.unreadable)
	for _, reason := range t.reasons {
		fmt.Fprintf(w, "            %s\n", cli.Printable(reason.Error()))
	}
	if more := t.unreadable - len(t.reasons); more > 0 {
		fmt.Fprintf(w, "            and %d more\n", more)
	}
}

// drawTree draws a caller and all below it.
func drawTree(root *actors.Caller) string {
	var b strings.Builder
	draw(&b, root, "", "")
	return b.String()
}

// draw draws one caller behind the branch that leads to it, and what is below
// it behind indent.
func draw(w io.Writer, c *actors.Caller, branch, indent string) {
	fmt.Fprintf(w, "%s%s, %v\n", branch, c.Name(), c.State())
	children := c.Children()
	slices.SortFunc(children, func(a, b *actors.Caller) int { return strings.Compare(a.Name(), b.Name()) })
	for i, child := range children {
		if i < len(children)-1 {
			draw(w, child, indent+"├── ", indent+"│   ")
		} else {
			draw(w, child, indent+"└── ", indent+"    ")
		}
	}
}

// clearLine empties the line of a terminal that the cursor is on.
const clearLine = "\r\x1b[K"

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
