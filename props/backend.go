package props

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
)

// BackendKind is what the functions of a caller run on.
type BackendKind int

const (
	// Goroutine runs functions on goroutines of the Go scheduler. The default.
	Goroutine BackendKind = iota
	// Thread runs every function of the caller, and every resumption of one
	// that has waited, on one and the same OS thread, which ends with the
	// caller: for C libraries, OpenGL contexts and whatever else keeps its
	// state by thread.
	//
	// Turns, waits and stops are the same. But the Go runtime ends the process
	// when such a function gives its turn away, or returns, between a
	// LockOSThread and an UnlockOSThread of its own, which it does not need; or
	// gives it away below a C function that has called back into Go: there it
	// may only use waits that keep the turn. A function that blocks, as by a
	// wait that keeps the turn, blocks the thread.
	Thread
)

// String returns "goroutine" or "thread".
func (b BackendKind) String() string {
	switch b {
	case Goroutine:
		return "goroutine"
	case Thread:
		return "thread"
	default:
		return fmt.Sprintf("BackendKind(%d)", int(b))
	}
}

// Backend sets what the caller's functions run on. Children inherit it.
func Backend(b BackendKind) Option {
	return func(c *Config) error {
		if b != Goroutine && b != Thread {
			return fmt.Errorf("props: Backend: there is no %v", b)
		}
		c.Backend, c.asked.backend = b, true
		return nil
	}
}

// Host is a loop that somebody else owns: that of a GUI, or of a main goroutine.
type Host interface {
	// Post has fn called on the loop's goroutine, soon, after the functions
	// posted before and not within the call of Post. It is called from any
	// goroutine, and may block, but not for ever: it returns when the loop has
	// ended. If it panics, or ends its goroutine, the loop counts as ended and
	// the callers on it are stopped with that as the cause.
	Post(fn func())
	// Name names the host in errors and logs. HostedBy calls it once, on a
	// goroutine of its own; if it panics there the host's type stands for it.
	Name() string
}

// EndingHost is a [Host] that tells when its loop has ended. A caller on it stops
// then: its functions that wait are abandoned, because nothing can run them any
// more.
type EndingHost interface {
	Host
	// Done returns a channel that is closed when no more functions are called. It
	// is called once for each caller. If it panics, or ends its goroutine, the
	// loop counts as ended.
	Done() <-chan struct{}
}

// HostedBy has every function of the caller run on h's loop. Children don't
// inherit it. What is said of [Thread] holds here too, as far as the host keeps
// its loop on one thread: in particular all its calls of posted functions must be
// made with the same number of LockOSThread in effect.
//
// A loop that is slow delays the functions of the caller, but not its stop:
// that waits for functions which have not returned, for [StopTimeout] at most,
// and for nothing else. Whoever waits on the loop's own goroutine for a
// function of the caller is in its way. A function that calls [runtime.Goexit]
// ends that goroutine. The seed's host.
func HostedBy(h Host) Option {
	return func(c *Config) error {
		if h == nil || !reflect.ValueOf(h).Comparable() {
			return errors.New("props: HostedBy: the host must be something, and comparable")
		}
		c.Host, c.hostName, c.asked.host = h, nameOf(h), true
		return nil
	}
}

// nameOf asks a host for its name, on a goroutine that the host may end.
func nameOf(h Host) (name string) {
	name = fmt.Sprintf("%T", h)
	named := make(chan struct{})
	go func() {
		defer close(named)
		defer func() { _ = recover() }()
		name = h.Name()
	}()
	<-named
	return name
}

// ChannelHost returns the host whose loop receives functions from a channel and
// calls them, as programs do that keep work for their main goroutine:
//
//	for {
//		select {
//		case fn := <-functions:
//			fn()
//		case <-done:
//			return
//		}
//	}
//
// The loop has ended when done is closed; a nil channel says that it never does.
func ChannelHost(name string, functions chan<- func(), done <-chan struct{}) EndingHost {
	return &channelHost{name, functions, done}
}

type channelHost struct {
	name      string
	functions chan<- func()
	done      <-chan struct{}
}

func (h *channelHost) Name() string          { return h.name }
func (h *channelHost) Done() <-chan struct{} { return h.done }

func (h *channelHost) Post(fn func()) {
	select {
	case <-h.done: // the channel of functions may be closed too
		return
	default:
	}
	select {
	case h.functions <- fn:
	case <-h.done:
	}
}

// asked says what the options of a caller have set, and not its parent.
type asked struct{ backend, host bool }

// Differs returns an error if the options that c was made from ask for another
// backend or host than the caller described by existing has.
func (c *Config) Differs(existing *Config) error {
	switch {
	case c.asked.backend && c.Backend != existing.Backend:
		return fmt.Errorf("props: Backend: asked for %v, but it is %v", c.Backend, existing.Backend)
	case c.asked.host && c.Host != existing.Host:
		return fmt.Errorf("props: HostedBy: asked for %s, but it is %s", c.hostName, cmp.Or(existing.HostName(), "not hosted"))
	default:
		return nil
	}
}

// HostName returns the name that the host had when [HostedBy] was called, or "" if
// there is no host. It is safe for concurrent use.
func (c *Config) HostName() string {
	if c.Host == nil {
		return ""
	}
	return c.hostName
}
