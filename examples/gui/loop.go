package main

import (
	"context"
	"time"

	"gioui.org/app"
	"gioui.org/io/event"
	"gioui.org/layout"
	"gioui.org/op"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// frameTime is how long frames are apart at least, unless the user does something.
const frameTime = time.Second / 60

// loop calls, one at a time, what is to be done for a window: the functions of its
// caller, and the layout of frames. Another goroutine does what Gio does itself:
// that may block, and locks the goroutine to its thread with the first frame. A
// host must not do so halfway.
type loop struct {
	window    *app.Window
	functions chan func()
	ended     chan struct{}

	events  chan event.Event
	handled chan struct{}
	frame   op.Ops
}

func newLoop(w *app.Window) *loop {
	return &loop{
		window: w, functions: make(chan func()), ended: make(chan struct{}),
		events: make(chan event.Event), handled: make(chan struct{}),
	}
}

// host returns the loop as the host of a caller.
func (l *loop) host() props.Host { return props.ChannelHost("gio", l.functions, l.ended) }

// run returns when the window is closed or ctx has ended, and the caller has
// stopped. The error says why the window was closed, if it was not by the user.
func (l *loop) run(ctx context.Context, c *actors.Caller, layOut func(layout.Context)) error {
	defer close(l.ended)
	go l.attend()
	var redraw <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			l.stop(c)
			return nil // the window ends with the program
		case fn := <-l.functions:
			fn()
			if redraw == nil {
				redraw = time.After(frameTime)
			}
		case <-redraw:
			l.window.Invalidate()
			redraw = time.After(frameTime) // Gio may miss one that comes just after a frame
		case e := <-l.events:
			switch e := e.(type) {
			case app.FrameEvent:
				layOut(app.NewContext(&l.frame, e))
				redraw = nil
			case app.DestroyEvent:
				l.stop(c)
				return e.Err
			}
			l.handled <- struct{}{}
		}
	}
}

// stop lets the functions of the caller return that are interrupted by its stop.
func (l *loop) stop(c *actors.Caller) {
	c.Stop()
	for {
		select {
		case fn := <-l.functions:
			fn()
		case <-c.Stopped():
			return
		}
	}
}

// attend waits for events, and draws the frames that are laid out.
func (l *loop) attend() {
	for {
		e := l.window.Event()
		l.events <- e
		if _, last := e.(app.DestroyEvent); last {
			return
		}
		<-l.handled
		if e, ok := e.(app.FrameEvent); ok {
			e.Frame(&l.frame)
		}
	}
}
