// Package tracetest tests traces without a server. It records spans in memory,
// compares them with an expected tree, and draws them for a terminal.
//
//	func TestCheckout(t *testing.T) {
//		spans := tracetest.NewRecorder()
//		c := actorstest.Start(t, actorstest.NewSystem(t), props.Telemetry(spans.Telemetry()))
//		_, err := actors.Schedule(t.Context(), c, fetch, actors.Named("fetch")).Wait(t.Context())
//		if err == nil {
//			spans.AssertTree(t, "fetch")
//		}
//	}
//
// # Trees
//
// A tree is text: one span on a line, indented below its parent.
//
//	checkout
//	  reserve
//	  pay error "no money"
//
// [Recorder.AssertTree] compares the spans that have ended with it. [Attributes] and [Events] add
// details to the lines. [Waterfall] draws the spans with their times.
//
// # The names you need
//
// [NewRecorder], [Recorder.Telemetry] and [Recorder.AssertTree]. [Recorder.Tracer] for spans of the
// test itself. [Waterfall] to look at a trace.
//
// # Limits
//
// A tree has the spans that have ended. Wait for the calls, and for the callers if there are spans of
// queues, before it is compared. Times are no part of a tree.
package tracetest
