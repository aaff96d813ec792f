// Package explore is for tests: it drives a few goroutines step by step, in all orders of
// their steps, or in many.
//
// A goroutine is a [Proc]: a coroutine that stops before each of its steps. A [Script] builds
// a [World] of them, and a [Model] that says what must always be so. [All] looks at all
// orders, [Some] at some. What goes wrong is a [Finding], which can be shortened and replayed.
package explore
