package inspect

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/asynkron/protoactor-go/actor"
)

// errNoNode is the error of a page of a node that this system knows nothing of.
var errNoNode = errors.New("inspect: this system knows no such node")

// nodesPrefix begins the names of the pages of other nodes. The address of the node follows.
const nodesPrefix = "nodes/"

// cutNode returns of which node a page is, and its name there. It reports false for a page of
// this system.
func cutNode(name string) (address, page string, ok bool) {
	rest, ok := strings.CutPrefix(name, nodesPrefix)
	if !ok {
		return "", "", false
	}
	address, page, ok = strings.Cut(rest, "/")
	return address, page, ok
}

type nodeKey struct{}

// nodeOf returns the address of the node that a request asks about, "" for this system.
func nodeOf(r *http.Request) string {
	address, _ := r.Context().Value(nodeKey{}).(string)
	return address
}

// serveNode serves a page of another node. Such pages only read.
func (h *handler) serveNode(w http.ResponseWriter, r *http.Request, address, name string) {
	page := h.ofNodes[name]
	switch {
	case page == nil || address == "":
		http.NotFound(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "inspect: the pages of other nodes only read", http.StatusMethodNotAllowed)
	default:
		page(w, r.WithContext(context.WithValue(r.Context(), nodeKey{}, address)))
	}
}

// takeOf returns a snapshot of another node. It asks none but those that the system knows.
func takeOf(ctx context.Context, system *actor.ActorSystem, address string, o options) (*Snapshot, error) {
	nodes := nodesOf(system)
	if nodes == nil || !slices.Contains(nodes.Others(), address) {
		return nil, errNoNode
	}
	n := askNode(ctx, nodes, address, o, mostAnswered)
	if n.Snapshot == nil {
		return nil, errors.New("inspect: " + n.String())
	}
	return n.Snapshot, nil
}

// linkTo returns the address of the pages of a node.
func linkTo(address string) string { return nodesPrefix + url.PathEscape(address) + "/" }

// addressOf returns the address of the page of a call, "" if it has none.
func (s *Snapshot) addressOf(step Step) string {
	page := fmt.Sprintf("call?id=%d", step.Call)
	switch {
	case step.Call == 0:
		return ""
	case step.Node == s.Node.Address:
		return page
	default:
		return linkTo(step.Node) + page
	}
}

// node shows what a node has to do with others.
func (h *handler) node(w http.ResponseWriter, r *http.Request) {
	s, ok := h.take(w, r)
	if !ok {
		return
	}
	if s.Node == nil {
		http.Error(w, "inspect: this system uses no package rpc, and has no other nodes", http.StatusNotFound)
		return
	}
	n := s.Node
	h.show(w, r, "node.html", "This node", s, map[string]any{
		"Identities": n.Identities[:min(len(n.Identities), mostListed)], "Calls": n.Calls[:min(len(n.Calls), mostListed)],
	})
}

// nodesPage shows the other nodes, and the waits that cross.
func (h *handler) nodesPage(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	query.Set("nodes", "yes")
	asked := r.Clone(r.Context())
	asked.URL.RawQuery = query.Encode()
	s, ok := h.take(w, asked)
	if !ok {
		return
	}
	if s.Node == nil {
		http.Error(w, "inspect: this system uses no package rpc, and has no other nodes", http.StatusNotFound)
		return
	}
	h.show(w, r, "nodes.html", "Nodes", s, map[string]any{
		"SVG": template.HTML(s.acrossSVG()), //nolint:gosec // All text in it is escaped.
	})
}

// LinkTo returns the address of the pages of a node.
func (*page) LinkTo(address string) string { return linkTo(address) }

// AddressOf returns the address of the page of a call of a circle, "" if it has none.
func (p *page) AddressOf(step Step) string { return p.Snapshot.addressOf(step) }

// Named returns a link to a call by its id.
func (p *page) Named(id uint64) link {
	if c := p.Snapshot.Call(id); c != nil {
		return link{fmt.Sprintf("call?id=%d", id), c.Name}
	}
	return link{"", fmt.Sprintf("#%d", id)}
}

// FewSessions returns as many sessions as a page lists.
func (p *page) FewSessions() []Session {
	all := p.Snapshot.Node.Sessions
	return all[:min(len(all), mostListed)]
}

// FewMembers returns as many members as a page lists.
func (p *page) FewMembers() []Member {
	all := p.Snapshot.Node.Members
	return all[:min(len(all), mostListed)]
}

// Number returns how many callers there are, of which the snapshot may show fewer.
func (s *Snapshot) Number() int { return len(s.Callers) + s.Omitted }
