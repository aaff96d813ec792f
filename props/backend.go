package props

import (
	"errors"
	"fmt"
	"reflect"
)

// BackendKind is a kind of goroutine or thread that functions run on.
type BackendKind int

const (
	// Goroutine runs functions on goroutines of the Go scheduler. It is the
	// default.
	Goroutine BackendKind = iota
	// Thread runs every function of the caller on the same OS thread, also after
	// it has waited. The thread ends with the caller. It is for C libraries,
	// OpenGL contexts and other code that keeps state by thread.
	//
	// Turns, waits and stops work as on goroutines. A function that blocks, or
	// waits without giving its turn away, blocks the thread.
	//
	// The Go runtime ends the process in two cases. One is a function that waits
	// or returns between a LockOSThread and an UnlockOSThread of its own. It does
	// not need them. The other is a function that gives its turn away below a C
	// function that has called back into Go. There it must use waits that keep the
	// turn.
	//
	// Children and workers of the caller have threads of their own. The workers
	// are limited, see [MaxWorkers].
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

// Backend sets what the caller's functions run on: [Goroutine], the default, or [Thread].
// Children inherit it.
//
// Backend([Thread]) cannot be combined with [HostedBy]: that is an error.
func Backend(b BackendKind) Option {
	return func(c *Config) error {
		if b != Goroutine && b != Thread {
			return fmt.Errorf("props: Backend(%v): must be Goroutine or Thread", b)
		}
		c.Backend, c.asked.backend = b, true
		return nil
	}
}

// Host is a loop of other code that can call functions: that of a GUI, or of a
// main goroutine.
type Host interface {
	// Post makes the loop call fn on its goroutine soon. The loop calls posted
	// functions in their order, and none during the call of Post. Post is called
	// from any goroutine. It may block, but must return when the loop has ended.
	// If it panics, or ends its goroutine, the callers of the host stop with that
	// as the cause.
	Post(fn func())
	// Name returns the name of the host, for logs and errors. It must not be
	// empty. HostedBy calls it once, on a goroutine of its own. If it panics there,
	// the type of the host is its name.
	Name() string
}

// EndingHost is a [Host] that reports the end of its loop. Its callers stop then.
// Their functions that wait are abandoned, because nothing can run them any more.
type EndingHost interface {
	Host
	// Done returns a channel that is closed when no more functions are called. It
	// is called once for each caller. If it panics, or ends its goroutine, the
	// loop counts as ended.
	Done() <-chan struct{}
}

// HostedBy runs every function of the caller on h's loop. Children do not
// inherit the host.
//
// What [Thread] says about LockOSThread and C functions applies here too, if the
// loop keeps to one thread. The loop must call all posted functions with the same
// number of LockOSThread calls in effect.
//
// A slow loop delays the functions of the caller, but not its stop. The stop
// waits only for functions that have started and not returned, and no longer
// than [StopTimeout]. Waiting on the loop's own goroutine for a function of the
// caller blocks the loop that would run it. A function that calls
// [runtime.Goexit] ends the loop's goroutine.
//
// It is an error if h is nil, or holds a nil pointer or channel. It is an error
// too if its Name returns "", or if h cannot be compared with ==. Whether it
// can depends on the value: a struct cannot if one of its interface fields
// holds a slice.
func HostedBy(h Host) Option {
	return func(c *Config) error {
		name, err := checkHost(h)
		if err != nil {
			return err
		}
		c.Host, c.hostName, c.asked.host = h, name, true
		return nil
	}
}

// checkHost returns the name of a host, or why it cannot serve.
func checkHost(h Host) (name string, err error) {
	switch v := reflect.ValueOf(h); {
	case h == nil:
		return "", errors.New("props: HostedBy(nil): a host must be given")
	case (v.Kind() == reflect.Pointer || v.Kind() == reflect.Chan) && v.IsNil():
		return "", fmt.Errorf("props: HostedBy(%T(nil)): a host must be given", h)
	case !v.Comparable():
		return "", fmt.Errorf("props: HostedBy(%T): a host must be comparable with ==", h)
	}
	if name = nameOf(h); name == "" {
		return "", fmt.Errorf(`props: HostedBy(%T): a host must have a name, but its Name returns ""`, h)
	}
	return name, nil
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

// ChannelHost returns a host for a loop that receives functions from a channel and
// calls them. Programs that need their main goroutine have such a loop:
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
// The loop has ended when done is closed. A nil done means that it never ends.
//
// ChannelHost panics if functions is nil, because no loop could receive from
// it. An empty name is an error from [HostedBy].
func ChannelHost(name string, functions chan<- func(), done <-chan struct{}) EndingHost {
	if functions == nil {
		panic("props: ChannelHost: functions is nil")
	}
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

// asked notes which options were given to the caller itself, and not inherited.
type asked struct{ backend, host bool }

// Differs returns an error if the options of c ask for another backend or host
// than existing has. It is meant for package actors, which calls it when a child
// of that name exists.
func (c *Config) Differs(existing *Config) error {
	switch {
	case c.asked.host && c.Host != existing.Host:
		return fmt.Errorf("props: HostedBy(%q): the existing child runs on %s", c.hostName, existing.executor(c))
	case c.asked.backend && c.Host == nil && (existing.Host != nil || c.Backend != existing.Backend):
		return fmt.Errorf("props: Backend(%v): the existing child runs on %s", c.Backend, existing.executor(nil))
	default:
		return nil
	}
}

// executor describes what the functions of c run on, for an error about another host.
// The host of the other description may have the same name, or be nil.
func (c *Config) executor(other *Config) string {
	switch {
	case c.Host == nil:
		return fmt.Sprintf("backend %v", c.Backend)
	case other != nil && other.hostName == c.hostName:
		return fmt.Sprintf("another host %q", c.hostName)
	default:
		return fmt.Sprintf("host %q", c.hostName)
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
