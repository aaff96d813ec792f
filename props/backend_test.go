package props_test

import (
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

// Item 3 of the seed's behaviour.
func TestBackendThatThereIsNotIsAnError(t *testing.T) {
	_, err := props.New(props.Backend(7))
	require.EqualError(t, err, "props: Backend: there is no BackendKind(7)")
}

// uncomparable is a host that cannot be told from another one.
type uncomparable struct {
	props.Host
	_ []int
}

func TestHostMustBeSomethingThatCanBeToldFromAnother(t *testing.T) {
	wrapped := struct{ props.Host }{uncomparable{}} // whose type alone is comparable
	for _, h := range []props.Host{nil, uncomparable{}, wrapped} {
		_, err := props.New(props.HostedBy(h))
		require.EqualError(t, err, "props: HostedBy: the host must be something, and comparable")
	}
}

func TestCallerWithAHostHasNoThread(t *testing.T) {
	host := props.ChannelHost("gui", nil, nil)
	want := "props: HostedBy: a caller on the loop of gui has no backend thread"
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

// Item 68 of the seed's behaviour.
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

	parent, err = props.New(props.HostedBy(props.ChannelHost("gui", nil, nil)))
	require.NoError(t, err)
	for _, opts := range [][]props.Option{nil, {props.MaxWorkers(1)}} {
		child, err := parent.Child(opts...)
		require.NoError(t, err)
		assert.Nil(t, child.Host)
	}
}

// Item 68 of the seed's behaviour.
func TestConfigDiffersInWhatItsOptionsAskFor(t *testing.T) {
	gui, other := props.ChannelHost("gui", nil, nil), props.ChannelHost("other", nil, nil)
	onThread, onHost := []props.Option{props.Backend(props.Thread)}, []props.Option{props.HostedBy(gui)}
	for name, tt := range map[string]struct {
		existing, asked []props.Option
		want            string // "" for no difference
	}{
		"nothing asked, thread":     {existing: onThread},
		"nothing asked, host":       {existing: onHost},
		"the same backend":          {existing: onThread, asked: onThread},
		"the same host":             {existing: onHost, asked: onHost},
		"another option":            {asked: []props.Option{props.MaxWorkers(3)}},
		"a thread for a goroutine":  {asked: onThread, want: "props: Backend: asked for thread, but it is goroutine"},
		"a goroutine for a thread":  {onThread, []props.Option{props.Backend(props.Goroutine)}, "props: Backend: asked for goroutine, but it is thread"},
		"a host for none":           {asked: onHost, want: "props: HostedBy: asked for gui, but it is not hosted"},
		"another host":              {onHost, []props.Option{props.HostedBy(other)}, "props: HostedBy: asked for other, but it is gui"},
		"another one of that name":  {onHost, []props.Option{props.HostedBy(props.ChannelHost("gui", nil, nil))}, "props: HostedBy: asked for gui, but it is gui"},
		"a host instead of threads": {onThread, onHost, "props: HostedBy: asked for gui, but it is not hosted"},
	} {
		t.Run(name, func(t *testing.T) {
			parent, err := props.New()
			require.NoError(t, err)
			existing, err := parent.Child(tt.existing...)
			require.NoError(t, err)
			asked, err := parent.Child(tt.asked...)
			require.NoError(t, err)
			if err := asked.Differs(existing); tt.want == "" {
				require.NoError(t, err)
			} else {
				require.EqualError(t, err, tt.want)
			}
		})
	}
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
			require.EqualError(t, config.Differs(child), "props: HostedBy: asked for "+tt.want+", but it is not hosted")
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

// Item 71 of the seed's behaviour.
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
