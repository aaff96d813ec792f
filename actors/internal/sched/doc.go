// Package sched runs tasks one at a time, in order, with re-entrant turns.
//
// A [Scheduler] has a run queue of functions and messages, and a control lane that
// overtakes it. At most one [Task] of a scheduler is current: it has the turn. A task
// that waits parks, which gives the turn to the next one, and takes it back later.
//
// The package knows nothing of actors. What it schedules is a [Work], and whom it
// reports to is an [Owner]. The files, from the inside out:
//
//   - state.go has the state of one scheduler and its operations. They take no lock,
//     start no goroutine and call nobody: each returns the effects that are to follow.
//   - scheduler.go has the Scheduler: the lock around the state. It carries the effects
//     out after it has released the lock.
//   - loop.go has the run loop: which item is next, and what is done with it.
//   - task.go has the Task: how it parks and resumes.
//   - executor.go, borrowed.go and pinned.go say on which goroutine the loop runs.
//   - deadlock.go has the wait-for graph, slowturn.go the watch over long turns.
//
// DESIGN.md of package actors explains how these work together.
package sched
