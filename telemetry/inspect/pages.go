package inspect

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"runtime/pprof"
	"slices"
	"strconv"
)

// mostListed bounds the tables of the overview and of the slowest calls.
const mostListed = 50

// mostStacks bounds the text of the stacks, in bytes.
const mostStacks = 1 << 20

func (h *handler) overview(w http.ResponseWriter, r *http.Request) {
	s, ok := h.take(w, r)
	if !ok {
		return
	}
	var near []*Caller
	for _, c := range s.Callers {
		if c.isNearLimit() && len(near) < mostListed {
			near = append(near, c)
		}
	}
	h.show(w, r, "overview.html", "Overview", s, map[string]any{
		"Cards": h.cards(nodeOf(r), s), "Near": near, "Circles": describedCircles(s), "Held": heldCalls(s), "Slow": slowest(s, 5),
	})
}

// card is a number of the overview.
type card struct {
	Value, Label, Address, Class string
}

// cards returns the numbers of the overview.
func (h *handler) cards(node string, s *Snapshot) []card {
	var running, waiting, queued, delayed int
	var perSecond float64
	for _, c := range s.Callers {
		if c.Running != nil || c.Handling {
			running++
		}
		waiting += c.SuspendedN
		queued += c.Queued
		delayed += c.DelayedN
		perSecond += max(0, h.rates.number(node, c))
	}
	class := func(n int, class string) string {
		if n == 0 {
			return ""
		}
		return class
	}
	all := []card{
		{strconv.Itoa(len(s.Callers) + s.Omitted), "callers", "tree", ""},
		{strconv.Itoa(len(s.Circles)), "circles", "waits", class(len(s.Circles), "bad")},
		{strconv.Itoa(running), "turns taken", "tree?sort=age", ""},
		{strconv.Itoa(waiting), "calls waiting", "waits", ""},
		{strconv.Itoa(queued), "calls queued", "tree?sort=queue", ""},
		{strconv.Itoa(delayed), "calls delayed", "tree", ""},
		{fmt.Sprintf("%.1f", perSecond), "calls a second", "tree?sort=rate", ""},
		{strconv.Itoa(len(s.Failures)), "failures lately", "slow", class(len(s.Failures), "warn")},
	}
	if nodes := nodesOf(h.system); nodes != nil && node == "" {
		all = append(all, card{strconv.Itoa(len(nodes.Others())), "other nodes", "nodes", ""})
	}
	return all
}

// heldCalls returns the calls that hold their turns for long, up to mostListed.
func heldCalls(s *Snapshot) (calls []*Call) {
	for _, c := range s.Callers {
		if c.holdsLong() && len(calls) < mostListed {
			calls = append(calls, c.Running)
		}
	}
	return calls
}

// describedCircles returns the circles, as many as a page lists.
func describedCircles(s *Snapshot) (circles []map[string]any) {
	for i, ids := range s.Circles[:min(len(s.Circles), mostListed)] {
		circles = append(circles, map[string]any{"Calls": ids, "Tail": len(s.Tails[i])})
	}
	return circles
}

// row is a line of the tree.
type row struct {
	*Caller
	Depth  int
	Closed bool   // its children are not shown
	Fold   string // the address that shows or hides its children; "" without children
}

func (h *handler) tree(w http.ResponseWriter, r *http.Request) {
	s, ok := h.take(w, r)
	if !ok {
		return
	}
	by := r.URL.Query().Get("sort")
	var rows []row
	order := orders[by]
	if by == "rate" {
		order = func(a, b *Caller) int { return cmp.Compare(h.rates.number(nodeOf(r), b), h.rates.number(nodeOf(r), a)) }
	}
	if order != nil {
		for _, c := range slices.SortedStableFunc(slices.Values(s.Callers), order) {
			rows = append(rows, row{Caller: c})
		}
	} else {
		rows = s.rows(r.URL.Query())
	}
	h.show(w, r, "tree.html", "Callers", s, rows)
}

// orders are those of a table of callers.
var orders = map[string]func(a, b *Caller) int{
	"queue": func(a, b *Caller) int { return cmp.Compare(b.Queued, a.Queued) },
	"age":   func(a, b *Caller) int { return cmp.Compare(b.runsFor(), a.runsFor()) },
	"calls": func(a, b *Caller) int { return cmp.Compare(b.Counters.Calls, a.Counters.Calls) },
	"fails": func(a, b *Caller) int { return cmp.Compare(b.Counters.Failures, a.Counters.Failures) },
}

// runsFor returns how long the turn is held.
func (c *Caller) runsFor() Seconds {
	if c.Running == nil || c.Running.Age == nil {
		return 0
	}
	return *c.Running.Age
}

// rows returns the callers in the order of the tree, without what is below those that a
// query has closed.
func (s *Snapshot) rows(query url.Values) (rows []row) {
	byID := make(map[string]*Caller, len(s.Callers))
	for _, c := range s.Callers {
		byID[c.ID] = c
	}
	closed := query["closed"]
	var add func(c *Caller, depth int)
	add = func(c *Caller, depth int) {
		one := row{Caller: c, Depth: depth, Closed: slices.Contains(closed, c.ID)}
		if len(c.Children) > 0 {
			one.Fold = foldAddress(query, c.ID, one.Closed)
		}
		rows = append(rows, one)
		if one.Closed {
			return
		}
		for _, id := range c.Children {
			add(byID[id], depth+1)
		}
	}
	for _, c := range s.Callers {
		if byID[c.Parent] == nil {
			add(c, 0)
		}
	}
	return rows
}

// foldAddress returns the address of the tree with a caller closed, or open if it is closed.
func foldAddress(query url.Values, id string, isClosed bool) string {
	q := maps.Clone(query)
	if isClosed {
		q["closed"] = slices.DeleteFunc(slices.Clone(q["closed"]), func(other string) bool { return other == id })
	} else {
		q["closed"] = append(slices.Clone(q["closed"]), id)
	}
	return "tree?" + q.Encode()
}

func (h *handler) caller(w http.ResponseWriter, r *http.Request) {
	s, ok := h.take(w, r)
	if !ok {
		return
	}
	c := s.Caller(r.URL.Query().Get("id"))
	if c == nil {
		http.Error(w, "inspect: there is no such caller now", http.StatusNotFound)
		return
	}
	h.show(w, r, "caller.html", c.Name, s, c)
}

func (h *handler) call(w http.ResponseWriter, r *http.Request) {
	s, ok := h.take(w, r)
	if !ok {
		return
	}
	c := s.Call(idOf(r))
	if c == nil {
		http.Error(w, "inspect: there is no such call now", http.StatusNotFound)
		return
	}
	var waiters []*Call
	for _, other := range s.callsByID() {
		if other.WaitsFor != nil && slices.Contains(other.WaitsFor.Needs, c.ID) {
			waiters = append(waiters, other)
		}
	}
	slices.SortFunc(waiters, func(a, b *Call) int { return cmp.Compare(a.ID, b.ID) })
	h.show(w, r, "call.html", c.Name, s, map[string]any{"Call": c, "Waiters": waiters, "InCircle": s.inCircles()[c.ID]})
}

func (h *handler) waits(w http.ResponseWriter, r *http.Request) {
	if s, ok := h.take(w, r); ok {
		h.show(w, r, "waits.html", "Waits", s, map[string]any{
			"SVG":     template.HTML(s.waitsSVG()), //nolint:gosec // All text in it is escaped.
			"Circles": describedCircles(s),
		})
	}
}

func (h *handler) slow(w http.ResponseWriter, r *http.Request) {
	s, ok := h.take(w, r)
	if !ok {
		return
	}
	failing := slices.DeleteFunc(slices.Clone(s.Callers), func(c *Caller) bool { return c.Counters.Failures == 0 })
	slices.SortStableFunc(failing, orders["fails"])
	h.show(w, r, "slow.html", "Slowest", s, map[string]any{
		"Slow": slowest(s, mostListed), "Failing": failing[:min(len(failing), mostListed)],
	})
}

// slowest returns the calls that have been in their states for longest, up to n.
func slowest(s *Snapshot, n int) (calls []*Call) {
	for _, call := range s.callsByID() {
		if call.Age != nil {
			calls = append(calls, call)
		}
	}
	slices.SortFunc(calls, func(a, b *Call) int { return cmp.Or(cmp.Compare(*b.Age, *a.Age), cmp.Compare(a.ID, b.ID)) })
	return calls[:min(len(calls), n)]
}

// stacks shows the stacks of all goroutines, equal ones once. The process stands still
// while they are collected.
func (h *handler) stacks(w http.ResponseWriter, r *http.Request) {
	s, ok := h.take(w, r)
	if !ok {
		return
	}
	var b bytes.Buffer
	if r.URL.Query().Get("now") != "" {
		_ = pprof.Lookup("goroutine").WriteTo(&b, 1) // a buffer takes all
		b.Truncate(min(b.Len(), mostStacks))
	}
	h.show(w, r, "stacks.html", "Stacks", s, b.String())
}
