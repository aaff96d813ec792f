package inspect

import (
	"net/http"

	"github.com/seed-7fcaac1b/protocaller/internal/snapshot"
)

// DefaultLimit is how many callers a snapshot shows unless [Limit] says otherwise.
const DefaultLimit = 1000

// Option changes what [Take] returns, or what [Handler] shows and allows. An option that
// does not concern the one has no effect on it.
type Option func(*options)

type options struct {
	limit    int
	filter   snapshot.Filter
	ages     bool
	nodes    bool
	traceURL string
	actions  bool
	allow    func(*http.Request) error
}

func newOptions(opts []Option) options {
	o := options{limit: DefaultLimit}
	for _, opt := range opts {
		if opt == nil {
			panic("inspect: a nil option")
		}
		opt(&o)
	}
	return o
}

// Limit bounds how many callers are shown, and how many calls of each of them. The default
// is [DefaultLimit]. An n below 1 counts as 1.
func Limit(n int) Option { return func(o *options) { o.limit = max(1, n) } }

// Names shows the callers alone whose names match the pattern, as of [path.Match].
func Names(pattern string) Option { return func(o *options) { o.filter.Name = pattern } }

// States shows the callers alone that are in one of the states, as "running".
func States(states ...string) Option { return func(o *options) { o.filter.States = states } }

// Below shows the caller with the id and its descendants alone. The id may be one that a
// snapshot has cut.
func Below(id string) Option { return func(o *options) { o.filter.Below = id } }

// Ages has [Take] say since when calls are in their states. Calls bear no time of their
// own: from the first look on, and until five seconds after the last one, the library looks
// each second. What was there at the first look began "before looking began".
func Ages() Option { return func(o *options) { o.ages = true } }

// Nodes has [Take] ask the other nodes what they do: the members of the cluster, and those
// that this node calls. Such a node has to use rpc.Inspectable. That takes a second at most,
// for which a function of a caller keeps its turn. The callers of other nodes are in
// [Snapshot.Nodes], up to the limit, or less if there are many nodes.
func Nodes() Option { return func(o *options) { o.nodes = true } }

// TraceURL makes the trace id of a call a link. The pattern is an address with %s in it,
// which stands for the trace id: "http://jaeger:16686/trace/%s".
func TraceURL(pattern string) Option { return func(o *options) { o.traceURL = pattern } }

// AllowActions lets the pages of [Handler] cancel a call and stop a caller. Without it they
// only read.
func AllowActions() Option { return func(o *options) { o.actions = true } }

// Authorize decides who may see the pages of [Handler]: those for whose requests allow
// returns nil. Without it, only requests from loopback addresses are served, under a name
// of this machine. allow is called for each request, on the goroutine of the server.
func Authorize(allow func(*http.Request) error) Option {
	if allow == nil {
		panic("inspect: Authorize with a nil function")
	}
	return func(o *options) { o.allow = allow }
}

// query returns what a picture is to show.
func (o *options) query() snapshot.Query {
	q := snapshot.Query{Limit: o.limit, Ages: o.ages}
	if !o.filter.IsZero() {
		q.Keep = o.filter.Keeps
	}
	return q
}
