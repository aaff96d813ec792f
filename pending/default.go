package pending

import "time"

// What options of this package change.
const (
	// DefaultCancelTimeout is how long a cancelled group waits by default for members that
	// do not end.
	DefaultCancelTimeout = 10 * time.Second

	// DefaultMaxConcurrent is how many pendings [AsCompleted] takes ahead by default.
	DefaultMaxConcurrent = 10
)
