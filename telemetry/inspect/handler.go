package inspect

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"maps"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
)

//go:embed templates static
var files embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"stateClass": stateClass,
	"listed":     func(label string, calls []*Call) listed { return listed{label, calls} },
}).ParseFS(files, "templates/*.html"))

// Handler returns pages that show the callers of a system, drawn anew for each request. It
// is mounted like package net/http/pprof:
//
//	http.Handle("/debug/callers/", inspect.Handler(system))
//
// Below the address it is mounted at are snapshot.json, snapshot.txt, waits.svg, and events,
// a stream of server-sent events. The pages work without JavaScript, and are live with it.
// Arguments and state of functions are never shown.
//
// By default only requests from loopback addresses are served: see [Authorize]. The pages
// only read, unless [AllowActions] is given. The handler is safe for concurrent use.
func Handler(system *actor.ActorSystem, opts ...Option) http.Handler {
	if system == nil {
		panic("inspect: Handler with a nil system")
	}
	h := &handler{options: newOptions(opts), system: system, token: rand.Text()}
	h.ages = true
	h.ofNodes = map[string]func(http.ResponseWriter, *http.Request){
		"":              h.drawn(h.overview),
		"tree":          h.drawn(h.tree),
		"waits":         h.drawn(h.waits),
		"slow":          h.drawn(h.slow),
		"caller":        h.drawn(h.caller),
		"call":          h.drawn(h.call),
		"node":          h.drawn(h.node),
		"snapshot.json": h.drawn(h.snapshotJSON),
		"snapshot.txt":  h.drawn(h.snapshotText),
		"waits.svg":     h.drawn(h.waitsSVG),
		"events":        h.events,
		"style.css":     h.file,
		"live.js":       h.file,
		"icon.svg":      h.file,
	}
	h.pages = maps.Clone(h.ofNodes)
	h.pages["stacks"], h.pages["nodes"] = h.drawn(h.stacks), h.drawn(h.nodesPage)
	if h.actions {
		h.posts = map[string]func(http.ResponseWriter, *http.Request){"cancel": h.cancelCall, "stop": h.stopCaller}
	}
	return h
}

type handler struct {
	options
	system *actor.ActorSystem
	token  string // that a form of ours has
	rates  rates
	load   load
	pages  map[string]func(http.ResponseWriter, *http.Request)
	posts  map[string]func(http.ResponseWriter, *http.Request)
	origin http.CrossOriginProtection

	ofNodes map[string]func(http.ResponseWriter, *http.Request) // the pages that are there for other nodes

	serversMu sync.Mutex
	servers   map[*http.Server]chan struct{} // closed when they are shut down
}

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.guard(w, r) {
		return
	}
	name := pageName(r)
	if address, page, ok := cutNode(name); ok {
		h.serveNode(w, r, address, page)
		return
	}
	switch page, post := h.pages[name], h.posts[name]; {
	case post != nil && r.Method == http.MethodPost:
		h.post(w, r, post)
	case page != nil && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		page(w, r)
	case page != nil:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "inspect: the pages only read", http.StatusMethodNotAllowed)
	case post != nil:
		w.Header().Set("Allow", "POST")
		http.Error(w, "inspect: an action needs a POST", http.StatusMethodNotAllowed)
	default:
		http.NotFound(w, r)
	}
}

// pageName returns the name of a page, below the address that the handler is mounted at.
func pageName(r *http.Request) string {
	_, prefix, _ := strings.Cut(r.Pattern, "/")
	if prefix = "/" + prefix; strings.HasSuffix(prefix, "/") && strings.HasPrefix(r.URL.Path, prefix) {
		return strings.TrimPrefix(r.URL.Path, prefix)
	}
	return strings.TrimPrefix(r.URL.Path, "/")
}

// take returns a snapshot, narrowed by what the request asks for. It reports false if it
// has written an error.
func (h *handler) take(w http.ResponseWriter, r *http.Request) (*Snapshot, bool) {
	s, err := h.look(r)
	if err != nil {
		status := http.StatusServiceUnavailable
		if errors.Is(err, errNoNode) {
			status = http.StatusNotFound
		}
		http.Error(w, err.Error(), status)
		return nil, false
	}
	h.rates.note(nodeOf(r), s)
	return s, true
}

// look returns what the request asks for: of this system, or of another node.
func (h *handler) look(r *http.Request) (*Snapshot, error) {
	o := h.options
	query := r.URL.Query()
	if filter := snapshot.Clean(query.Get("name")); filter != "" {
		o.filter.Name = "*" + escapePattern(filter) + "*"
	}
	if state := query.Get("state"); state != "" {
		o.filter.States = []string{state}
	}
	if below := query.Get("below"); below != "" {
		o.filter.Below = below
	}
	o.nodes = query.Get("nodes") != ""
	if address := nodeOf(r); address != "" {
		return takeOf(r.Context(), h.system, address, o)
	}
	return take(r.Context(), h.system, o)
}

// escapePattern returns the pattern that matches the text alone.
func escapePattern(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(text)
}

// page is what all pages have.
type page struct {
	Title    string
	Snapshot *Snapshot
	Query    map[string]string
	Data     any
	Token    string // "" if there are no actions
	Node     string // the address of the other node that is shown; "" for this one
	handler  *handler
	calls    map[uint64]*Call // that have started, made when first asked for
}

// listed is a table of calls.
type listed struct {
	Label string
	Calls []*Call
}

// stateClass returns how a state is colored.
func stateClass(state string) string {
	switch state {
	case "running", "answers":
		return "good"
	case "keeping", "runnable", "stopping", "silent", "denied", "failed", "same", "leaving":
		return "warn"
	case "down":
		return "bad"
	default:
		return ""
	}
}

// link is one to another page.
type link struct{ Address, Title string }

// Pages returns the links that each page has.
func (p *page) Pages() []link {
	pages := []link{{"./", "Overview"}, {"tree", "Callers"}, {"waits", "Waits"}, {"slow", "Slowest"}}
	if p.Node == "" {
		pages = append(pages, link{"stacks", "Stacks"})
	}
	if p.Snapshot.Node != nil {
		pages = append(pages, link{"node", "This node"})
		if p.Node == "" {
			pages = append(pages, link{"nodes", "Nodes"})
		} else {
			pages = append(pages, link{"../../nodes", "Nodes"})
		}
	}
	return pages
}

// HealthClass returns how the health is colored.
func (p *page) HealthClass() string {
	switch held, _ := p.Snapshot.heldTurns(); {
	case len(p.Snapshot.Circles)+len(p.Snapshot.Across) > 0 || held > 0:
		return "bad"
	case p.Snapshot.Health() == nothingUnusual:
		return "good"
	default:
		return ""
	}
}

// Few returns as many ids as a page lists.
func (*page) Few(ids []string) []string { return ids[:min(len(ids), mostListed)] }

// FewStopped returns the last callers that have stopped, as many as a page lists.
func (p *page) FewStopped() []Stopped {
	return p.Snapshot.Stopped[max(0, len(p.Snapshot.Stopped)-mostListed):]
}

// TraceURL returns the address of a trace, or "".
func (p *page) TraceURL(id string) string {
	if p.handler.traceURL == "" || id == "" {
		return ""
	}
	return strings.ReplaceAll(p.handler.traceURL, "%s", id)
}

// Rate returns how many calls a second a caller has begun lately.
func (p *page) Rate(c *Caller) string { return p.handler.rates.of(p.Node, c) }

// States returns the states of callers.
func (*page) States() []string {
	return []string{"initial", "starting", "running", "stopping", "stopped"}
}

// order is a way to sort callers.
type order struct{ Value, Label string }

// Orders returns the ways to sort callers.
func (*page) Orders() []order {
	return []order{{"", "the tree"}, {"age", "turn held"}, {"queue", "queued"}, {"calls", "calls"}, {"rate", "calls a second"}, {"fails", "failures"}}
}

// deepest is how far callers are indented.
const deepest = 5

// Indent returns how far a caller is indented.
func (*page) Indent(depth int) int { return min(depth, deepest) }

// Find returns a call that has started or is delayed, or nil.
func (p *page) Find(id uint64) *Call {
	if p.calls == nil {
		p.calls = p.Snapshot.callsByID()
	}
	if call := p.calls[id]; call != nil {
		return call
	}
	return p.Snapshot.Call(id)
}

func (h *handler) show(w http.ResponseWriter, r *http.Request, file, title string, s *Snapshot, data any) {
	p := &page{Title: title, Snapshot: s, Data: data, Node: nodeOf(r), handler: h, Query: map[string]string{}}
	for _, key := range []string{"name", "state", "below", "sort"} {
		p.Query[key] = snapshot.Clean(r.URL.Query().Get(key))
	}
	if h.actions && p.Node == "" {
		p.Token = h.token
	}
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, file, p); err != nil {
		http.Error(w, "inspect: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = b.WriteTo(w) // the client has gone
}

func (h *handler) snapshotJSON(w http.ResponseWriter, r *http.Request) {
	s, ok := h.take(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s) // the client has gone
}

func (h *handler) snapshotText(w http.ResponseWriter, r *http.Request) {
	if s, ok := h.take(w, r); ok {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, s.String()) // the client has gone
	}
}

func (h *handler) waitsSVG(w http.ResponseWriter, r *http.Request) {
	if s, ok := h.take(w, r); ok {
		w.Header().Set("Content-Type", "image/svg+xml")
		_, _ = io.WriteString(w, s.waitsSVG()) // the client has gone
	}
}

func (h *handler) file(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, path.Join("static", path.Base(pageName(r))))
}

// idOf returns the id of the call that a request names.
func idOf(r *http.Request) uint64 {
	id, _ := strconv.ParseUint(r.FormValue("id"), 10, 64) // 0 is no call's
	return id
}
