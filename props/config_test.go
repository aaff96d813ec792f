package props_test

import (
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// given returns the description of a caller that nothing is said about, after
// change.
func given(change func(*props.Config)) *props.Config {
	c := &props.Config{MaxIdleWorkers: 10, IdleTimeout: time.Minute, StopTimeout: 30 * time.Second}
	change(c)
	return c
}

func TestWithoutOptionsACallerIsLikeTheSeeds(t *testing.T) {
	config, err := props.New()
	require.NoError(t, err)
	assert.Equal(t, given(func(*props.Config) {}), config)
}

func TestEachOptionSaysOneThing(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	spans := telemetry.New()
	policy := supervision.Restart(supervision.MaxRestarts(3, time.Minute))
	strategy := supervision.OneForOne(policy)
	for name, tt := range map[string]struct {
		option props.Option
		want   func(*props.Config)
	}{
		"Name":                  {props.Name("gopher"), func(c *props.Config) { c.Name = "gopher" }},
		"Name, with a dollar":   {props.Name("US$"), func(c *props.Config) { c.Name = "US$" }},
		"Name, empty":           {props.Name(""), func(*props.Config) {}},
		"Protected":             {props.Protected(), func(c *props.Config) { c.Protected = true }},
		"Logger":                {props.Logger(logger), func(c *props.Config) { c.Logger = logger }},
		"Telemetry":             {props.Telemetry(spans), func(c *props.Config) { c.Telemetry = spans }},
		"Telemetry, none":       {props.Telemetry(nil), func(*props.Config) {}},
		"Supervision":           {props.Supervision(policy), func(c *props.Config) { c.Policy = policy }},
		"Strategy":              {props.Strategy(strategy), func(c *props.Config) { c.Strategy = strategy }},
		"NonReentrant":          {props.NonReentrant(), func(c *props.Config) { c.NonReentrant = true }},
		"MaxIdleWorkers":        {props.MaxIdleWorkers(7), func(c *props.Config) { c.MaxIdleWorkers = 7 }},
		"MaxIdleWorkers, none":  {props.MaxIdleWorkers(0), func(c *props.Config) { c.MaxIdleWorkers = 0 }},
		"MaxWorkers":            {props.MaxWorkers(7), func(c *props.Config) { c.MaxWorkers = 7 }},
		"MaxWorkers, any":       {props.MaxWorkers(0), func(*props.Config) {}},
		"IdleTimeout":           {props.IdleTimeout(time.Hour), func(c *props.Config) { c.IdleTimeout = time.Hour }},
		"IdleTimeout, never":    {props.IdleTimeout(0), func(c *props.Config) { c.IdleTimeout = 0 }},
		"MaxQueued":             {props.MaxQueued(math.MaxInt), func(c *props.Config) { c.MaxQueued = math.MaxInt }},
		"MaxSuspended":          {props.MaxSuspended(7), func(c *props.Config) { c.MaxSuspended = 7 }},
		"TurnWarning":           {props.TurnWarning(time.Second), func(c *props.Config) { c.TurnWarning = time.Second }},
		"StopTimeout":           {props.StopTimeout(time.Second), func(c *props.Config) { c.StopTimeout = time.Second }},
		"StopTimeout, for ever": {props.StopTimeout(0), func(c *props.Config) { c.StopTimeout = 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := props.New(tt.option)
			require.NoError(t, err)
			assert.Equal(t, given(tt.want), config)
		})
	}
}

func TestValueThatMakesNoSenseIsAnErrorThatNamesTheOption(t *testing.T) {
	parent, err := props.New()
	require.NoError(t, err)
	for want, option := range map[string]props.Option{
		"props: option 2 is nil":                         nil,
		`props: Name: "a/b" contains`:                    props.Name("a/b"),
		`props: Name: "/" contains`:                      props.Name("/"),
		`props: Name: "$1" contains`:                     props.Name("$1"),
		"props: Logger: must not be nil":                 props.Logger(nil),
		"props: Strategy: must not be nil":               props.Strategy(nil),
		"props: Supervision: supervision: Jitter(2)":     props.Supervision(supervision.Restart(supervision.Jitter(2))),
		"props: MaxIdleWorkers: -1 is less than 0":       props.MaxIdleWorkers(-1),
		"props: MaxWorkers: -1 is less than 0":           props.MaxWorkers(-1),
		"props: IdleTimeout: -1s is less than 0s":        props.IdleTimeout(-time.Second),
		"props: MaxQueued: -9223372036854775808 is less": props.MaxQueued(math.MinInt),
		"props: MaxSuspended: -1 is less than 0":         props.MaxSuspended(-1),
		"props: TurnWarning: -1ns is less than 0s":       props.TurnWarning(-1),
		"props: StopTimeout: -1m0s is less than 0s":      props.StopTimeout(-time.Minute),
	} {
		t.Run(want, func(t *testing.T) {
			for _, describe := range []func(...props.Option) (*props.Config, error){props.New, parent.Child} {
				config, err := describe(props.Protected(), option)
				require.ErrorContains(t, err, want)
				assert.Nil(t, config)
			}
		})
	}
}

func TestEveryWrongOptionIsReported(t *testing.T) {
	_, err := props.New(props.MaxWorkers(-1), props.MaxQueued(3), props.Logger(nil))
	require.ErrorContains(t, err, "MaxWorkers")
	require.ErrorContains(t, err, "Logger")
	assert.NotContains(t, err.Error(), "MaxQueued")
}

func TestLastOfTheOptionsCounts(t *testing.T) {
	config, err := props.New(props.MaxWorkers(1), props.Name("a"), props.MaxWorkers(2), props.Name("b"))
	require.NoError(t, err)
	assert.Equal(t, 2, config.MaxWorkers)
	assert.Equal(t, "b", config.Name)
}

func TestOptionMayBeUsedForManyCallers(t *testing.T) {
	option := props.MaxWorkers(3)
	a, err := props.New(option)
	require.NoError(t, err)
	b, err := props.New(option)
	require.NoError(t, err)
	assert.Equal(t, a, b)
	assert.NotSame(t, a, b)
}

func TestChildInheritsWhatItsOptionsLeaveOpen(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	strategy := actor.DefaultSupervisorStrategy()
	common := []props.Option{
		props.Logger(logger), props.Telemetry(telemetry.New()), props.Supervision(supervision.Stop()),
		props.Strategy(strategy), props.NonReentrant(), props.MaxIdleWorkers(1), props.MaxWorkers(2),
		props.IdleTimeout(3), props.MaxQueued(4), props.MaxSuspended(5), props.TurnWarning(6), props.StopTimeout(7),
	}
	parent, err := props.New(append(common, props.Name("parent"), props.Protected())...)
	require.NoError(t, err)
	unnamed, err := props.New(common...)
	require.NoError(t, err)
	before := *parent

	t.Run("all but the name and the protection", func(t *testing.T) {
		for _, p := range []*props.Config{parent, unnamed} {
			child, err := p.Child()
			require.NoError(t, err)
			assert.Equal(t, unnamed, child)
		}
	})
	t.Run("and nothing that is said otherwise", func(t *testing.T) {
		child, err := parent.Child(props.Name("kid"), props.MaxWorkers(0), props.Supervision(supervision.Capture()))
		require.NoError(t, err)
		want := *unnamed
		want.Name, want.MaxWorkers, want.Policy = "kid", 0, supervision.Capture()
		assert.Equal(t, &want, child)
	})
	t.Run("a grandchild from the child", func(t *testing.T) {
		child, err := parent.Child(props.MaxWorkers(9), props.Protected())
		require.NoError(t, err)
		grandchild, err := child.Child(props.Name("kid"))
		require.NoError(t, err)
		want := *unnamed
		want.Name, want.MaxWorkers = "kid", 9
		assert.Equal(t, &want, grandchild)
	})
	assert.Equal(t, &before, parent, "the parent is as it was")
}
