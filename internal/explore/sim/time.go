package sim

import (
	"time"

	"github.com/seed-7fcaac1b/protocaller/internal/explore"
)

// Timer stands for [time.Timer]. It may fire at any time.
type Timer struct {
	C <-chan time.Time

	object
	of    *explore.Proc // that has started it
	fn    func()
	over  bool // it has fired, or was stopped
	round int  // how often it was started
}

// AfterFunc stands for [time.AfterFunc].
func AfterFunc(_ time.Duration, fn func()) *Timer {
	t := &Timer{fn: fn, of: process()}
	if now == nil {
		panic("a timer outside of a world")
	}
	now.timers = append(now.timers, t)
	t.start()
	return t
}

func (t *Timer) start() {
	t.over = false
	t.round++
	round := t.round
	now.Go("timer", func() {
		p := process()
		p.Service = true
		p.Await(func() bool { return !t.over && t.round == round }, "a timer fires")
		p.Service = false
		t.over = true
		t.use()
		t.fn()
	})
}

// Reset stands for that of [time.Timer].
func (t *Timer) Reset(time.Duration) bool {
	step("reset a timer")
	t.use()
	was := t.over
	t.start()
	return !was
}

// NewTimer stands for [time.NewTimer].
func NewTimer(d time.Duration) *Timer {
	c := make(chan time.Time, 1)
	t := AfterFunc(d, func() {
		channelOf(c).use()
		c <- time.Time{}
	})
	t.C = c
	return t
}

// IsRunning reports whether the timer will fire. It is for checks.
func (t *Timer) IsRunning() bool { return !t.over }

// Stop stands for that of [time.Timer].
func (t *Timer) Stop() bool {
	step("stop a timer")
	t.use()
	was := t.over
	t.over = true
	return !was
}
