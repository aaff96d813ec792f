// Package mutate is for tests: it changes a program in all small ways, one at a time. An
// exploration must find something in each result.
package mutate
