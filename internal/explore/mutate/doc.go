// Package mutate is for tests: it changes a program in all small ways, one at a time, and looks
// whether an exploration finds something in each result.
package mutate
