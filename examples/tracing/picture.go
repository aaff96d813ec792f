package main

import (
	"context"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-7fcaac1b/protocaller/examples/tracing/jaeger"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// The layout of a picture, in pixels.
const (
	width     = 1040
	barsLeft  = 330
	barsWidth = 500
	notesLeft = barsLeft + barsWidth + 16
	margin    = 16
	indent    = 16
	rowHeight = 26
	barHeight = 14
	firstRow  = 100
)

// The colors of what a span was doing.
const (
	queued  = "#f0b429"
	running = "#2b7bb9"
	waiting = "#b5d3ea"
	failed  = "#d64545"
	faded   = "#8d99a6"
	black   = "#1f2933" // of the texts
	grey    = "#52606d"
)

// draw returns the picture of the trace of an order, and of what is linked to
// it, in SVG. It waits for the order to be complete, and for as many linked spans
// as there have to be.
func draw(ctx context.Context, server *jaeger.Server, id string, linked int) (string, error) {
	spans, err := server.Trace(ctx, id, atLeast(spansOfAnOrder))
	if err != nil {
		return "", err
	}
	later, err := server.Linked(ctx, service, "send receipt", id, atLeast(linked))
	if err != nil {
		return "", err
	}
	return paint(id, spans, later), nil
}

func atLeast(n int) func([]jaeger.Span) bool {
	return func(spans []jaeger.Span) bool { return len(spans) >= n }
}

// picture is one that is being drawn.
type picture struct {
	strings.Builder
	begin time.Time
	scale float64 // pixels for a nanosecond
	y     int
}

func paint(id string, spans, later []jaeger.Span) string {
	first := slices.MinFunc(spans, func(a, b jaeger.Span) int { return a.Start.Compare(b.Start) })
	last := slices.MaxFunc(spans, func(a, b jaeger.Span) int { return a.End.Compare(b.End) })
	length := last.End.Sub(first.Start)
	p := &picture{begin: first.Start, scale: barsWidth / float64(length), y: firstRow}
	height := firstRow + (len(spans)+len(later))*rowHeight + margin
	fmt.Fprintf(p, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="Helvetica, Arial, sans-serif" font-size="13">`,
		width, height)
	fmt.Fprintf(p, `<rect width="%d" height="%d" rx="6" fill="#ffffff" stroke="#d8dee4"/>`, width, height)
	p.text(margin, 26, black, `font-weight="bold"`, "trace "+id)
	p.legend()
	p.axis(length, firstRow+len(spans)*rowHeight)
	p.children(spans, "", 0)
	for _, s := range later {
		p.linked(s)
	}
	p.WriteString("</svg>\n")
	return p.String()
}

func (p *picture) text(x, y int, fill, style, text string) {
	fmt.Fprintf(p, `<text x="%d" y="%d" fill="%s" %s>%s</text>`, x, y, fill, style, html.EscapeString(text))
	p.WriteString("\n")
}

func (p *picture) legend() {
	x := margin
	for _, what := range []struct{ color, name string }{
		{queued, "queued"}, {running, "running"}, {waiting, "waiting, turn given away"}, {failed, "failed"}, {faded, "cancelled"},
	} {
		fmt.Fprintf(p, `<rect x="%d" y="40" width="12" height="12" rx="2" fill="%s"/>`, x, what.color)
		p.text(x+17, 50, grey, "", what.name)
		x += 34 + 7*len(what.name)
	}
}

// axis draws five lines down to bottom, and their times.
func (p *picture) axis(length time.Duration, bottom int) {
	for i := range 5 {
		x := barsLeft + i*barsWidth/4
		fmt.Fprintf(p, `<line x1="%d" y1="82" x2="%d" y2="%d" stroke="#e4e7eb"/>`, x, x, bottom)
		p.text(x, 76, "#7b8794", `font-size="11" text-anchor="middle"`, (length * time.Duration(i) / 4).Round(10*time.Microsecond).String())
	}
}

// children draws the spans below a parent, in the order of their starts.
func (p *picture) children(spans []jaeger.Span, parent string, depth int) {
	var below []jaeger.Span
	for _, s := range spans {
		if s.Parent == parent {
			below = append(below, s)
		}
	}
	slices.SortFunc(below, func(a, b jaeger.Span) int { return a.Start.Compare(b.Start) })
	for _, s := range below {
		p.row(s, depth)
		p.children(spans, s.ID, depth+1)
	}
}

// row draws a span.
func (p *picture) row(s jaeger.Span, depth int) {
	p.name(s, margin+depth*indent)
	color, from := running, s.Start
	if s.Kind == "client" {
		color = waiting
	}
	if seconds, err := strconv.ParseFloat(s.Attributes[string(telemetry.QueueDurationKey)], 64); err == nil {
		from = from.Add(time.Duration(seconds * float64(time.Second)))
		p.bar(s.Start, from, queued, barHeight)
	}
	for _, e := range s.Events {
		next, ok := map[string]string{telemetry.EventSuspended: waiting, telemetry.EventResumed: running}[e.Name]
		if ok {
			p.bar(from, e.Time, color, barHeight)
			color, from = next, e.Time
		}
	}
	p.bar(from, s.End, color, barHeight)
	p.end(s)
}

// linked draws a span of another trace, which is beyond the picture's time.
func (p *picture) linked(s jaeger.Span) {
	p.name(s, margin)
	text := fmt.Sprintf("⟶ another trace, linked to this one, %v later", s.Start.Sub(p.begin).Round(time.Millisecond))
	p.text(barsLeft, p.y+barHeight-1, grey, "", text)
	p.end(s)
}

func (p *picture) name(s jaeger.Span, x int) {
	p.text(x, p.y+barHeight-1, black, "", s.Name)
}

// bar draws a piece of a bar, of that height from its bottom.
func (p *picture) bar(from, to time.Time, color string, height int) {
	x := barsLeft + float64(from.Sub(p.begin))*p.scale
	w := max(1, float64(to.Sub(from))*p.scale)
	fmt.Fprintf(p, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`, x, p.y+barHeight-height, w, height, color)
}

// end says how long a span took and how it ended, which ends its row.
func (p *picture) end(s jaeger.Span) {
	fill, note := grey, s.End.Sub(s.Start).Round(time.Microsecond).String()
	switch {
	case s.Failed:
		fill, note = failed, note+"  "+s.Message
	case s.Attributes[string(telemetry.OutcomeKey)] == "cancelled":
		fill, note = faded, note+"  cancelled"
	}
	if fill != grey {
		p.bar(s.Start, s.End, fill, 4)
	}
	p.text(notesLeft, p.y+barHeight-1, fill, "", note)
	p.y += rowHeight
}
