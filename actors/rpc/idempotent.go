package rpc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// longestKey is how long the key of a call may be, in bytes.
const longestKey = 256

// repetition is how a call is made again: not at all without a key.
type repetition struct {
	key            string
	attemptTimeout *time.Duration
}

func (r repetition) repeats() bool { return r != repetition{} }

// Idempotent has the call made again, to where its target is by then, until it
// has an answer or its context ends: give it a deadline, there is no limit of
// attempts. It is made again when the connection to the node is lost or there is
// none ([ErrNodeDown]), when the caller is not there, or is stopped meanwhile
// ([ErrNoCaller], [pending.ErrStopped]), when the node or the caller has too much
// to do ([actors.ErrOverloaded]), and when an attempt has no answer in the time
// of [AttemptTimeout]; the first time at once, then after pauses that grow to
// about a second. All other errors are final, those of the function among them.
//
// Calls of a function on a caller with the same key are one call, and so are those
// on an [Identity], whichever caller it has by then on its node. The function's node
// has it run once, and gives its result, error or panic to all of them, those that
// come while it runs and those that come later, for as long as [Remember] says. So do
// not use a key again for what is to happen again. An empty key draws
// a random one; give one of your own, of up to 256 bytes, if the call is to be
// repeated by a program that was started anew, or by another node.
//
// The argument is that of the first attempt to arrive, and so are the trace and
// the deadline with which the function runs. It is cancelled when all are who wait
// for it, but not by the loss of their node: the result is kept for those who come
// back. A call with a key takes this way in its own system as well: it counts for
// [MaxOpen] and [MaxOpenBytes], its argument and result are encoded, and of the values of its context
// the function sees the trace alone. A [Stream] is not repeated, and has no key.
func Idempotent(key string) CallOption {
	return func(o *callOptions) {
		o.key = key
		if key == "" {
			o.key = rand.Text()
		}
	}
}

// AttemptTimeout has a call with [Idempotent] made again if it has no answer for
// so long, and again after each further d and a pause. It costs the far node no
// second run: what runs there is joined. There is no such limit by default, and a
// message that is lost while the connection lives is never missed: give one if
// answers may get lost, as where the connection back is another one.
func AttemptTimeout(d time.Duration) CallOption {
	return func(o *callOptions) { o.attemptTimeout = &d }
}

// check returns why a call cannot be made.
func (r repetition) check() error {
	if d := r.attemptTimeout; d != nil {
		switch {
		case r.key == "":
			return errors.New("rpc: AttemptTimeout: only with Idempotent")
		case *d <= 0:
			return fmt.Errorf("rpc: AttemptTimeout: %v is not more than 0", *d)
		}
	}
	if !utf8.ValidString(r.key) {
		return fmt.Errorf("%w: Idempotent: the key is no UTF-8", ErrEncoding)
	}
	return checkKey(r.key)
}

func checkKey(key string) error {
	if len(key) > longestKey {
		return fmt.Errorf("%w: key of %d bytes, of which there may be %d", ErrTooLarge, len(key), longestKey)
	}
	return nil
}

// Key returns, within a function, the key of the call that it runs for, and
// whether it has one: see [Idempotent]. The node forgets what has run when it
// ends. What must happen once even then is written together with the key, in one
// transaction, and not done where the key is there already.
func Key(ctx context.Context) (key string, ok bool) {
	key, ok = ctx.Value(keyOfCall{}).(string)
	return key, ok
}

// keyOfCall is where the key is in the context of a function.
type keyOfCall struct{}
