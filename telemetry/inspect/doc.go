// Package inspect shows a running system of callers: what runs, what waits for what, since
// when, and where calls wait for each other.
//
//	http.Handle("/debug/callers/", inspect.Handler(system)) // pages for a browser
//	defer inspect.DumpOn(system, syscall.SIGUSR1)()         // text on the standard error
//
//	s, err := inspect.Take(ctx, system, inspect.Below("callers/shop"))
//	if err == nil {
//		fmt.Print(s) // a tree of callers and calls
//	}
//
// # Concepts
//
// A [Snapshot] is a picture of all callers. It is taken without stopping them, one after the
// other, and is bounded by [Limit]. It is text by String, JSON with a version, and a graph
// of waits by WaitsDOT. The command telemetry/inspect/callers reads the JSON of another
// process.
//
// Calls bear no time, so that they cost nothing more. Since when a call is in its state is
// found out while somebody looks: see [Ages]. The pages look.
//
// The function of a call says by actors.Progress how far it is.
//
// Where package rpc is used, a snapshot has the sessions of the node and the calls to and
// from other nodes. With [Nodes], and on the page of the nodes, it has what the other nodes
// say, if they use rpc.Inspectable, and circles of calls on different nodes.
//
// # The names you need
//
// [Take] and [Handler]. Then [Authorize], to see the pages from another machine, and
// [TraceURL], to have links to the traces.
//
// # Limits
//
// Arguments and state are never shown. Names and errors are: they are cut at 256 bytes, and
// have no control characters. A circle of waits that can never end is broken by the library
// within a tenth of a second, so the circles that are shown end by themselves: by a timeout,
// say. Circles across nodes are broken within three seconds.
//
// Four pages are drawn at a time, and 64 clients are served. What is beyond is answered with
// the status 503.
package inspect
