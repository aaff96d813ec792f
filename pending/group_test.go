package pending_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/internal/future"
	"github.com/seed-7fcaac1b/protocaller/pending"
)

var modes = []pending.Mode{
	pending.IgnoreCancelled, pending.CancelAndReport, pending.CancelQuietly, pending.ReportCancelled,
}

// member makes a pending that belongs to the groups of ctx, in a bubble.
func member(ctx context.Context) *pending.Pending[int] {
	return pending.New[int](ctx, future.Tracked)
}

// memberFor makes a member that succeeds after d unless it has ended by then.
func memberFor(ctx context.Context, d time.Duration) *pending.Pending[int] {
	p := member(ctx)
	timer := time.AfterFunc(d, func() { p.SetResult(1) })
	p.OnDone(func(pending.Handle) { timer.Stop() })
	return p
}

// stubborn makes a member that does not end when it is cancelled, but after d.
func stubborn(ctx context.Context, d time.Duration) *pending.Pending[int] {
	p := member(ctx)
	p.SetCanceller(func(error) {})
	time.AfterFunc(d, func() { p.SetResult(1) })
	return p
}

// requireErrors checks that err is all of those, and nil if there are none.
func requireErrors(t *testing.T, err error, want ...error) {
	t.Helper()
	if len(want) == 0 {
		require.NoError(t, err)
	}
	for _, target := range want {
		require.ErrorIs(t, err, target)
	}
}

// scene is what an event of a group may concern.
type scene struct {
	context.Context
	group    *pending.Group
	member   *pending.Pending[int]
	endOuter context.CancelCauseFunc
}

// Items 45 and 46 of the seed's behavior, and section 5, 3.
func TestOutcomeOfAGroup(t *testing.T) {
	type errs = []error
	cancelled := errs{pending.ErrCancelled, errWhy}
	failed := errs{errBoom}
	outer := errs{context.Canceled, errWhy}
	quiet := errs(nil)
	tests := map[string]struct {
		happens   func(scene) error
		want      [4]errs // by mode
		cancelled [4]bool // whether the group is, by mode
	}{
		"all end well": {
			func(s scene) error { s.member.SetResult(1); return nil },
			[4]errs{quiet, quiet, quiet, quiet}, [4]bool{},
		},
		"a member is cancelled": {
			func(s scene) error { s.member.Cancel(errWhy); return nil },
			[4]errs{quiet, cancelled, quiet, cancelled}, [4]bool{1: true, 2: true},
		},
		"a member is cancelled, for which the body waits": {
			func(s scene) error {
				s.member.Cancel(errWhy)
				_, err := s.member.Wait(s)
				return err
			},
			[4]errs{cancelled, cancelled, quiet, cancelled}, [4]bool{true, true, true, true},
		},
		"a member fails": {
			func(s scene) error { s.member.SetError(errBoom); return nil },
			[4]errs{failed, failed, failed, failed}, [4]bool{true, true, true, true},
		},
		"a member fails, and the body returns that": {
			func(s scene) error { s.member.SetError(errBoom); return s.member.Err() },
			[4]errs{failed, failed, failed, failed}, [4]bool{true, true, true, true},
		},
		"a member panics": {
			func(s scene) error { s.member.SetError(&pending.PanicError{Value: context.Canceled}); return nil },
			[4]errs{{context.Canceled}, {context.Canceled}, {context.Canceled}, {context.Canceled}}, [4]bool{true, true, true, true},
		},
		"the group is cancelled": {
			func(s scene) error { s.group.Cancel(errWhy); return nil },
			[4]errs{quiet, cancelled, quiet, cancelled}, [4]bool{true, true, true, true},
		},
		"the group is cancelled, and the body says so": {
			func(s scene) error { s.group.Cancel(errWhy); return fmt.Errorf("body: %w", s.Err()) },
			[4]errs{quiet, cancelled, quiet, cancelled}, [4]bool{true, true, true, true},
		},
		"the body fails": {
			func(scene) error { return errElse },
			[4]errs{{errElse}, {errElse}, {errElse}, {errElse}}, [4]bool{true, true, true, true},
		},
		"the body fails after a member": {
			func(s scene) error { s.member.SetError(errBoom); return errElse },
			[4]errs{{errElse, errBoom}, {errElse, errBoom}, {errElse, errBoom}, {errElse, errBoom}}, [4]bool{true, true, true, true},
		},
		"the outer context ends": {
			func(s scene) error { s.endOuter(errWhy); return nil },
			[4]errs{outer, outer, outer, outer}, [4]bool{true, true, true, true},
		},
		"the outer context ends, and the body says so": {
			func(s scene) error { s.endOuter(errWhy); return s.Err() },
			[4]errs{outer, outer, outer, outer}, [4]bool{true, true, true, true},
		},
		"a member is cancelled, then the outer context ends": {
			func(s scene) error { s.member.Cancel(errElse); s.endOuter(errWhy); return nil },
			[4]errs{outer, {pending.ErrCancelled, errElse}, outer, {errElse, errWhy}}, [4]bool{true, true, true, true},
		},
	}
	for name, tt := range tests {
		for mode, want := range tt.want {
			t.Run(fmt.Sprintf("%s, mode %d", name, mode), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					outer, end := context.WithCancelCause(t.Context())
					defer end(nil)
					var others [2]*pending.Pending[int]
					err := pending.Run(outer, func(ctx context.Context) error {
						g, _ := pending.CurrentTracker[*pending.Group](ctx)
						others[0] = memberFor(ctx, time.Second)
						happened := tt.happens(scene{ctx, g, memberFor(ctx, time.Second), end})
						synctest.Wait()
						others[1] = memberFor(ctx, time.Second)
						return happened
					}, pending.WithMode(modes[mode]))
					requireErrors(t, err, want...)
					for _, p := range others {
						assert.Equal(t, tt.cancelled[mode], p.Cancelled())
						assert.True(t, p.IsDone())
					}
				})
			})
		}
	}
}

// nested runs a group in another one, each with a member that takes some time.
// It says in letters what becomes of them. E is an error of the outer group. i
// and o are cancelled members of the inner and of the outer one.
func nested(t *testing.T, outer, inner pending.Mode, happens func(outer *pending.Group, p *pending.Pending[int])) (outcome string, err error) {
	t.Helper()
	var inOuter, inInner *pending.Pending[int]
	err = pending.Run(t.Context(), func(ctx context.Context) error {
		g, _ := pending.CurrentTracker[*pending.Group](ctx)
		inOuter = memberFor(ctx, 2*time.Second)
		return pending.Run(ctx, func(ctx context.Context) error {
			inInner = memberFor(ctx, time.Second)
			happens(g, memberFor(ctx, time.Second))
			return nil
		}, pending.WithMode(inner))
	}, pending.WithMode(outer))
	if err != nil {
		outcome = "E"
	}
	if inInner.Cancelled() {
		outcome += "i"
	}
	if inOuter.Cancelled() {
		outcome += "o"
	}
	return outcome, err
}

// Item 47 of the seed's behavior.
func TestNestedGroups(t *testing.T) {
	tests := map[string]struct {
		happens func(outer *pending.Group, p *pending.Pending[int])
		want    [4][4]string // by the outer and the inner mode
		is      error
	}{
		"a member of both is cancelled": {
			func(_ *pending.Group, p *pending.Pending[int]) { p.Cancel(errWhy) },
			[4][4]string{
				{"", "Eio", "i", "Eo"},
				{"Eio", "Eio", "Eio", "Eio"},
				{"io", "Eio", "io", "Eio"},
				{"E", "Eio", "Ei", "Eo"},
			}, pending.ErrCancelled,
		},
		"a member of both fails": {
			func(_ *pending.Group, p *pending.Pending[int]) { p.SetError(errBoom) },
			[4][4]string{
				{"Eio", "Eio", "Eio", "Eio"},
				{"Eio", "Eio", "Eio", "Eio"},
				{"Eio", "Eio", "Eio", "Eio"},
				{"Eio", "Eio", "Eio", "Eio"},
			}, errBoom,
		},
		"the outer group is cancelled": {
			func(outer *pending.Group, _ *pending.Pending[int]) { outer.Cancel(errWhy) },
			[4][4]string{
				{"io", "io", "io", "io"},
				{"Eio", "Eio", "Eio", "Eio"},
				{"io", "io", "io", "io"},
				{"Eio", "Eio", "Eio", "Eio"},
			}, errWhy,
		},
	}
	for name, tt := range tests {
		for outer, row := range tt.want {
			for inner, want := range row {
				t.Run(fmt.Sprintf("%s, modes %d and %d", name, outer, inner), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						got, err := nested(t, modes[outer], modes[inner], tt.happens)
						assert.Equal(t, want, got, "%v", err)
						if strings.Contains(want, "E") {
							require.ErrorIs(t, err, tt.is)
						}
					})
				})
			}
		}
	}
}

func TestFailureGoesThroughAllGroupsAsItIs(t *testing.T) {
	var inner error
	outer := pending.Run(t.Context(), func(ctx context.Context) error {
		inner = pending.Run(ctx, func(ctx context.Context) error {
			member(ctx).SetError(errBoom)
			return nil
		})
		return inner
	})
	assert.Same(t, inner, outer)
	assert.EqualError(t, outer, "pending: group: boom")
}

func TestErrorOfTheBodyIsReturnedAsItIs(t *testing.T) {
	var p *pending.Pending[int]
	err := pending.Run(t.Context(), func(ctx context.Context) error {
		p = member(ctx)
		return errElse
	})
	assert.Same(t, errElse, err)
	requireErrors(t, p.Err(), errElse, pending.ErrCancelled)
}

func TestBodyThatDoesNotReturnEndsTheGroupFirst(t *testing.T) {
	for name, leave := range map[string]func(){"panic": func() { panic("no") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p *pending.Pending[int]
				var left any
				var outside sync.WaitGroup
				outside.Go(func() {
					defer func() {
						left = recover()
						assert.True(t, p.IsDone())
					}()
					_ = pending.Run(t.Context(), func(ctx context.Context) error {
						p = stubborn(ctx, time.Second)
						leave()
						return nil
					})
				})
				outside.Wait()
				assert.True(t, p.Cancelled())
				if name == "panic" {
					assert.Equal(t, "no", left)
				}
			})
		})
	}
}

func TestOnlyFailuresBeforeTheCancellationAreReported(t *testing.T) {
	var failures [2]*pending.Pending[int]
	err := pending.Run(t.Context(), func(ctx context.Context) error {
		g, _ := pending.CurrentTracker[*pending.Group](ctx)
		for i, failure := range []error{errBoom, errElse} {
			failures[i] = pending.New[int](t.Context())
			failures[i].SetError(failure)
			g.Add(failures[i])
		}
		return nil
	})
	require.ErrorIs(t, err, errBoom)
	require.NotErrorIs(t, err, errElse)
}

func TestModesHaveTheNumbersOfTheSeed(t *testing.T) {
	for number, mode := range modes {
		assert.EqualValues(t, number, mode)
	}
}
