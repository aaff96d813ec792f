package props_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/props"
)

func TestBackendsHaveNames(t *testing.T) {
	assert.Equal(t, "goroutine", props.Goroutine.String())
	assert.Equal(t, "thread", props.Thread.String())
	assert.Equal(t, "BackendKind(7)", props.BackendKind(7).String())
}

// Item 3 of the seed's behavior.
func TestBackendThatThereIsNotIsAnError(t *testing.T) {
	_, err := props.New(props.Backend(7))
	require.EqualError(t, err, "props: Backend(BackendKind(7)): must be Goroutine or Thread")
}

// sliced is a host of a type that cannot be compared.
type sliced struct {
	props.Host
	_ []int
}

// holding is a host of a type that can be compared. Whether a value can depends on what it holds.
type holding struct {
	props.Host
	held any
}

// nested holds it further inside.
type nested struct {
	props.Host
	held [1]holding
}

// inbox is a host that can be nil, as a pointer can.
type inbox chan func()

func (i inbox) Name() string   { return "inbox" }
func (i inbox) Post(fn func()) { i <- fn }

// nameless is a host that has no name.
type nameless struct{ props.Host }

func (nameless) Name() string { return "" }

func TestHostThatCannotServeIsAnErrorThatNamesIt(t *testing.T) {
	for want, host := range map[string]props.Host{
		"props: HostedBy(nil): a host must be given":                                             nil,
		"props: HostedBy(props_test.sliced): a host must be comparable with ==":                  sliced{},
		"props: HostedBy(props_test.holding): a host must be comparable with ==":                 holding{held: []int{1}},
		"props: HostedBy(props_test.nested): a host must be comparable with ==":                  nested{held: [1]holding{{held: func() {}}}},
		"props: HostedBy(props_test.inbox(nil)): a host must be given":                           inbox(nil),
		"props: HostedBy(*props_test.nested(nil)): a host must be given":                         (*nested)(nil),
		`props: HostedBy(props_test.nameless): a host must have a name, but its Name returns ""`: nameless{},
	} {
		t.Run(want, func(t *testing.T) {
			parent, err := props.New()
			require.NoError(t, err)
			for _, describe := range []func(...props.Option) (*props.Config, error){props.New, parent.Child} {
				_, err := describe(props.HostedBy(host))
				require.EqualError(t, err, want)
			}
		})
	}
}

func TestHostIsComparedByWhatItHolds(t *testing.T) {
	gui := newHost("gui")
	parent, err := props.New()
	require.NoError(t, err)
	config := func(host props.Host) *props.Config {
		c, err := parent.Child(props.HostedBy(host))
		require.NoError(t, err)
		return c
	}
	existing := config(holding{gui, 1})
	require.NoError(t, config(holding{gui, 1}).Differs(existing))
	require.Error(t, config(holding{gui, 2}).Differs(existing))
	require.Error(t, config(gui).Differs(existing), "of another type")
}

// newHost returns a host that nobody runs.
func newHost(name string) props.Host { return props.ChannelHost(name, make(chan func()), nil) }

func TestCallerWithAHostHasNoThread(t *testing.T) {
	host := newHost("gui")
	want := `props: HostedBy("gui"): cannot be combined with Backend(thread)`
	for _, opts := range [][]props.Option{
		{props.HostedBy(host), props.Backend(props.Thread)},
		{props.Backend(props.Thread), props.HostedBy(host)},
	} {
		_, err := props.New(opts...)
		require.EqualError(t, err, want)
	}
	_, err := props.New(props.HostedBy(host), props.Backend(props.Goroutine))
	require.NoError(t, err)

	parent, err := props.New(props.Backend(props.Thread))
	require.NoError(t, err)
	child, err := parent.Child(props.HostedBy(host))
	require.NoError(t, err, "the parent's thread does not count")
	assert.Equal(t, props.Goroutine, child.Backend)
}

// Item 68 of the seed's behavior.
func TestBackendIsInheritedAndTheHostIsNot(t *testing.T) {
	parent, err := props.New(props.Backend(props.Thread))
	require.NoError(t, err)
	for _, opts := range [][]props.Option{nil, {props.MaxWorkers(1)}} {
		child, err := parent.Child(opts...)
		require.NoError(t, err)
		assert.Equal(t, props.Thread, child.Backend)
	}
	child, err := parent.Child(props.Backend(props.Goroutine))
	require.NoError(t, err)
	assert.Equal(t, props.Goroutine, child.Backend, "unless it is given another one")

	parent, err = props.New(props.HostedBy(newHost("gui")))
	require.NoError(t, err)
	for _, opts := range [][]props.Option{nil, {props.MaxWorkers(1)}} {
		child, err := parent.Child(opts...)
		require.NoError(t, err)
		assert.Nil(t, child.Host)
	}
}

// Item 68 of the seed's behavior.
func TestConfigDiffersInWhatItsOptionsAskFor(t *testing.T) {
	gui := newHost("gui")
	var (
		nothing     []props.Option
		onGoroutine = []props.Option{props.Backend(props.Goroutine)}
		onThread    = []props.Option{props.Backend(props.Thread)}
		onHost      = []props.Option{props.HostedBy(gui)}
		onBoth      = []props.Option{props.HostedBy(gui), props.Backend(props.Goroutine)}
		onOther     = []props.Option{props.HostedBy(newHost("other"))}
		onNamesake  = []props.Option{props.HostedBy(newHost("gui"))}
	)
	const (
		no        = ""
		backend   = "props: Backend(%s): the existing child runs on "
		host      = "props: HostedBy(%s): the existing child runs on "
		goroutine = "backend goroutine"
		thread    = "backend thread"
		loop      = `host "gui"`
		namesake  = `another host "gui"`
	)
	asks := func(format, value, existing string) string { return fmt.Sprintf(format, value) + existing }
	for name, tt := range map[string]struct {
		asked []props.Option
		// What the error is if the existing child runs on ...; no for none.
		goroutine, thread, host, both string
	}{
		"nothing":         {nothing, no, no, no, no},
		"another option":  {[]props.Option{props.MaxWorkers(3)}, no, no, no, no},
		"goroutine":       {onGoroutine, no, asks(backend, "goroutine", thread), asks(backend, "goroutine", loop), asks(backend, "goroutine", loop)},
		"thread":          {onThread, asks(backend, "thread", goroutine), no, asks(backend, "thread", loop), asks(backend, "thread", loop)},
		"host":            {onHost, asks(host, `"gui"`, goroutine), asks(host, `"gui"`, thread), no, no},
		"host, goroutine": {onBoth, asks(host, `"gui"`, goroutine), asks(host, `"gui"`, thread), no, no},
		"another host":    {onOther, asks(host, `"other"`, goroutine), asks(host, `"other"`, thread), asks(host, `"other"`, loop), asks(host, `"other"`, loop)},
		"host, same name": {onNamesake, asks(host, `"gui"`, goroutine), asks(host, `"gui"`, thread), asks(host, `"gui"`, namesake), asks(host, `"gui"`, namesake)},
	} {
		for _, existing := range []struct {
			name string
			opts []props.Option
			want string
		}{
			{"by default on a goroutine", nothing, tt.goroutine},
			{"on a goroutine", onGoroutine, tt.goroutine},
			{"on a thread", onThread, tt.thread},
			{"on a host", onHost, tt.host},
			{"on a host that has the backend too", onBoth, tt.both},
		} {
			t.Run(name+" for a child "+existing.name, func(t *testing.T) {
				parent, err := props.New()
				require.NoError(t, err)
				child, err := parent.Child(existing.opts...)
				require.NoError(t, err)
				asked, err := parent.Child(tt.asked...)
				require.NoError(t, err)
				if err := asked.Differs(child); existing.want == no {
					require.NoError(t, err)
				} else {
					require.EqualError(t, err, existing.want)
				}
			})
		}
	}
}

func TestChannelHostWithoutAChannelPanics(t *testing.T) {
	assert.PanicsWithValue(t, "props: ChannelHost: functions is nil", func() {
		props.ChannelHost("gui", nil, make(chan struct{}))
	})
}

func TestChannelHostCallsWhatIsPostedUntilItIsDone(t *testing.T) {
	functions, done := make(chan func()), make(chan struct{})
	host := props.ChannelHost("main", functions, done)
	assert.Equal(t, "main", host.Name())
	n := 0
	go host.Post(func() { n++ })
	(<-functions)()
	assert.Equal(t, 1, n)

	close(done)
	host.Post(func() { t.Error("it was called") })
	<-host.Done()
}

// A program may close both channels.
func TestChannelHostThatIsDoneUsesItsChannelNoMore(t *testing.T) {
	functions, done := make(chan func(), 1), make(chan struct{})
	host := props.ChannelHost("main", functions, done)
	close(functions)
	close(done)
	for range 100 {
		host.Post(func() { t.Error("it was called") })
	}
}

// named is a host whose name is made up when it is asked for.
type named struct {
	props.Host
	name *func() string
}

func (n named) Name() string { return (*n.name)() }

func TestNameOfAHostIsAskedForOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		name func() string
		want string
	}{
		"a name": {func() string { return "gui" }, "gui"},
		"panic":  {func() string { panic("no name") }, "props_test.named"},
		"Goexit": {func() string { runtime.Goexit(); return "" }, "props_test.named"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			ask := func() string { asked++; return tt.name() }
			config, err := props.New(props.HostedBy(named{name: &ask}))
			require.NoError(t, err)
			for range 3 {
				assert.Equal(t, tt.want, config.HostName())
			}
			assert.Equal(t, 1, asked)
			child, err := config.Child()
			require.NoError(t, err)
			assert.Empty(t, child.HostName())
			require.EqualError(t, config.Differs(child), fmt.Sprintf("props: HostedBy(%q): the existing child runs on backend goroutine", tt.want))
		})
	}
}

func TestChannelHostThatIsNeverDone(t *testing.T) {
	functions := make(chan func(), 1)
	host := props.ChannelHost("main", functions, nil)
	assert.Nil(t, host.Done())
	host.Post(func() {})
	assert.Len(t, functions, 1)
}

// Item 71 of the seed's behavior.
func TestPublisherIsInheritedUnlessItIsRefused(t *testing.T) {
	parent, err := props.New(props.Publisher(func(string) (props.Publication, error) { return nil, nil }))
	require.NoError(t, err)
	child, err := parent.Child(props.MaxWorkers(1))
	require.NoError(t, err)
	assert.NotNil(t, child.Publisher)
	child, err = parent.Child(props.Publisher(nil))
	require.NoError(t, err)
	assert.Nil(t, child.Publisher)
}
