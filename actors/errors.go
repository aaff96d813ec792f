package actors

import (
	"github.com/seed-7fcaac1b/protocaller/actors/internal/sched"
	"github.com/seed-7fcaac1b/protocaller/internal/sentinel"
)

var (
	// ErrOverloaded is matched by the error of a call or a wait that a limit of the
	// caller has rejected.
	ErrOverloaded = sched.ErrOverloaded

	// ErrQueueClosed is the error of an item that comes after its queue was closed.
	ErrQueueClosed = sentinel.New("queue_closed", "actors: queue closed")

	// ErrChildDiffers is matched by the error of [Caller.Child] for a child that exists with
	// other options. Without these options Child returns the child.
	ErrChildDiffers = sentinel.New("child_differs", "actors: the child exists with other options")

	// ErrNoPublisher is returned by [Caller.Publish] of a caller that has no publisher.
	ErrNoPublisher = sentinel.New("no_publisher", "actors: caller has no publisher")
)
