// Package instrument makes the spans and metrics of callers, queues, requests and calls between
// nodes. Packages actors and rpc tell it what happens. A Telemetry embeds its state.
package instrument
