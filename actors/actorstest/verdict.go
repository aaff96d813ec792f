package actorstest

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
)

// verdict is the testing.TB of one schedule. Its failures are those of the schedule, not of
// the test that explores.
type verdict struct {
	testing.TB // of that test, for its name
	control    *controller
	ctx        context.Context
	cancel     context.CancelFunc

	mu       sync.Mutex
	failed   bool
	skipped  bool
	output   strings.Builder
	cleanups []func()
}

func newVerdict(t testing.TB, c *controller) *verdict {
	v := &verdict{TB: t, control: c}
	v.ctx, v.cancel = context.WithCancel(c.context(context.Background()))
	return v
}

// run calls the body and then the cleanups, the last one first.
func (v *verdict) run(body func()) {
	defer v.cleanUp()
	defer v.cancel()
	defer v.settle()
	defer v.control.clean()
	v.guard(body)
}

// mostSettling is how many steps are left to the functions that have not returned with the
// body.
const mostSettling = 1000

// settle has the functions go on after the body, so that a promise is completed by whoever
// does that. It is a failure if nobody does.
func (v *verdict) settle() {
	l := existingLedger(v)
	if l == nil || v.Failed() || v.Skipped() || !l.isBusy() {
		return
	}
	v.control.settle(mostSettling)
	l.end()
	l.reportPromises()
}

// guard calls a function of the test, which may panic.
func (v *verdict) guard(fn func()) {
	defer func() {
		if r := recover(); r != nil {
			v.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	fn()
}

// cleanUp calls the cleanups, even if one of them ends the goroutine.
func (v *verdict) cleanUp() {
	v.mu.Lock()
	last := len(v.cleanups) - 1
	if last < 0 {
		v.mu.Unlock()
		return
	}
	fn := v.cleanups[last]
	v.cleanups = v.cleanups[:last]
	v.mu.Unlock()
	defer v.cleanUp()
	v.guard(fn)
}

// failure returns what is known until now.
func (v *verdict) failure() (text string, failed bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return strings.TrimSpace(v.output.String()), v.failed
}

func (v *verdict) print(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.output.WriteString(text)
	if !strings.HasSuffix(text, "\n") {
		v.output.WriteByte('\n')
	}
}

// Cleanup implements [testing.TB].
func (v *verdict) Cleanup(fn func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.cleanups = append(v.cleanups, fn)
}

// Context implements [testing.TB].
func (v *verdict) Context() context.Context { return v.ctx }

// Helper implements [testing.TB].
func (v *verdict) Helper() {}

// Fail implements [testing.TB].
func (v *verdict) Fail() {
	v.control.noteFailure()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.failed = true
}

// FailNow implements [testing.TB].
func (v *verdict) FailNow() {
	v.Fail()
	runtime.Goexit()
}

// Failed implements [testing.TB].
func (v *verdict) Failed() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.failed
}

// Log implements [testing.TB].
func (v *verdict) Log(args ...any) { v.print(fmt.Sprintln(args...)) }

// Logf implements [testing.TB].
func (v *verdict) Logf(format string, args ...any) { v.print(fmt.Sprintf(format, args...)) }

// Error implements [testing.TB].
func (v *verdict) Error(args ...any) {
	v.Log(args...)
	v.Fail()
}

// Errorf implements [testing.TB].
func (v *verdict) Errorf(format string, args ...any) {
	v.Logf(format, args...)
	v.Fail()
}

// Fatal implements [testing.TB].
func (v *verdict) Fatal(args ...any) {
	v.Log(args...)
	v.FailNow()
}

// Fatalf implements [testing.TB].
func (v *verdict) Fatalf(format string, args ...any) {
	v.Logf(format, args...)
	v.FailNow()
}

// Skip implements [testing.TB].
func (v *verdict) Skip(args ...any) {
	v.Log(args...)
	v.SkipNow()
}

// Skipf implements [testing.TB].
func (v *verdict) Skipf(format string, args ...any) {
	v.Logf(format, args...)
	v.SkipNow()
}

// SkipNow implements [testing.TB].
func (v *verdict) SkipNow() {
	v.mu.Lock()
	v.skipped = true
	v.mu.Unlock()
	runtime.Goexit()
}

// Skipped implements [testing.TB].
func (v *verdict) Skipped() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.skipped
}

// Output implements [testing.TB].
func (v *verdict) Output() io.Writer { return verdictWriter{v} }

type verdictWriter struct{ *verdict }

// Write implements [io.Writer].
func (w verdictWriter) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.output.Write(text)
}

// Attr implements [testing.TB].
func (v *verdict) Attr(key, value string) { v.Logf("%s=%s", key, value) }

// Setenv implements [testing.TB].
func (v *verdict) Setenv(key, value string) {
	before, had := os.LookupEnv(key)
	if err := os.Setenv(key, value); err != nil {
		v.Fatalf("actorstest: %v", err)
	}
	v.Cleanup(func() {
		if had {
			_ = os.Setenv(key, before)
		} else {
			_ = os.Unsetenv(key)
		}
	})
}

// Chdir implements [testing.TB].
func (v *verdict) Chdir(dir string) {
	before, err := os.Getwd()
	if err == nil {
		err = os.Chdir(dir)
	}
	if err != nil {
		v.Fatalf("actorstest: %v", err)
	}
	v.Cleanup(func() { _ = os.Chdir(before) })
}

// TempDir implements [testing.TB].
func (v *verdict) TempDir() string {
	dir, err := os.MkdirTemp("", "actorstest")
	if err != nil {
		v.Fatalf("actorstest: %v", err)
	}
	v.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// ArtifactDir implements [testing.TB].
func (v *verdict) ArtifactDir() string { return v.TempDir() }
