package rpc

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
)

// maxInbound is how many nodes may have a session here in which they call functions.
const maxInbound = 4096

// peers are the sessions of a node.
type peers struct {
	mu       sync.Mutex
	outbound map[string]*outbound // by address
	inbound  map[*inbound]struct{}
	leaving  bool
	closed   error // why there are no more
}

// hello is how the node introduces itself to another one.
func (n *node) hello(target string) *wire.Hello {
	h := &wire.Hello{
		Version: wire.Version, Oldest: wire.Oldest, Incarnation: n.incarnation, Target: clean(target),
		MaxSize: uint64(n.config.Load().maxSize), MaxWindow: LargestWindow, //nolint:gosec // It is positive.
	}
	if address := n.system.Address(); address != noAddress {
		h.Address = clean(address)
	}
	return h
}

// newIncarnation draws that of a node.
func (n *node) newIncarnation() (i wire.Incarnation) {
	if n.steps() == nil {
		_, _ = rand.Read(i[:]) // it never fails
		return i
	}
	for at := range i { // that of a test has to be the same again
		i[at] = byte(n.random() * 256)
	}
	return i
}

// removeOutbound has the next call of a node make another session.
func (p *peers) removeOutbound(o *outbound) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.outbound[o.address] == o {
		delete(p.outbound, o.address)
	}
}

// addInbound adds a session, or returns why there may be none.
func (p *peers) addInbound(i *inbound) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed != nil:
		return p.closed
	case len(p.inbound) >= maxInbound:
		return fmt.Errorf("%w: %d nodes have a session", actors.ErrOverloaded, maxInbound)
	}
	if p.inbound == nil {
		p.inbound = make(map[*inbound]struct{})
	}
	p.inbound[i] = struct{}{}
	return nil
}

func (p *peers) removeInbound(i *inbound) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.inbound, i)
}

func (p *peers) all() (out []*outbound, in []*inbound) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Values(p.outbound)), slices.Collect(maps.Keys(p.inbound))
}

// leave has no node begin a session any more, and returns those that have one.
func (p *peers) leave() []*inbound {
	p.mu.Lock()
	p.leaving = true
	p.mu.Unlock()
	_, in := p.all()
	return in
}

func (p *peers) isLeaving() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.leaving
}

// isClosed returns why there are no more sessions, nil if there are.
func (p *peers) isClosed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// close has no session begin any more, and returns those that are to be ended. It reports
// whether that was the first time.
func (p *peers) close(err error) (out []*outbound, in []*inbound, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first = p.closed == nil
	if first {
		p.closed = err
	}
	return slices.Collect(maps.Values(p.outbound)), slices.Collect(maps.Keys(p.inbound)), first
}

// texts are names that come again and again, so that each needs memory once. There is
// room for some.
type texts struct {
	mu    sync.RWMutex
	known map[string]string
}

// maxTexts is how many there is room for.
const maxTexts = 256

// intern returns a text that outlives the batch which text is in.
func (n *node) intern(text string) string {
	if text == "" {
		return ""
	}
	t := &n.texts
	t.mu.RLock()
	known, ok := t.known[text]
	t.mu.RUnlock()
	if ok {
		return known
	}
	known = strings.Clone(text)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil {
		t.known = make(map[string]string)
	}
	if len(t.known) < maxTexts {
		t.known[known] = known
	}
	return known
}

const (
	// longestFlush is how long a node that stops takes to send what it has answered.
	longestFlush = time.Second
	// flushEvery is how often it looks.
	flushEvery = time.Millisecond
)

// flush waits until the sessions have sent what they have, or for so long as that may take.
func flush(sessions []*inbound) {
	until := time.Now().Add(longestFlush)
	for _, i := range sessions {
		for !i.idle() && time.Now().Before(until) {
			time.Sleep(flushEvery)
		}
	}
}
