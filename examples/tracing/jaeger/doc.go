// Package jaeger builds Jaeger from source, runs it on loopback addresses that
// nobody else uses, and asks it for traces.
//
// The program is the tool of the module next to this package, in ../tool. The
// first build takes some minutes; after that the build cache of Go has it. It
// has no web page, which the releases of Jaeger have, but all of the rest.
package jaeger
