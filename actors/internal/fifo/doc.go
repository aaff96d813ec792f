// Package fifo has the first-in first-out queues of the scheduler.
//
// [Ring] holds items of one type and reuses its memory. [Chunks] holds any number of
// items, and no memory while it is empty. Neither is safe for concurrent use.
package fifo
