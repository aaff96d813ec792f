// Package watchdog finds turns that last too long while something waits for them.
//
// A turn costs nothing: only the first turn after a look has to be noted in a [Mark]. There is
// no clock, no timer and no memory per turn. One timer per [Watchdog] looks at the subjects that
// have taken a turn. It does so ten times within the shortest of their limits. It looks less
// often if the looks would cost more than a fiftieth of the time.
//
// A turn that no other has followed between two looks has lasted for that time at least. A
// turn is found between its limit and five quarters of it. For a very short limit it may be
// found five milliseconds after the limit.
//
// The timer runs while turns begin, and while one of them may reach its limit. A turn
// that was reported, or that nothing waits for, does not keep it running. What begins to
// wait for a turn starts it again. So an idle system has no timer, and a program that
// hangs has none either: testing/synctest can find that all its goroutines are blocked.
//
// The timer refers to its watchdog weakly, and keeps no actor system in memory.
package watchdog
