package sim

// cleanup is a function that would be called when something is collected.
type cleanup struct {
	object
	arg     any
	stopped bool
}

// Cleanup stands for that of package runtime.
type Cleanup struct{ *cleanup }

// AddCleanup stands for that of package runtime.
func AddCleanup[T, S any](_ *T, _ func(S), arg S) Cleanup {
	step("add a cleanup")
	c := &cleanup{arg: arg}
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

// Cleanups returns the arguments of the functions that are to be called when something is
// collected.
func (w *World) Cleanups() (args []any) {
	for _, c := range w.cleanups {
		if !c.stopped {
			args = append(args, c.arg)
		}
	}
	return args
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
