package supervision

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLimitThatCannotBeReachedIsAnError(t *testing.T) {
	const s = time.Second
	for name, tt := range map[string]struct {
		opts []RestartOption
		err  string // "" for none
	}{
		"each delay is the whole time": {
			[]RestartOption{MaxRestarts(100, s), Backoff(s, s)},
			"supervision: MaxRestarts(100, 1s): cannot be exceeded, because 100 restarts with Backoff(1s, 1s) take at least 1m40s",
		},
		"in the other order": {
			[]RestartOption{Backoff(s, s), MaxRestarts(100, s)},
			"supervision: MaxRestarts(100, 1s): cannot be exceeded, because 100 restarts with Backoff(1s, 1s) take at least 1m40s",
		},
		"growing delays": {
			[]RestartOption{MaxRestarts(6, time.Minute), Backoff(s, time.Hour)},
			"supervision: MaxRestarts(6, 1m0s): cannot be exceeded, because 6 restarts with Backoff(1s, 1h0m0s) take at least 1m3s",
		},
		"shortened by jitter":           {[]RestartOption{MaxRestarts(6, time.Minute), Backoff(s, time.Hour), Jitter(0.1)}, ""},
		"growing delays, in time":       {[]RestartOption{MaxRestarts(5, time.Minute), Backoff(s, time.Hour)}, ""},
		"no limit":                      {[]RestartOption{Backoff(s, s)}, ""},
		"no backoff":                    {[]RestartOption{MaxRestarts(math.MaxInt, 1)}, ""},
		"all failures count":            {[]RestartOption{MaxRestarts(math.MaxInt, 0), Backoff(s, s)}, ""},
		"the first failure stops":       {[]RestartOption{MaxRestarts(0, 1), Backoff(s, s)}, ""},
		"good work in between is less":  {[]RestartOption{MaxRestarts(20, 2*time.Minute), Backoff(s, 30*s)}, "supervision: MaxRestarts(20, 2m0s): cannot be exceeded, because 20 restarts with Backoff(1s, 30s) take at least 3m15s"},
		"good work in between, in time": {[]RestartOption{MaxRestarts(20, 200*s), Backoff(s, 30*s)}, ""},
		"as large as can be": {
			[]RestartOption{MaxRestarts(math.MaxInt, math.MaxInt64), Backoff(math.MaxInt64, math.MaxInt64)},
			"supervision: MaxRestarts(9223372036854775807, 2562047h47m16.854775807s): cannot be exceeded, because " +
				"9223372036854775807 restarts with Backoff(2562047h47m16.854775807s, 2562047h47m16.854775807s) take at least 2562047h47m16.854775807s",
		},
		"all of the delay may be jitter": {[]RestartOption{MaxRestarts(math.MaxInt, 1), Backoff(s, s), Jitter(1)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := Restart(tt.opts...).Validate()
			if tt.err == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tt.err)
		})
	}
}

// A caller that fails at the worst times is stopped if, and only if, Validate says that it
// can be. The worst times are all that the shortest way to n restarts can consist of: at
// once after a restart, or after the longest delay, which lets the delays begin again.
func TestLimitIsReachedByTheShortestWayIfAtAll(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 0))
		initial := time.Duration(1 + r.IntN(10))
		longest := initial + time.Duration(r.IntN(40))
		n, within := 1+r.IntN(9), time.Duration(1+r.IntN(150))
		plan := restartPlan{limit: &restartLimit{n, within}, initialDelay: initial, longestDelay: longest}
		policy := Policy{action: ActionRestart, restart: plan}
		reached := false
		for way := range 1 << n { // each bit says that the caller works for a while after that restart
			now, stopped := time.Unix(0, 0), false
			record := Record{}
			for i := range n + 1 {
				action, delay := record.Decide(policy, now)
				stopped = action == ActionStop
				now = now.Add(delay)
				if way&(1<<i) != 0 {
					now = now.Add(longest)
				}
			}
			reached = reached || stopped
		}
		err := Restart(Backoff(initial, longest), MaxRestarts(n, within)).Validate()
		assert.Equal(t, reached, err == nil, fmt.Sprint("seed ", seed, ": ", policy))
	}
}
