package sim

// cleanup is a function that is called when something is collected.
type cleanup struct {
	object
	call    func()
	stopped bool
}

// Cleanup stands for that of package runtime.
type Cleanup struct{ *cleanup }

// AddCleanup stands for that of package runtime.
func AddCleanup[T, S any](_ *T, fn func(S), arg S) Cleanup {
	step("add a cleanup")
	c := &cleanup{call: func() { fn(arg) }}
	c.use()
	if now != nil {
		now.cleanups = append(now.cleanups, c)
	}
	return Cleanup{c}
}

// Stop stands for that of [runtime.Cleanup].
func (c Cleanup) Stop() {
	step("stop a cleanup")
	c.use()
	c.stopped = true
}

// Cleanups returns how many functions are to be called when something is collected.
func (w *World) Cleanups() (n int) {
	for _, c := range w.cleanups {
		if !c.stopped {
			n++
		}
	}
	return n
}

// Goexit stands for that of package runtime.
func Goexit() { process().Goexit() }

// Gosched stands for that of package runtime: each step is one.
func Gosched() {}

// Recovers reports whether recover is to be called: not if the process ends.
func Recovers() bool {
	p := process()
	return p == nil || !p.IsExiting()
}
