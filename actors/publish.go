package actors

import (
	"context"
	"errors"
	"runtime/debug"

	"github.com/seed-7fcaac1b/protocaller/pending"
)

// publish tells those who have subscribed to the events of the actor system. A
// panic of one of them is logged: it must not end the goroutine of the caller,
// nor what that is about to do.
func (c *Caller) publish(event any) {
	defer c.logPanic("event handler")
	c.node.system.EventStream.Publish(event)
}

// deadLetter is publish for a message that cannot be delivered.
func (c *Caller) deadLetter(message any) {
	defer c.logPanic("handler of a dead letter")
	c.node.system.DeadLetter.SendUserMessage(c.pid, message)
}

// errExited says that user code has ended its goroutine.
var errExited = errors.New("runtime.Goexit was called")

// attempt calls user code on a goroutine of its own and returns an error if it has
// panicked, or ended that goroutine.
func attempt(fn func()) error {
	err := errExited
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			if r := recover(); r != nil {
				err = &pending.PanicError{Value: r, Stack: debug.Stack()}
			}
		}()
		fn()
		err = nil
	}()
	<-ended
	return err
}

// logPanic is deferred where a panic is to go no further.
func (c *Caller) logPanic(what string) {
	if r := recover(); r != nil {
		c.logCrash(context.Background(), what, &pending.PanicError{Value: r, Stack: debug.Stack()})
	}
}
