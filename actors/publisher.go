package actors

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// publication is the destination of a caller's Publish while the caller lives.
type publication struct {
	props.Publication

	mu     sync.Mutex // not held while user code runs
	closed bool
	active int           // calls of Publish that have not returned
	idle   chan struct{} // closed when the last of them has, after closed is set
}

// begin reports whether a Publish may be called. If so, end must follow.
func (p *publication) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.active++
	return true
}

func (p *publication) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.active--
	if p.closed && p.active == 0 {
		close(p.idle)
	}
}

// beginClose makes begin report false, and waits for the calls that have begun.
func (p *publication) beginClose() {
	p.mu.Lock()
	p.closed = true
	p.idle = make(chan struct{})
	wait := p.active > 0
	p.mu.Unlock()
	if wait {
		<-p.idle
	}
}

// openPublication opens the publication of the options, if there is one.
func (c *Caller) openPublication() error {
	if c.config.Publisher == nil {
		return nil
	}
	var p props.Publication
	var err error
	failed := attempt(func() { p, err = c.config.Publisher(c.ID()) })
	if err = cmp.Or(failed, err); err == nil && p == nil {
		err = errors.New("it is nil")
	}
	if err != nil {
		return fmt.Errorf("actors: start %s: open its publication: %w", c.path(), err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cold().publication = &publication{Publication: p}
	return nil
}

func (c *Caller) published() *publication {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.coldState == nil {
		return nil
	}
	return c.coldState.publication
}

// closePublication is called when no function can publish any more.
func (c *Caller) closePublication() {
	p := c.published()
	if p == nil {
		return
	}
	p.beginClose()
	defer c.logPanic("closing of the publication")
	if err := p.Close(); err != nil {
		c.log().Error("actors: publication not closed",
			slog.String("caller", c.path()), slog.Any("error", err))
	}
}

// Publish sends data under a topic to the publication of [props.Publisher]. It blocks as
// long as the publication does.
//
// The error is that of the publication. It matches [ErrNoPublisher] if there is none, or
// none yet. It matches [pending.ErrStopped] once the caller begins to close the
// publication. So it does in Close, and in a log handler for the failure of Close.
func (c *Caller) Publish(topic string, data []byte) error {
	p := c.published()
	if p == nil {
		return fmt.Errorf("%w: %s", ErrNoPublisher, c.path())
	}
	if !p.begin() {
		return fmt.Errorf("actors: publish on %s: %w", c.path(), pending.ErrStopped)
	}
	defer p.end()
	return p.Publish(topic, data)
}
