package tracetest

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// The widths of a waterfall in columns, and how many siblings of one name it
// shows.
const (
	nameWidth   = 44
	barWidth    = 40
	maxSiblings = 5
	maxTraces   = 10
)

// Waterfall draws spans for a terminal, trace by trace. Each span is a line below
// its parent, in the order of beginning, with a bar for its time. The light part
// of a bar is the time that a call was queued.
//
// Of many siblings with one name, and of many traces, only the first ones are
// shown, with the number of the others. The error is that of w.
func Waterfall(w io.Writer, spans []sdk.ReadOnlySpan) error {
	f := newForest(spans)
	byStart(f.roots)
	var b strings.Builder
	for i, root := range f.roots {
		if i == maxTraces {
			fmt.Fprintf(&b, "… and %d traces more\n", len(f.roots)-i)
			break
		}
		s := &sheet{forest: f, text: &b, begin: root.StartTime(), end: root.EndTime()}
		n := s.measure(root)
		fmt.Fprintf(&b, "trace %s: %s, %s\n", root.SpanContext().TraceID(), counted(n, "span"), short(s.end.Sub(s.begin)))
		s.row(root, "", "")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// sheet is the drawing of one trace.
type sheet struct {
	*forest
	text       *strings.Builder
	begin, end time.Time
}

// measure widens the sheet to the time of a span and its descendants, and returns
// their number.
func (s *sheet) measure(span sdk.ReadOnlySpan) int {
	if span.StartTime().Before(s.begin) {
		s.begin = span.StartTime()
	}
	if span.EndTime().After(s.end) {
		s.end = span.EndTime()
	}
	n := 1
	for _, child := range s.childrenOf(span) {
		n += s.measure(child)
	}
	return n
}

// row draws a span and its descendants. The prefix first is for the line of the
// span, below for the lines of the descendants.
func (s *sheet) row(span sdk.ReadOnlySpan, first, below string) {
	took := short(span.EndTime().Sub(span.StartTime()))
	line := fmt.Sprintf("%s %s %8s  %s", fit(first+span.Name(), nameWidth), s.bar(span), took, fate(span))
	line = strings.ReplaceAll(line, "\n", "; ")
	s.text.WriteString(strings.TrimRight(line, " ") + "\n")

	children := slices.Clone(s.childrenOf(span))
	byStart(children)
	shown, rest := excerpt(children)
	for i, child := range shown {
		if i == len(shown)-1 && len(rest) == 0 {
			s.row(child, below+"└ ", below+"  ")
		} else {
			s.row(child, below+"├ ", below+"│ ")
		}
	}
	for i, r := range rest {
		branch := "├ "
		if i == len(rest)-1 {
			branch = "└ "
		}
		fmt.Fprintf(s.text, "%s%s… %d more %s, %s to %s\n", below, branch, r.n, r.name, short(r.shortest), short(r.longest))
	}
}

// left describes the spans of a name that are not shown.
type left struct {
	name              string
	n                 int
	shortest, longest time.Duration
}

// excerpt returns the first spans of each name, and a description of the rest.
func excerpt(spans []sdk.ReadOnlySpan) (shown []sdk.ReadOnlySpan, rest []*left) {
	seen := make(map[string]int)
	hidden := make(map[string]*left)
	for _, span := range spans {
		name := span.Name()
		if seen[name]++; seen[name] <= maxSiblings {
			shown = append(shown, span)
			continue
		}
		took := span.EndTime().Sub(span.StartTime())
		l := hidden[name]
		if l == nil {
			l = &left{name: name, shortest: took}
			hidden[name] = l
			rest = append(rest, l)
		}
		l.n++
		l.shortest, l.longest = min(l.shortest, took), max(l.longest, took)
	}
	return shown, rest
}

// bar draws when a span was.
func (s *sheet) bar(span sdk.ReadOnlySpan) string {
	var queued time.Duration
	if v, ok := valueOf(span, telemetry.QueueDurationKey); ok {
		queued = time.Duration(v.AsFloat64() * float64(time.Second))
	}
	from, to := s.column(span.StartTime()), s.column(span.EndTime())
	runs := s.column(span.StartTime().Add(queued))
	from = min(from, barWidth-1)
	to = min(max(to, from+1), barWidth)
	runs = min(max(runs, from), to)
	if _, ran := valueOf(span, telemetry.RunDurationKey); ran || queued == 0 {
		runs = min(runs, to-1)
	}
	return strings.Repeat(" ", from) + strings.Repeat("░", runs-from) +
		strings.Repeat("█", to-runs) + strings.Repeat(" ", barWidth-to)
}

func (s *sheet) column(t time.Time) int {
	all := s.end.Sub(s.begin)
	if all <= 0 {
		return 0
	}
	return int(float64(barWidth) * float64(t.Sub(s.begin)) / float64(all))
}

func byStart(spans []sdk.ReadOnlySpan) {
	slices.SortStableFunc(spans, func(a, b sdk.ReadOnlySpan) int {
		return cmp.Or(a.StartTime().Compare(b.StartTime()), cmp.Compare(a.Name(), b.Name()))
	})
}

// fit cuts or pads a text to a width.
func fit(text string, width int) string {
	n := utf8.RuneCountInString(text)
	if n <= width {
		return text + strings.Repeat(" ", width-n)
	}
	return string([]rune(text)[:width-1]) + "…"
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// short returns a duration with at most three digits.
func short(d time.Duration) string {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= 100*unit {
			return d.Round(unit).String()
		}
		if d >= 10*unit {
			return d.Round(unit / 10).String()
		}
		if d >= unit {
			return d.Round(unit / 100).String()
		}
	}
	return d.String()
}
