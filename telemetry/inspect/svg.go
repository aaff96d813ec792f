package inspect

import (
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// The measures of a drawing, in pixels.
const (
	boxWidth, boxHeight = 220, 44
	gapX, gapY          = 90, 24
	margin              = 16
	lineHeight          = 17
	mostLetters         = 28   // of a label
	mostDrawn           = 500  // calls
	mostArrows          = 2000 // between them
)

// circleColor is that of a circle. It can be seen on white and on black.
const circleColor = "#d9363e"

// waitsSVG draws which call waits for which: what is needed stands to the right. It says so
// if there is nothing to draw, or too much.
func (s *Snapshot) waitsSVG() string {
	g, inCircle := s.waitGraph(), s.inCircles()
	return g.draw(inCircle, boxHeight, func(id uint64) box {
		name, caller := g.nameOf(id)
		return box{address: fmt.Sprintf("call?id=%d", id), lines: []string{name, caller}}
	})
}

// acrossSVG draws which calls of different nodes wait for each other, and who waits for them.
func (s *Snapshot) acrossSVG() string {
	g := s.acrossGraph()
	g.connected()
	inCircle := make(map[uint64]bool)
	for _, circle := range g.circles() {
		for _, n := range circle {
			inCircle[n] = true
		}
	}
	return g.draw(inCircle, boxHeight+lineHeight, func(n uint64) box {
		step := g.steps[n]
		return box{address: s.addressOf(step), lines: []string{step.Name, step.Caller, step.Node}}
	})
}

// nameOf returns the names of a call and its caller, as far as they are known.
func (g *waitGraph) nameOf(id uint64) (name, caller string) {
	if call := g.calls[id]; call != nil {
		return call.Name, call.Caller
	}
	return fmt.Sprintf("#%d", id), ""
}

// draw draws the graph, with boxes of a height that describe tells more of.
func (g *waitGraph) draw(inCircle map[uint64]bool, tall int, describe func(id uint64) box) string {
	ids, arrows := g.shown(), 0
	for _, needs := range g.needs {
		arrows += len(needs)
	}
	if len(ids) == 0 || len(ids) > mostDrawn || arrows > mostArrows {
		text := "no call waits for another one"
		if len(ids) > 0 {
			text = fmt.Sprintf("%d calls with %d waits are too many for a picture", len(ids), arrows)
		}
		return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="400" height="40" viewBox="0 0 400 40" role="img" aria-label=%q>`+
			`<text x="8" y="25" fill="currentColor" font-family="sans-serif" font-size="14">%s</text></svg>`, text, text)
	}
	places, width, height := g.layout(ids, tall)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="group" aria-label="which call waits for which" font-family="sans-serif" font-size="13">`,
		width, height, width, height)
	b.WriteString(`<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerUnits="userSpaceOnUse" markerWidth="10" markerHeight="10" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z" fill="context-stroke"/></marker></defs>`)
	for _, circles := range []bool{false, true} { // those above the others
		for _, id := range slices.Sorted(maps.Keys(g.needs)) {
			for _, need := range g.needs[id] {
				if both := inCircle[id] && inCircle[need]; both == circles {
					b.WriteString(edge(places[id], places[need], tall, both))
				}
			}
		}
	}
	for _, id := range ids {
		b.WriteString(describe(id).draw(places[id], tall, inCircle[id]))
	}
	b.WriteString("</svg>")
	return b.String()
}

type point struct{ x, y int }

// layout places the calls in columns: a call is left of what it needs, unless they are in a
// circle.
func (g *waitGraph) layout(ids []uint64, tall int) (places map[uint64]point, width, height int) {
	column := make(map[uint64]int)
	var depth func(id uint64, on map[uint64]bool) int
	depth = func(id uint64, on map[uint64]bool) int {
		if d, known := column[id]; known {
			return d
		}
		on[id] = true
		d := 0
		for _, need := range g.needs[id] {
			if !on[need] {
				d = max(d, depth(need, on)+1)
			}
		}
		delete(on, id)
		column[id] = d
		return d
	}
	columns := make(map[int][]uint64)
	last := 0
	for _, id := range ids {
		d := depth(id, make(map[uint64]bool))
		columns[d] = append(columns[d], id)
		last = max(last, d)
	}
	places = make(map[uint64]point)
	for d, members := range columns {
		for i, id := range members {
			places[id] = point{margin + (last-d)*(boxWidth+gapX), margin + i*(tall+gapY)}
			height = max(height, places[id].y+tall+gapY)
		}
	}
	return places, 2*margin + (last+1)*boxWidth + last*gapX, height
}

// edge draws an arrow. One back to the left leaves below.
func edge(from, to point, tall int, inCircle bool) string {
	color, width := "currentColor", 1
	if inCircle {
		color, width = circleColor, 2
	}
	x1, y1, x2, y2 := from.x+boxWidth, from.y+tall/2, to.x, to.y+tall/2
	if to.x <= from.x {
		x1, y1, x2, y2 = from.x+boxWidth/2, from.y+tall, to.x+boxWidth/2, to.y+tall
		return fmt.Sprintf(`<path d="M%d %dC%d %d %d %d %d %d" fill="none" stroke="%s" stroke-width="%d" marker-end="url(#arrow)"/>`,
			x1, y1, x1, y1+gapY, x2, y2+gapY, x2, y2, color, width)
	}
	return fmt.Sprintf(`<path d="M%d %dC%d %d %d %d %d %d" fill="none" stroke="%s" stroke-width="%d" marker-end="url(#arrow)"/>`,
		x1, y1, x1+gapX/2, y1, x2-gapX/2, y2, x2, y2, color, width)
}

// box is a call in a drawing.
type box struct {
	address string   // of its page; "" for none
	lines   []string // the first one is its name
}

// draw draws the box, which is a link if it has an address.
func (x box) draw(at point, tall int, inCircle bool) string {
	color, width, class := "currentColor", 1, ""
	if inCircle {
		color, width, class = circleColor, 2, ` class="circle"`
	}
	var b strings.Builder
	link := "g"
	if x.address != "" {
		link = "a"
		class = fmt.Sprintf(` href="%s"`, html.EscapeString(x.address)) + class
	}
	fmt.Fprintf(&b, `<%s%s><title>%s</title><rect x="%d" y="%d" width="%d" height="%d" rx="5" fill="none" stroke="%s" stroke-width="%d" pointer-events="all"/>`,
		link, class, html.EscapeString(strings.Join(x.lines, " on ")), at.x, at.y, boxWidth, tall, color, width)
	for i, line := range x.lines {
		size := ""
		if i > 0 {
			size = ` font-size="11"`
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="currentColor"%s>%s</text>`, at.x+8, at.y+18+i*lineHeight, size, html.EscapeString(tail(line)))
	}
	fmt.Fprintf(&b, "</%s>", link)
	return b.String()
}

// tail returns the end of a text that is too long for a box.
func tail(text string) string {
	n := utf8.RuneCountInString(text)
	if n <= mostLetters {
		return text
	}
	return "…" + string([]rune(text)[n-mostLetters:])
}
