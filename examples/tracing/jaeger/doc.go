// Package jaeger builds Jaeger v2 from source, runs it on free loopback addresses,
// and asks it for traces.
//
// The program is the tool of the module next to this package, in ../tool. The
// first build takes four to eight minutes on two cores; after that the build cache
// of Go has it.
//
// A Jaeger that is built from the module proxy, of version 1 or 2, has no page to
// search on: the source there does not have it. For that page take a release from
// https://github.com/jaegertracing/jaeger/releases, or the image
// jaegertracing/jaeger. The image has its page at port 16686, and takes traces at
// 4318.
package jaeger
