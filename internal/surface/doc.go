// Package surface lists the exported names that nobody outside of this repository could need.
// It is a module of its own, so that programs do not get what it depends on.
//
// It judges by types and by uses, and not by what a name means:
//
//   - A name is internal if its declaration mentions a type of an internal package, by that
//     package's own name. Others cannot make such a value, or implement such an interface.
//   - A name is for siblings if another package of the repository uses it, apart from tests, and
//     nothing that stands for a program does: no example function, no program or document in the
//     repository. Its own package does not count.
//
// A name that it lists may be right all the same. So each has to be in a list with a reason:
// [Judged].
package surface
