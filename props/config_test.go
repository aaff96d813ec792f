package props_test

import (
	"context"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
	"github.com/seed-7fcaac1b/protocaller/telemetry"
)

// given returns the description of a caller that nothing is said about, after
// change.
func given(change func(*props.Config)) *props.Config {
	c := &props.Config{MaxIdleWorkers: 10, IdleTimeout: time.Minute, TurnWarning: 10 * time.Second, StopTimeout: 30 * time.Second}
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
		"ProfileLabels":         {props.ProfileLabels(), func(c *props.Config) { c.ProfileLabels = true }},
		"CheckTurns":            {props.CheckTurns(), func(c *props.Config) { c.CheckTurns = true }},
		"MaxIdleWorkers":        {props.MaxIdleWorkers(7), func(c *props.Config) { c.MaxIdleWorkers = 7 }},
		"MaxIdleWorkers, none":  {props.MaxIdleWorkers(0), func(c *props.Config) { c.MaxIdleWorkers = 0 }},
		"MaxWorkers":            {props.MaxWorkers(7), func(c *props.Config) { c.MaxWorkers = 7 }},
		"MaxWorkers, any":       {props.MaxWorkers(0), func(*props.Config) {}},
		"IdleTimeout":           {props.IdleTimeout(time.Hour), func(c *props.Config) { c.IdleTimeout = time.Hour }},
		"IdleTimeout, never":    {props.IdleTimeout(0), func(c *props.Config) { c.IdleTimeout = 0 }},
		"MaxQueued":             {props.MaxQueued(math.MaxInt), func(c *props.Config) { c.MaxQueued = math.MaxInt }},
		"MaxSuspended":          {props.MaxSuspended(7), func(c *props.Config) { c.MaxSuspended = 7 }},
		"TurnWarning":           {props.TurnWarning(time.Second), func(c *props.Config) { c.TurnWarning = time.Second }},
		"TurnWarning, off":      {props.TurnWarning(0), func(c *props.Config) { c.TurnWarning = 0 }},
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
		"props: option 2 is nil":                                  nil,
		`props: Name("a/b"): must not contain "/" nor begin`:      props.Name("a/b"),
		`props: Name("/"): must not contain "/" nor begin`:        props.Name("/"),
		`props: Name("$1"): must not contain "/" nor begin`:       props.Name("$1"),
		`props: Name("bad\xff"): must be valid UTF-8`:             props.Name("bad\xff"),
		`props: Name("\xed\xa0\x80"): must be valid UTF-8`:        props.Name("\xed\xa0\x80"), // half of a surrogate pair
		`props: Name("a\x00b"): must not contain control`:         props.Name("a\x00b"),
		`props: Name("a\nb"): must not contain control`:           props.Name("a\nb"),
		`props: Name("\x7f"): must not contain control`:           props.Name("\x7f"),
		`props: Name("\u0085"): must not contain control`:         props.Name("\u0085"),
		"props: Logger(nil): a logger must be given":              props.Logger(nil),
		"props: Strategy(nil): a strategy must be given":          props.Strategy(nil),
		"props: Supervision: supervision: Jitter(2): ":            props.Supervision(supervision.Restart(supervision.Jitter(2))),
		"props: MaxIdleWorkers(-1): must not be negative":         props.MaxIdleWorkers(-1),
		"props: MaxWorkers(-1): must not be negative":             props.MaxWorkers(-1),
		"props: IdleTimeout(-1s): must not be negative":           props.IdleTimeout(-time.Second),
		"props: MaxQueued(-9223372036854775808): must not be neg": props.MaxQueued(math.MinInt),
		"props: MaxSuspended(-1): must not be negative":           props.MaxSuspended(-1),
		"props: TurnWarning(-1ns): must not be negative":          props.TurnWarning(-1),
		"props: StopTimeout(-1m0s): must not be negative":         props.StopTimeout(-time.Minute),
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

func TestFunctionsOfStartAndStopAreNotInherited(t *testing.T) {
	fn := func(context.Context) error { return nil }
	c, err := props.New(props.OnStart(fn), props.OnStop(fn))
	require.NoError(t, err)
	require.NotNil(t, c.OnStart)
	require.NotNil(t, c.OnStop)
	for _, opts := range [][]props.Option{nil, {props.MaxQueued(1)}} {
		child, err := c.Child(opts...)
		require.NoError(t, err)
		assert.Nil(t, child.OnStart)
		assert.Nil(t, child.OnStop)
	}
	for want, opt := range map[string]props.Option{
		"props: OnStart(nil): a function must be given": props.OnStart(nil),
		"props: OnStop(nil): a function must be given":  props.OnStop(nil),
	} {
		_, err := props.New(opt)
		require.EqualError(t, err, want)
	}
}

func TestNameMayHaveUpTo256Bytes(t *testing.T) {
	longest := strings.Repeat("ü", 128)
	config, err := props.New(props.Name(longest))
	require.NoError(t, err)
	assert.Equal(t, longest, config.Name)

	_, err = props.New(props.Name(longest + "x"))
	require.EqualError(t, err, `props: Name("`+longest[:64]+`"... of 257 bytes): must not be longer than 256 bytes`)
}

func TestErrorOfANameIsNoLongerThanALine(t *testing.T) {
	for _, name := range []string{
		strings.Repeat("x", 1<<20), strings.Repeat("\xff", 1<<20), "/" + strings.Repeat("日", 1<<20), strings.Repeat("\x00", 256),
	} {
		_, err := props.New(props.Name(name))
		require.Error(t, err)
		assert.Less(t, len(err.Error()), 400)
		assert.True(t, utf8.ValidString(err.Error()))
	}
}

// A name is part of an id, which travels in the messages of protoactor's remote.
func FuzzNameThatIsAcceptedIsOneOnEveryNode(f *testing.F) {
	for _, name := range []string{"gopher", "bad\xff", "a\x00b", "\u202e", "$", "a/b"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		config, err := props.New(props.Name(name))
		if err != nil {
			return
		}
		text, err := proto.Marshal(actor.NewPID("address", "callers/"+config.Name))
		require.NoError(t, err)
		var there actor.PID
		require.NoError(t, proto.Unmarshal(text, &there))
		assert.Equal(t, "callers/"+name, there.GetId())
	})
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
		props.Strategy(strategy), props.NonReentrant(), props.CheckTurns(), props.MaxIdleWorkers(1), props.MaxWorkers(2),
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

func TestEventStreamOfNoSystemPanics(t *testing.T) {
	assert.PanicsWithValue(t, "props: EventStream with a nil system", func() { props.EventStream(nil) })
}
