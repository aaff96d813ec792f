// Package sim is for tests: it stands for packages sync, sync/atomic, context, time and
// runtime in code that is explored. Package instrument has that code use it.
//
// In a world each operation is a step of the process that makes it. Outside of a world, and
// while a script builds one, the operations do what they stand for on one goroutine.
package sim
