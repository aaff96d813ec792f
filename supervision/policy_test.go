package supervision

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestActionIsNamedAfterItsPolicy(t *testing.T) {
	for action, name := range map[Action]string{
		ActionCapture:  "Capture",
		ActionRestart:  "Restart",
		ActionStop:     "Stop",
		ActionEscalate: "Escalate",
		Action(7):      "Action(7)",
	} {
		assert.Equal(t, name, action.String())
	}
}

func TestPolicyTellsWhatItDoes(t *testing.T) {
	for name, tt := range map[string]struct {
		policy Policy
		action Action
		text   string
	}{
		"the zero value captures": {Policy{}, ActionCapture, "Capture()"},
		"capture":                 {Capture(), ActionCapture, "Capture()"},
		"stop":                    {Stop(), ActionStop, "Stop()"},
		"escalate":                {Escalate(), ActionEscalate, "Escalate()"},
		"restart":                 {Restart(), ActionRestart, "Restart()"},
		"restart with a limit": {
			Restart(MaxRestarts(3, time.Minute)), ActionRestart, "Restart(MaxRestarts(3, 1m0s))",
		},
		"restart with all options": {
			Restart(Jitter(0.5), MaxRestarts(0, 0), Backoff(time.Second, time.Minute)), ActionRestart,
			"Restart(MaxRestarts(0, 0s), Backoff(1s, 1m0s), Jitter(0.5))",
		},
		"the last of two equal options holds": {
			Restart(MaxRestarts(1, 0), MaxRestarts(2, 0)), ActionRestart, "Restart(MaxRestarts(2, 0s))",
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, tt.policy.Validate())
			assert.Equal(t, tt.action, tt.policy.Action())
			assert.Equal(t, tt.text, tt.policy.String())
		})
	}
}

func TestValidateNamesTheOptionThatIsImpossible(t *testing.T) {
	for name, tt := range map[string]struct {
		option RestartOption
		err    string
	}{
		"nil": {
			nil, "supervision: Restart: option 1 is nil",
		},
		"negative restarts": {
			MaxRestarts(-1, time.Second),
			"supervision: MaxRestarts(-1, 1s): the number of restarts must not be negative",
		},
		"negative time": {
			MaxRestarts(1, -time.Second),
			"supervision: MaxRestarts(1, -1s): the time must not be negative",
		},
		"no initial delay": {
			Backoff(0, time.Second),
			"supervision: Backoff(0s, 1s): the initial delay must be positive",
		},
		"initial delay above the longest": {
			Backoff(time.Minute, time.Second),
			"supervision: Backoff(1m0s, 1s): the longest delay must not be less than the initial one",
		},
		"negative jitter": {
			Jitter(-0.1), "supervision: Jitter(-0.1): the fraction must be between 0 and 1",
		},
		"jitter above 1": {
			Jitter(1.1), "supervision: Jitter(1.1): the fraction must be between 0 and 1",
		},
		"jitter that is no number": {
			Jitter(math.NaN()), "supervision: Jitter(NaN): the fraction must be between 0 and 1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			policy := Restart(tt.option)

			require.EqualError(t, policy.Validate(), tt.err)
			assert.Equal(t, "Restart()", policy.String(), "the option is left out")
		})
	}
}

func TestValidateReportsEveryOptionThatIsImpossible(t *testing.T) {
	err := Restart(MaxRestarts(-1, 0), Backoff(time.Second, time.Second), Jitter(2)).Validate()

	require.ErrorContains(t, err, "supervision: MaxRestarts(")
	require.ErrorContains(t, err, "supervision: Jitter(")
	assert.NotContains(t, err.Error(), "Backoff")
}
