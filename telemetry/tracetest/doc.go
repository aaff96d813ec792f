// Package tracetest tests traces without a server. It records spans in memory,
// compares them with an expected tree, and draws them for a terminal.
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
