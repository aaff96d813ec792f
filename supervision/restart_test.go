package supervision

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestDelayDoublesUpToTheLongest(t *testing.T) {
	for name, tt := range map[string]struct {
		backoff  RestartOption
		failures int
		delay    time.Duration
	}{
		"first failure":            {Backoff(time.Second, time.Minute), 1, time.Second},
		"second failure":           {Backoff(time.Second, time.Minute), 2, 2 * time.Second},
		"fifth failure":            {Backoff(time.Second, time.Minute), 5, 16 * time.Second},
		"longest reached":          {Backoff(time.Second, 16*time.Second), 5, 16 * time.Second},
		"longest passed":           {Backoff(time.Second, 10*time.Second), 5, 10 * time.Second},
		"longest equals initial":   {Backoff(time.Second, time.Second), 3, time.Second},
		"far beyond 63 doublings":  {Backoff(1, math.MaxInt64), 1_000_000, math.MaxInt64},
		"doubling would overflow":  {Backoff(math.MaxInt64/2+1, math.MaxInt64), 2, math.MaxInt64},
		"no backoff, no delay":     {MaxRestarts(1, 0), 1, 0},
		"initial of a nanosecond":  {Backoff(1, 3), 2, 2},
		"longest is no power of 2": {Backoff(1, 3), 3, 3},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.delay, Restart(tt.backoff).restart.delay(tt.failures, rand.Float64))
		})
	}
}

func TestJitterShortensTheDelayByNoMoreThanItsFraction(t *testing.T) {
	for name, tt := range map[string]struct {
		fraction          float64
		initial           time.Duration
		shortest, longest time.Duration
	}{
		"none":               {0, time.Second, time.Second, time.Second},
		"a quarter":          {0.25, time.Second, 750 * time.Millisecond, time.Second},
		"all":                {1, time.Second, 0, time.Second},
		"all of the longest": {1, math.MaxInt64, 0, math.MaxInt64},
	} {
		t.Run(name, func(t *testing.T) {
			plan := Restart(Backoff(tt.initial, tt.initial), Jitter(tt.fraction)).restart
			for range 1000 {
				delay := plan.delay(1, rand.Float64)
				assert.GreaterOrEqual(t, delay, tt.shortest)
				assert.LessOrEqual(t, delay, tt.longest)
			}
		})
	}
}

func TestJitterUsesItsWholeRange(t *testing.T) {
	plan := Restart(Backoff(time.Second, time.Second), Jitter(0.5)).restart
	shortest, longest := plan.delay(1, rand.Float64), plan.delay(1, rand.Float64)
	for range 1000 {
		delay := plan.delay(1, rand.Float64)
		shortest, longest = min(shortest, delay), max(longest, delay)
	}

	// Each of these fails by chance once in 1.25^1000 runs.
	assert.Less(t, shortest, 600*time.Millisecond)
	assert.Greater(t, longest, 900*time.Millisecond)
}
