// Package pendingexplore explores package pending, and what is below it: package future has the
// state of a pending, package scheduled the function behind it. The code is real. The callers
// that run the functions are a model.
package pendingexplore
