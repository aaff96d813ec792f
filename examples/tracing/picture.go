package main

import (
	"context"
	"fmt"
	"html"
	"slices"
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
	firstRow  = 76
)

// The colours of what a span was doing.
const (
	queued  = "#f0b429"
	running = "#2b7bb9"
	waiting = "#b5d3ea"
	failed  = "#d64545"
	faded   = "#8d99a6"
)

// draw returns the picture of a trace that Jaeger has, and of what is linked to
// it, in SVG.
func draw(ctx context.Context, server *jaeger.Server, id string) (string, error) {
	spans, err := server.Trace(ctx, id, func(spans []jaeger.Span) bool { return len(spans) >= spansOfAnOrder })
	if err != nil {
		return "", err
	}
	later, err := server.Find(ctx, "shop", "send receipt")
	if err != nil {
		return "", err
	}
	later = slices.DeleteFunc(later, func(s jaeger.Span) bool {
		return !slices.ContainsFunc(s.Links, func(l jaeger.Link) bool { return l.TraceID == id })
	})
	return paint(id, spans, later), nil
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
	p.text(margin, 26, "#1f2933", `font-weight="bold"`, "trace "+id)
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
	x := barsLeft
	for _, what := range []struct{ colour, name string }{
		{queued, "queued"}, {running, "running"}, {waiting, "waiting, turn given away"}, {failed, "failed"}, {faded, "cancelled"},
	} {
		fmt.Fprintf(p, `<rect x="%d" y="16" width="12" height="12" rx="2" fill="%s"/>`, x, what.colour)
		p.text(x+17, 26, "#52606d", "", what.name)
		x += 34 + 7*len(what.name)
	}
}

// axis draws four lines down to bottom, and their times.
func (p *picture) axis(length time.Duration, bottom int) {
	for i := range 5 {
		x := barsLeft + i*barsWidth/4
		fmt.Fprintf(p, `<line x1="%d" y1="58" x2="%d" y2="%d" stroke="#e4e7eb"/>`, x, x, bottom)
		p.text(x, 52, "#7b8794", `font-size="11" text-anchor="middle"`, (length * time.Duration(i) / 4).Round(10*time.Microsecond).String())
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
	colour, from := running, s.Start
	if slices.ContainsFunc(s.Events, func(e jaeger.Event) bool { return e.Name == telemetry.EventStarted }) {
		colour = queued
	}
	for _, e := range s.Events {
		next, ok := map[string]string{
			telemetry.EventStarted: running, telemetry.EventSuspended: waiting, telemetry.EventResumed: running,
		}[e.Name]
		if ok {
			p.bar(from, e.Time, colour)
			colour, from = next, e.Time
		}
	}
	p.bar(from, s.End, colour)
	p.note(s, s.End.Sub(s.Start).Round(time.Microsecond).String())
	p.y += rowHeight
}

// linked draws a span of another trace, which is beyond the picture's time.
func (p *picture) linked(s jaeger.Span) {
	p.name(s, margin)
	text := fmt.Sprintf("⟶ another trace, linked to this one, %v later", s.Start.Sub(p.begin).Round(time.Millisecond))
	p.text(barsLeft, p.y+barHeight-1, "#52606d", "", text)
	p.note(s, s.End.Sub(s.Start).Round(time.Microsecond).String())
	p.y += rowHeight
}

func (p *picture) name(s jaeger.Span, x int) {
	p.text(x, p.y+barHeight-1, "#1f2933", "", s.Name)
}

func (p *picture) bar(from, to time.Time, colour string) {
	x := barsLeft + float64(from.Sub(p.begin))*p.scale
	w := max(1, float64(to.Sub(from))*p.scale)
	fmt.Fprintf(p, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`, x, p.y, w, barHeight, colour)
}

// note says how long a span took and how it ended.
func (p *picture) note(s jaeger.Span, took string) {
	fill := "#52606d"
	switch {
	case s.Failed:
		fill, took = failed, took+"  "+s.Message
	case s.Attributes[string(telemetry.OutcomeKey)] == "cancelled":
		fill, took = faded, took+"  cancelled"
	}
	p.text(notesLeft, p.y+barHeight-1, fill, "", took)
}
