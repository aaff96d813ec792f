package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"syscall"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// stripes is how many there are of a picture, each painted by a function of its
// own.
const stripes = 16

// painter paints a picture. It is touched by functions of its caller alone.
type painter struct {
	display display
	caller  *actors.Caller
	way     way
	pause   time.Duration

	canvas  *canvas
	painted int          // stripes, as they should be
	refused error        // why others were not
	threads map[int]bool // that functions have run on
}

// report says what came of it.
func (p *painter) report() string {
	text := fmt.Sprintf("%2d of %d painted, threads used: %d", p.painted, stripes, len(p.threads))
	if p.refused == nil {
		return text
	}
	return text + ": " + p.refused.Error()
}

// paint is a function of the caller. It has the others called, and waits for them
// with the context current on its thread.
func (p *painter) paint(ctx context.Context) (_ any, err error) {
	if p.way.functions == props.Goroutine {
		runtime.LockOSThread() // the best that can be done here
		defer runtime.UnlockOSThread()
	}
	p.canvas, err = p.display.newCanvas(stripes)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.canvas.close()) }()
	if err := p.canvas.use(); err != nil {
		return nil, err
	}
	p.threads = map[int]bool{syscall.Gettid(): true}
	for stripe, err := range pending.AsCompleted(ctx, p.stripes(ctx), pending.MaxConcurrent(stripes)) {
		if stripe == nil || stripe.Cancelled() {
			return nil, err
		}
		if err != nil {
			p.refused = err
			continue
		}
		p.painted++
	}
	return nil, nil
}

func (p *painter) stripes(ctx context.Context) iter.Seq[*pending.Pending[any]] {
	return func(yield func(*pending.Pending[any]) bool) {
		for i := range stripes {
			paint := func(ctx context.Context) (any, error) { return nil, p.paintStripe(ctx, i) }
			if !yield(actors.CallUsing(ctx, p.caller, p.way.functions, paint)) {
				return
			}
		}
	}
}

// paintStripe is a function of the caller as well. All stripes are begun before
// the first is looked at, since each waits in between.
func (p *painter) paintStripe(ctx context.Context, i int) error {
	p.threads[syscall.Gettid()] = true
	if err := p.canvas.use(); err != nil {
		return err
	}
	c := color{uint8(i), uint8(2 * i), 255, 255}
	p.canvas.fill(i, c)
	if err := actors.Sleep(ctx, p.pause); err != nil {
		return err
	}
	p.threads[syscall.Gettid()] = true
	if got := p.canvas.at(i); got != c {
		return fmt.Errorf("stripe %d is %v instead of %v", i, got, c)
	}
	return nil
}
