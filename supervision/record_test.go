package supervision

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// decision is what a record decides about a failure that comes some time after the one before it.
type decision struct {
	after  time.Duration
	action Action
	delay  time.Duration
}

func TestRecordDecidesFailureAfterFailure(t *testing.T) {
	const (
		ms = time.Millisecond
		s  = time.Second
	)
	for name, tt := range map[string]struct {
		policy    Policy
		decisions []decision
	}{
		"capture, however often": {
			Capture(), []decision{{0, ActionCapture, 0}, {0, ActionCapture, 0}},
		},
		"stop": {
			Stop(), []decision{{0, ActionStop, 0}},
		},
		"escalate": {
			Escalate(), []decision{{0, ActionEscalate, 0}, {0, ActionEscalate, 0}},
		},
		"restart, without a limit": {
			Restart(), []decision{{0, ActionRestart, 0}, {0, ActionRestart, 0}, {0, ActionRestart, 0}},
		},
		"no restart allowed": {
			Restart(MaxRestarts(0, s)), []decision{{0, ActionStop, 0}, {0, ActionStop, 0}},
		},
		"no restart allowed, ever": {
			Restart(MaxRestarts(0, 0)), []decision{{0, ActionStop, 0}},
		},
		"one failure too many": {
			Restart(MaxRestarts(2, s)),
			[]decision{{0, ActionRestart, 0}, {100 * ms, ActionRestart, 0}, {100 * ms, ActionStop, 0}},
		},
		"failures leave the time of the limit": {
			Restart(MaxRestarts(2, s)),
			[]decision{
				{0, ActionRestart, 0}, {500 * ms, ActionRestart, 0}, // the first is forgotten now
				{500 * ms, ActionRestart, 0}, {499 * ms, ActionStop, 0},
			},
		},
		"a limit without a time never forgets": {
			Restart(MaxRestarts(2, 0)),
			[]decision{{0, ActionRestart, 0}, {1000 * time.Hour, ActionRestart, 0}, {1000 * time.Hour, ActionStop, 0}},
		},
		"delays double up to the longest": {
			Restart(Backoff(s, 5*s)),
			[]decision{
				{0, ActionRestart, s}, {s, ActionRestart, 2 * s}, {2 * s, ActionRestart, 4 * s},
				{4 * s, ActionRestart, 5 * s}, {5 * s, ActionRestart, 5 * s},
			},
		},
		"work for the longest delay ends the doubling": {
			Restart(Backoff(s, 5*s)),
			[]decision{{0, ActionRestart, s}, {s, ActionRestart, 2 * s}, {2*s + 5*s, ActionRestart, s}},
		},
		"work for less does not": {
			Restart(Backoff(s, 5*s)),
			[]decision{{0, ActionRestart, s}, {s, ActionRestart, 2 * s}, {2*s + 5*s - 1, ActionRestart, 4 * s}},
		},
		"the longest delay is no quiet time": {
			Restart(Backoff(s, 2*s)),
			[]decision{{0, ActionRestart, s}, {s, ActionRestart, 2 * s}, {3 * s, ActionRestart, 2 * s}},
		},
		"failures during the delay count": {
			Restart(Backoff(s, 5*s), MaxRestarts(2, 0)),
			[]decision{{0, ActionRestart, s}, {0, ActionRestart, 2 * s}, {0, ActionStop, 0}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var record Record
			now := time.Now()
			for i, want := range tt.decisions {
				now = now.Add(want.after)
				action, delay := record.Decide(tt.policy, now)
				assert.Equal(t, want, decision{want.after, action, delay}, "failure %d", i)
			}
		})
	}
}

func TestRecordCountsNothingButRestarts(t *testing.T) {
	var record Record
	now := time.Now()
	for _, policy := range []Policy{Capture(), Stop(), Escalate()} {
		record.Decide(policy, now)
	}

	action, delay := record.Decide(Restart(MaxRestarts(1, 0), Backoff(time.Second, time.Minute)), now)
	assert.Equal(t, ActionRestart, action)
	assert.Equal(t, time.Second, delay)
}

func TestRecordKeepsNoMoreFailuresThanTheLimitNeeds(t *testing.T) {
	for name, tt := range map[string]struct {
		policy Policy
		kept   int
	}{
		"no limit":             {Restart(Backoff(time.Second, time.Minute)), 0},
		"limit":                {Restart(MaxRestarts(3, time.Hour)), 4},
		"limit without a time": {Restart(MaxRestarts(3, 0)), 4},
		"no restart":           {Restart(MaxRestarts(0, time.Hour)), 1},
	} {
		t.Run(name, func(t *testing.T) {
			var record Record
			now := time.Now()
			for range 1000 {
				record.Decide(tt.policy, now)
			}
			assert.Len(t, record.failures, tt.kept)
		})
	}
}
