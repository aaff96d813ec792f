// Package sched runs tasks one at a time, in order, with re-entrant turns.
//
// A [Scheduler] has a run queue of functions and messages, and a control lane that
// overtakes it. At most one [Task] of a scheduler is current: it has the turn. A task
// that waits parks, which gives the turn to the next one, and takes it back later.
//
// The package knows nothing of actors. What it schedules is a [Work], and whom it
// reports to is an [Owner]. The files, from the bottom up:
//
//   - owner.go has what the scheduler asks of its owner, and what it schedules.
//   - task.go and tasklist.go have the [Task] and its states; executor.go has where tasks
//     run.
//   - state*.go has the state of one scheduler and its operations. They take no lock,
//     start no goroutine and call nobody: each returns what is to follow.
//   - scheduler.go has the Scheduler: the lock around the state. It does what an
//     operation has returned after it has released the lock.
//   - step.go lets a test choose which goroutine goes on.
//   - slowturn.go says which turn lasts long, and what waits for it.
//   - checkturn.go finds goroutines that wait with the turn of another one, deadlock.go
//     circles of waits.
//   - park.go and yield.go say how a task waits.
//   - loop.go has the run loop: what is done with the next item.
//   - goroutines.go, borrowed.go and pinned.go are the executors.
//
// No file calls functions of a file below it in this list. DESIGN.md of package actors
// explains how all of it works together.
package sched
