package supervision

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
		"limit":                {Restart(MaxRestarts(3, time.Hour)), 3},
		"limit without a time": {Restart(MaxRestarts(3, 0)), 3},
		"no restart":           {Restart(MaxRestarts(0, time.Hour)), 0},
	} {
		t.Run(name, func(t *testing.T) {
			var record Record
			now := time.Now()
			for range 1000 {
				record.Decide(tt.policy, now)
			}
			assert.Len(t, record.failures.ring, tt.kept)
		})
	}
}

// restartsOf is MaxRestarts as its documentation puts it: every failure is kept, and counted anew.
type restartsOf struct {
	restarts int
	within   time.Duration
	failures []time.Time
}

func (m *restartsOf) decide(now time.Time) Action {
	m.failures = append(m.failures, now)
	recent := 0
	for _, failure := range m.failures {
		if m.within == 0 || now.Sub(failure) < m.within {
			recent++
		}
	}
	if recent > m.restarts {
		return ActionStop
	}
	return ActionRestart
}

func TestRecordCountsAsIfItKeptEveryFailure(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for run := range 100 {
		model := restartsOf{restarts: random.IntN(12), within: time.Duration(random.IntN(30))}
		policy := Restart(MaxRestarts(model.restarts, model.within))
		var record Record
		now := time.Now()
		for i := range 100 {
			if random.IntN(20) == 0 {
				now = now.Add(time.Duration(random.IntN(60))) // most of what is kept may expire at once
			}
			now = now.Add(time.Duration(random.IntN(6)))
			action, _ := record.Decide(policy, now)
			require.Equal(t, model.decide(now), action, "%v, seed %d, run %d, failure %d", policy, seed, run, i)
		}
	}
}

func TestRecordGrowsWithItsFailuresAndNotWithTheLimit(t *testing.T) {
	policy := Restart(MaxRestarts(1_000_000, time.Hour))
	var record Record
	assert.Empty(t, record.failures.ring, "without a failure")
	for range 100 {
		record.Decide(policy, time.Now())
	}
	assert.LessOrEqual(t, len(record.failures.ring), 200)
}

func TestRecordFollowsALimitThatChanges(t *testing.T) {
	var record Record
	now := time.Now()
	for range 10 {
		record.Decide(Restart(MaxRestarts(10, 0)), now)
	}
	action, _ := record.Decide(Restart(MaxRestarts(3, 0)), now)
	assert.Equal(t, ActionStop, action)
	for _, want := range []Action{ActionRestart, ActionRestart, ActionStop} {
		action, _ = record.Decide(Restart(MaxRestarts(5, 0)), now)
		assert.Equal(t, want, action)
	}
}

func TestRecordMayHaveALimitThatIsNeverReached(t *testing.T) {
	var record Record
	action, _ := record.Decide(Restart(MaxRestarts(math.MaxInt, time.Minute)), time.Now())
	assert.Equal(t, ActionRestart, action)
}

func TestRecordWritesFewTimesForAFailure(t *testing.T) {
	const restarts, failures = 200, 1000
	for name, within := range map[string]time.Duration{
		"all are within the time":  time.Hour,
		"the oldest always expire": restarts / 2,
		"limit without a time":     0,
	} {
		t.Run(name, func(t *testing.T) {
			policy := Restart(MaxRestarts(restarts, within))
			var record Record
			now := time.Now()
			written := 0
			for range failures {
				before := slices.Clone(record.failures.ring)
				now = now.Add(1)
				record.Decide(policy, now)
				after := record.failures.ring
				for i, failure := range after {
					if len(after) != len(before) || !failure.Equal(before[i]) {
						written++
					}
				}
			}
			assert.LessOrEqual(t, written, 4*failures)
		})
	}
}

func TestRecordLooksAtTheOldestFailureOnly(t *testing.T) {
	const restarts = 100
	policy := Restart(MaxRestarts(restarts, time.Hour))
	var record Record
	now := time.Now()
	for i := range restarts {
		record.Decide(policy, now.Add(time.Duration(i)))
	}
	// Whoever reads the others takes them for expired.
	for i, failure := range record.failures.ring {
		if !failure.Equal(now) {
			record.failures.ring[i] = time.Time{}
		}
	}

	action, _ := record.Decide(policy, now.Add(time.Minute))
	assert.Equal(t, ActionStop, action)
}

func TestDecideWithTakesItsChanceFromElsewhere(t *testing.T) {
	policy := Restart(Backoff(time.Second, time.Minute), Jitter(0.5))
	for chance, delay := range map[float64]time.Duration{0: time.Second, 0.5: 750 * time.Millisecond} {
		var record Record
		action, got := record.DecideWith(policy, time.Now(), func() float64 { return chance })
		assert.Equal(t, ActionRestart, action)
		assert.Equal(t, delay, got)
	}
}
