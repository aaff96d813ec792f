package inspect

import (
	"bytes"
	"cmp"
	"html/template"
	"net/http"
	"runtime/pprof"
	"slices"
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
	states := make(map[string]int)
	var near []*Caller
	for _, c := range s.Callers {
		states[c.State]++
		if c.isNearLimit() && len(near) < mostListed {
			near = append(near, c)
		}
	}
	h.show(w, r, "overview.html", "Overview", s, map[string]any{
		"States": states, "Near": near, "Circles": describedCircles(s), "Slow": slowest(s, 5),
	})
}

// describedCircles returns the circles as text, and their calls.
func describedCircles(s *Snapshot) (circles []map[string]any) {
	for i, ids := range s.Circles {
		circles = append(circles, map[string]any{"Calls": ids, "Tail": len(s.Tails[i])})
	}
	return circles
}

// row is a line of the tree.
type row struct {
	*Caller
	Depth int
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
		order = func(a, b *Caller) int { return cmp.Compare(h.rates.number(b), h.rates.number(a)) }
	}
	if order != nil {
		for _, c := range slices.SortedStableFunc(slices.Values(s.Callers), order) {
			rows = append(rows, row{c, 0})
		}
	} else {
		rows = s.rows()
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

// rows returns the callers in the order of the tree.
func (s *Snapshot) rows() (rows []row) {
	byID := make(map[string]*Caller, len(s.Callers))
	for _, c := range s.Callers {
		byID[c.ID] = c
	}
	var add func(c *Caller, depth int)
	add = func(c *Caller, depth int) {
		rows = append(rows, row{c, depth})
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
