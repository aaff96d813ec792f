package props

import (
	"context"
	"errors"
)

// OnStart has fn called on a turn of the caller when it starts, and after each restart.
// It is where what functions share is made, and made anew after a failure. Children and
// workers do not inherit it.
//
// No call of the caller begins before fn has returned, even if fn waits. actors.Start,
// Caller.Start and Caller.Child return when fn has returned, and keep the turn while they
// wait. On a host the loop must run meanwhile.
//
// An error or a panic of fn is the error of the start, and stops the caller. After a
// restart it counts as a failure, as a panic in a function does: see [Supervision]. An
// adopted actor is stopped if fn fails at its start, which is logged. It is an error of
// the option if fn is nil.
//
// A call of the same caller would wait for fn. So a wait for one in fn returns
// pending.ErrDeadlock. The context of fn ends when the caller is stopped, or restarted.
func OnStart(fn func(context.Context) error) Option {
	return func(c *Config) error {
		if fn == nil {
			return errors.New("props: OnStart(nil): a function must be given")
		}
		c.OnStart = fn
		return nil
	}
}

// OnStop has fn called on a turn of the caller when it stops: after its functions have
// returned and its child callers have stopped, and before its end. It is where what
// [OnStart] has made is closed. Children and workers do not inherit it.
//
// fn may wait. It has the time of [StopTimeout], and is abandoned after that. New calls
// of the caller are rejected as before.
//
// fn is not called for a caller that was never started, or whose OnStart has failed at
// its start. A restart does not call it.
//
// An error of fn is logged, and a panic too. It is an error of the option if fn is nil.
func OnStop(fn func(context.Context) error) Option {
	return func(c *Config) error {
		if fn == nil {
			return errors.New("props: OnStop(nil): a function must be given")
		}
		c.OnStop = fn
		return nil
	}
}
