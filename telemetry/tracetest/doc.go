// Package tracetest shows traces without a server: it records spans in memory,
// compares them with the tree that a test expects, and draws them for a
// terminal.
//
//	spans := tracetest.NewRecorder()
//	caller, err := actors.Start(system, props.Telemetry(spans.Telemetry()))
//	...
//	spans.AssertTree(t, `
//		checkout
//		  reserve
//		  pay error "no money"
//	`)
//
// [Waterfall] draws the same spans with their times.
package tracetest
