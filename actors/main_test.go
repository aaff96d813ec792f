package actors_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"github.com/seed-7fcaac1b/protocaller/props"
)

// backends are what all tests of this package are run on, one after the other.
var backends = []struct {
	name    string
	sign    string // in the descriptions of callers
	options func(tb testing.TB) []props.Option
}{
	{"goroutine", "", func(testing.TB) []props.Option { return nil }},
	{"thread", " backend=thread", func(testing.TB) []props.Option { return []props.Option{props.Backend(props.Thread)} }},
	{"host", ` host="loop"`, func(tb testing.TB) []props.Option { return []props.Option{props.HostedBy(newLoop(tb))} }},
}

// backend is the one of now, on which callers run that are made by the helpers
// of this package.
var backend = backends[0]

// on adds the options of the backend to others, which may say otherwise.
func on(tb testing.TB, opts []props.Option) []props.Option {
	return append(backend.options(tb), opts...)
}

// asMain is set where the process is not to run tests, but to be something that
// tests have started.
var asMain func() (status int)

func TestMain(m *testing.M) {
	if asMain != nil {
		os.Exit(asMain())
	}
	goleak.VerifyTestMain(onEachBackend{m})
}

// backendVariable is the backend that a process is to run its tests on, where the
// runs are spread over several.
const backendVariable = "ACTORS_TEST_BACKEND"

// onEachBackend runs everything once for each backend, unless something else is
// asked for than tests. Of several runs each backend has its share, in a process of
// its own: the race detector keeps some memory of each goroutine that there was.
type onEachBackend struct{ *testing.M }

func (m onEachBackend) Run() (code int) {
	flag.Parse()
	runs := int(flag.Lookup("test.count").Value.(flag.Getter).Get().(uint))
	name, alone := os.LookupEnv(backendVariable)
	for i, b := range backends {
		backend = b
		switch {
		case alone && b.name != name:
			continue
		case !alone && runs > 1:
			code = max(code, runAlone(b.name, (runs+i)/len(backends)))
		default:
			code = max(code, m.M.Run())
		}
		if code != 0 {
			fmt.Fprintln(os.Stderr, "FAIL on backend", b.name)
		}
		if set("test.list") || set("test.bench") || set("test.fuzz") || set("test.fuzzworker") {
			break
		}
	}
	return code
}

// runAlone runs everything so many times on a backend, in a process of its own.
func runAlone(backend string, runs int) (code int) {
	if runs == 0 {
		return 0
	}
	cmd := exec.Command(os.Args[0], append(os.Args[1:], "-test.count="+strconv.Itoa(runs))...)
	cmd.Env = append(os.Environ(), backendVariable+"="+backend)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func set(name string) bool {
	f := flag.Lookup(name)
	return f != nil && f.Value.String() != f.DefValue
}

// ignoreLoops is for those who look for goroutines before the test has ended.
var ignoreLoops = goleak.IgnoreTopFunction("github.com/seed-7fcaac1b/protocaller/actors_test.(*loop).run")

// newLoop returns a host. Its goroutine calls the functions of a channel until
// the test ends. Another goroutine takes its place if a function ends it.
func newLoop(tb testing.TB) props.Host {
	l := &loop{make(chan func()), make(chan struct{}), make(chan struct{})}
	go l.run()
	tb.Cleanup(func() {
		close(l.done)
		<-l.ended
	})
	return props.ChannelHost("loop", l.functions, l.done)
}

type loop struct {
	functions   chan func()
	done, ended chan struct{}
}

func (l *loop) run() {
	returned := false
	defer func() {
		if !returned {
			go l.run()
		}
	}()
	for {
		select {
		case fn := <-l.functions:
			fn()
		case <-l.done:
			close(l.ended)
			returned = true
			return
		}
	}
}
