package rpc

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

// longestKey is how long the key of a call may be, in bytes.
const longestKey = 256

// Idempotent gives the call a key. The call is made again until it has an answer or its
// context ends. Each attempt goes to where the target is by then. There is no limit of
// attempts, so give the call a deadline. An empty key draws a random one. Give one of
// your own if another program, or this one after a restart, may make the call again. A
// key has at most 256 bytes.
//
// The call is made again after these errors:
//
//   - [ErrNodeDown]: the connection to the node is lost, or there is none;
//   - [ErrNoCaller], [pending.ErrStopped]: the caller is not there, or is stopped meanwhile;
//   - [actors.ErrOverloaded]: the node or the caller has too much to do.
//
// The first time is at once, the others come after pauses that grow to about a second.
// All other errors are final, those of the function among them.
//
// Calls of a function on a caller with the same key are one call. So are those on an
// [Identity], whichever caller it has by then on its node. The function's node has it run
// once, and gives its result, error or panic to all of them: to those that come while it
// runs, and to those that come later, for as long as [DedupWindow] says. So do not use a
// key again for what is to happen again.
//
// The function runs with the argument, the trace and the deadline of the first attempt to
// arrive. It is cancelled when all calls that wait for it are, but not by the loss of
// their node: the result is kept for those who come back.
//
// A call with a key takes this way in its own system as well. It counts for [MaxOpen] and
// [MaxOpenBytes], and its argument and result are encoded. Of the values of its context
// the function sees the trace alone. A [Stream] is not repeated, and has no key.
func Idempotent(key string) CallOption {
	return func(o *callOptions) {
		o.key = key
		if key == "" {
			o.key = rand.Text()
		}
	}
}

// AttemptTimeout limits each attempt at a call with [Idempotent]. Without an answer after
// d the call looks for its target anew, and again after each further d. If an [Identity]
// is on another node by then, the call is made there, and cancelled where it was. There
// is no such limit by default.
//
// No answer is lost without the session. So a target that stays where it is needs no such
// limit.
func AttemptTimeout(d time.Duration) CallOption {
	return func(o *callOptions) { o.attemptTimeout = &d }
}

func checkKey(key string) error {
	if len(key) > longestKey {
		return fmt.Errorf("%w: key of %d bytes, of which there may be %d", ErrTooLarge, len(key), longestKey)
	}
	return nil
}

// Key returns, within a function, the key of the call that it runs for, and whether it
// has one: see [Idempotent].
//
// The node forgets what has run when it ends. What must happen once even then is written
// together with the key, in one transaction. It is not done where the key is there
// already.
func Key(ctx context.Context) (key string, ok bool) {
	key, ok = ctx.Value(keyOfCall{}).(string)
	return key, ok
}

// keyOfCall is where the key is in the context of a function.
type keyOfCall struct{}
