package actors_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// fate is what becomes of a caller and its calls.
type fate int

const (
	goesOn    fate = iota // as if nothing had happened
	restarted             // what ran is cancelled, what was queued runs
	stopped
)

// failures are panics in a function of the last of some callers. Each of them
// is the parent of the next one.
var failures = map[string]struct {
	policies []supervision.Policy // "top", "parent", "subject"; the last ones of these
	strategy actor.SupervisorStrategy
	fates    []fate
	events   []string
}{
	"captured":  {[]supervision.Policy{supervision.Capture()}, nil, []fate{goesOn}, []string{"subject failed, Capture in 0s: boom"}},
	"restarted": {[]supervision.Policy{supervision.Restart()}, nil, []fate{restarted}, []string{"subject failed, Restart in 0s: boom", "kid stopped", "subject restarted: boom"}},
	"stopped":   {[]supervision.Policy{supervision.Stop()}, nil, []fate{stopped}, []string{"subject failed, Stop in 0s: boom", "kid stopped", "subject stopped: boom"}},
	"escalated to the root": {
		[]supervision.Policy{supervision.Escalate()}, nil, []fate{stopped},
		[]string{"subject failed, Escalate in 0s: boom", "kid stopped", "subject stopped: boom"},
	},
	"escalated to one that captures": {
		[]supervision.Policy{supervision.Capture(), supervision.Escalate()}, nil, []fate{goesOn, goesOn},
		[]string{"subject failed, Escalate in 0s: boom", "parent failed, Capture in 0s: boom"},
	},
	"escalated to one that restarts": {
		[]supervision.Policy{supervision.Restart(), supervision.Escalate()}, nil, []fate{restarted, stopped},
		[]string{"subject failed, Escalate in 0s: boom", "parent failed, Restart in 0s: boom", "kid stopped", "subject stopped", "parent restarted: boom"},
	},
	"escalated to one that stops": {
		[]supervision.Policy{supervision.Stop(), supervision.Escalate()}, nil, []fate{stopped, stopped},
		[]string{"subject failed, Escalate in 0s: boom", "parent failed, Stop in 0s: boom", "kid stopped", "subject stopped", "parent stopped: boom"},
	},
	"escalated twice to one that captures": {
		[]supervision.Policy{supervision.Capture(), supervision.Escalate(), supervision.Escalate()}, nil, []fate{goesOn, goesOn, goesOn},
		[]string{"subject failed, Escalate in 0s: boom", "parent failed, Escalate in 0s: boom", "top failed, Capture in 0s: boom"},
	},
	"escalated twice to one that restarts": {
		[]supervision.Policy{supervision.Restart(), supervision.Escalate(), supervision.Escalate()}, nil, []fate{restarted, stopped, stopped},
		[]string{
			"subject failed, Escalate in 0s: boom", "parent failed, Escalate in 0s: boom", "top failed, Restart in 0s: boom",
			"kid stopped", "subject stopped", "parent stopped", "top restarted: boom",
		},
	},
	"escalated up to the root": {
		[]supervision.Policy{supervision.Escalate(), supervision.Escalate(), supervision.Escalate()}, nil, []fate{stopped, stopped, stopped},
		[]string{
			"subject failed, Escalate in 0s: boom", "parent failed, Escalate in 0s: boom", "top failed, Escalate in 0s: boom",
			"kid stopped", "subject stopped", "parent stopped", "top stopped: boom",
		},
	},
	"escalated to a strategy that resumes": {
		[]supervision.Policy{supervision.Stop(), supervision.Escalate()}, supervision.OneForOne(supervision.Capture()), []fate{goesOn, goesOn},
		[]string{"subject failed, Escalate in 0s: boom"},
	},
	"escalated to a strategy that restarts": {
		[]supervision.Policy{supervision.Stop(), supervision.Escalate()}, actor.DefaultSupervisorStrategy(), []fate{goesOn, restarted},
		[]string{"subject failed, Escalate in 0s: boom", "kid stopped", "subject restarted: boom"},
	},
	"escalated to a strategy that stops": {
		[]supervision.Policy{supervision.Capture(), supervision.Escalate()}, stopDirective, []fate{goesOn, stopped},
		[]string{"subject failed, Escalate in 0s: boom", "kid stopped", "subject stopped"},
	},
	"escalated to a strategy that escalates": {
		[]supervision.Policy{supervision.Stop(), supervision.Capture(), supervision.Escalate()}, supervision.OneForOne(supervision.Escalate()),
		[]fate{stopped, stopped, stopped},
		[]string{"subject failed, Escalate in 0s: boom", "top failed, Stop in 0s: boom", "kid stopped", "subject stopped", "parent stopped", "top stopped: boom"},
	},
}

func TestPolicySaysWhatBecomesOfAFailure(t *testing.T) {
	names := []string{"top", "parent", "subject"}
	for name, tt := range failures {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				log := logEvents(system)
				var line []*actors.Caller
				for i, policy := range tt.policies {
					opts := []props.Option{props.Supervision(policy), props.Name(names[len(names)-len(tt.policies)+i])}
					if tt.strategy != nil && i == len(tt.policies)-2 {
						opts = append(opts, props.Strategy(tt.strategy))
					}
					if i == 0 {
						line = append(line, start(t, system, opts...))
					} else {
						line = append(line, child(t, line[i-1], opts...))
					}
				}
				subject := line[len(line)-1]
				kid := child(t, subject, props.Name("kid"))
				var members []*member
				for _, c := range append(line, kid) {
					members = append(members, newMember(t, c))
				}
				synctest.Wait()
				crashed := do(t.Context(), subject, func(context.Context) {
					for _, m := range members {
						m.enqueue()
					}
					panic(errBoom)
				})
				synctest.Wait()

				crash := (*pending.PanicError)(nil)
				require.ErrorAs(t, crashed.Err(), &crash)
				assert.Equal(t, errBoom, crash.Value)
				assert.Contains(t, string(crash.Stack), "failure_test.go")
				assert.False(t, crashed.Cancelled())
				for i, fate := range tt.fates {
					members[i].check(fate)
				}
				kidsFate := goesOn
				if tt.fates[len(tt.fates)-1] != goesOn {
					kidsFate = stopped
				}
				members[len(members)-1].check(kidsFate)
				assert.Equal(t, tt.events, log.all())
			})
		})
	}
}

// member is a caller with a function that waits and one that is queued.
type member struct {
	*actors.Caller
	t                 *testing.T
	suspended, queued *pending.Pending[string]
	cause             error // of a restart
}

func newMember(t *testing.T, c *actors.Caller) *member {
	return &member{Caller: c, t: t, suspended: actors.CallSoon(t.Context(), c, asleep), cause: errBoom}
}

func (m *member) enqueue() { m.queued = actors.CallSoon(m.t.Context(), m.Caller, returns("ran")) }

func (m *member) check(f fate) {
	switch f {
	case goesOn:
		assert.False(m.t, m.suspended.IsDone(), m)
		assert.Equal(m.t, "ran", result(m.t, m.queued))
		assert.Equal(m.t, actors.StateRunning, m.State(), m)
	case restarted:
		assert.True(m.t, m.suspended.IsDone(), m)
		assert.True(m.t, m.suspended.Cancelled(), m)
		require.ErrorIs(m.t, m.suspended.Err(), m.cause, m)
		require.NotErrorIs(m.t, m.suspended.Err(), pending.ErrStopped, m)
		assert.Equal(m.t, "ran", result(m.t, m.queued))
		assert.Equal(m.t, actors.StateRunning, m.State(), m)
	case stopped:
		assert.True(m.t, m.suspended.IsDone(), m)
		require.ErrorIs(m.t, m.suspended.Err(), pending.ErrStopped, m)
		assert.True(m.t, m.queued.IsDone(), m)
		assert.Equal(m.t, actors.StateStopped, m.State(), m)
	}
}

// Item 29 of the seed's behavior.
// What ends a function and not its pending alone is no failure of the caller.
func TestCallerSurvivesItsFunctions(t *testing.T) {
	ends := map[string]func(t *testing.T, c *actors.Caller){
		"Goexit in a function": func(t *testing.T, c *actors.Caller) {
			p := do(t.Context(), c, func(context.Context) { exitGoroutine() })
			require.ErrorIs(t, failure(p), pending.ErrCancelled)
			require.NotErrorIs(t, p.Err(), pending.ErrStopped)
		},
		"Goexit after a wait": func(t *testing.T, c *actors.Caller) {
			p := do(t.Context(), c, func(ctx context.Context) {
				_ = actors.Sleep(ctx, time.Second)
				exitGoroutine()
			})
			require.ErrorIs(t, failure(p), pending.ErrCancelled)
		},
		"Goexit in a worker": func(t *testing.T, c *actors.Caller) {
			for range 2 {
				p := actors.ToThread(t.Context(), c, func(context.Context) (string, error) { exitGoroutine(); return "", nil })
				require.ErrorIs(t, failure(p), pending.ErrCancelled)
			}
		},
		"panic in a direct call":  func(t *testing.T, c *actors.Caller) { assert.NoError(t, c.CallDirect(func() { panic(errBoom) })) },
		"Goexit in a direct call": func(t *testing.T, c *actors.Caller) { assert.NoError(t, c.CallDirect(exitGoroutine)) },
		"error":                   func(t *testing.T, c *actors.Caller) { require.ErrorIs(t, failure(fails(t, c)), errBoom) },
		"panic in a callback": func(t *testing.T, c *actors.Caller) {
			fails(t, c).OnDone(func(pending.Handle) { panic(errBoom) })
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				events := logEvents(system)
				log, logTo := logged()
				c := start(t, system, props.Supervision(supervision.Stop()), props.MaxWorkers(1), logTo)
				before := actors.CallSoon(t.Context(), c, second)
				end(t, c)
				after := actors.CallSoon(t.Context(), c, second)
				assert.Equal(t, "done", result(t, before))
				assert.Equal(t, "done", result(t, after))
				assert.Equal(t, actors.StateRunning, c.State())
				assert.Empty(t, events.all())
				if strings.Contains(name, "direct") || strings.Contains(name, "callback") {
					assert.NotEmpty(t, log.String())
				}
			})
		})
	}
}

// fails schedules a function that returns an error.
func fails(t *testing.T, c *actors.Caller) *pending.Pending[string] {
	return actors.CallSoon(t.Context(), c, func(context.Context) (string, error) { return "", errBoom })
}

func TestRestartsAreDelayedAndLimited(t *testing.T) {
	tests := map[string]struct {
		policy supervision.Policy
		pauses []time.Duration // of good work before each failure
		want   []string
	}{
		"backoff doubles up to its longest": {
			supervision.Restart(supervision.Backoff(time.Second, 4*time.Second)), []time.Duration{0, 0, 0, 0},
			[]string{
				"0s c failed, Restart in 1s: boom", "1s c restarted: boom", "1s c failed, Restart in 2s: boom", "3s c restarted: boom",
				"3s c failed, Restart in 4s: boom", "7s c restarted: boom", "7s c failed, Restart in 4s: boom", "11s c restarted: boom",
			},
		},
		"backoff begins anew after good work": {
			supervision.Restart(supervision.Backoff(time.Second, 4*time.Second)), []time.Duration{0, 0, 4 * time.Second},
			[]string{
				"0s c failed, Restart in 1s: boom", "1s c restarted: boom", "1s c failed, Restart in 2s: boom", "3s c restarted: boom",
				"7s c failed, Restart in 1s: boom", "8s c restarted: boom",
			},
		},
		"limit for ever": {
			supervision.Restart(supervision.MaxRestarts(1, 0)), []time.Duration{0, time.Hour},
			[]string{"0s c failed, Restart in 0s: boom", "0s c restarted: boom", "1h0m0s c failed, Stop in 0s: boom", "1h0m0s c stopped: boom"},
		},
		"limit within a time": {
			supervision.Restart(supervision.MaxRestarts(1, time.Minute)), []time.Duration{0, time.Minute, time.Second},
			[]string{
				"0s c failed, Restart in 0s: boom", "0s c restarted: boom", "1m0s c failed, Restart in 0s: boom", "1m0s c restarted: boom",
				"1m1s c failed, Stop in 0s: boom", "1m1s c stopped: boom",
			},
		},
		"limit and backoff": {
			supervision.Restart(supervision.MaxRestarts(1, 0), supervision.Backoff(time.Second, time.Minute)), []time.Duration{0, 0},
			[]string{"0s c failed, Restart in 1s: boom", "1s c restarted: boom", "1s c failed, Stop in 0s: boom", "1s c stopped: boom"},
		},
	}
	for name, tt := range tests {
		for _, actorOfUser := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", adopted ", actorOfUser), func(t *testing.T) {
				bubble(t, func(t *testing.T, system *actor.ActorSystem) {
					log := logEvents(system)
					log.since = time.Now()
					c := callerOrActor(t, system, actorOfUser, append(supervised(tt.policy), props.Name("c")))
					for _, pause := range tt.pauses {
						result(t, do(t.Context(), c, func(context.Context) {})) // after a restart
						time.Sleep(pause)
						require.ErrorIs(t, failure(do(t.Context(), c, func(context.Context) { panic(errBoom) })), errBoom)
					}
					synctest.Wait()
					for c.State() == actors.StateStarting {
						time.Sleep(time.Second)
						synctest.Wait()
					}
					assert.Equal(t, tt.want, log.all())
				})
			})
		}
	}
}
