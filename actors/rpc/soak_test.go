package rpc_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

var soak = flag.Duration("rpc.soak", 0, "for how long TestSoak lasts, which is skipped otherwise; longer tests run as well")

// soakVariable says that a node has the functions of the soak.
const soakVariable = "RPC_TEST_SOAK"

// soaked counts the functions that run.
var soaked atomic.Int64

// health is how a node is.
type health struct {
	Running    int64
	Stats      rpc.Stats
	Goroutines int
	Heap       uint64
}

func healthOf(system *actor.ActorSystem) health {
	return health{soaked.Load(), rpc.StatsOf(system), runtime.NumGoroutine(), memory().HeapAlloc}
}

// registerSoak registers the functions of the soak, if the environment says so.
func registerSoak(system *actor.ActorSystem) error {
	if os.Getenv(soakVariable) == "" {
		return nil
	}
	return errors.Join(
		rpc.Configure(system, rpc.DedupWindow(2*time.Minute, 4*megabyte)),
		rpc.Handle(system, "note", func(_ context.Context, n int) (int, error) { return n, note(n) }),
		rpc.Handle(system, "forward", func(ctx context.Context, to string) (int, error) {
			soaked.Add(1)
			defer soaked.Add(-1)
			address, n, _ := strings.Cut(to, " ")
			number, err := strconv.Atoi(n)
			if err != nil {
				return 0, err
			}
			return rpc.Call[int, int](ctx, system, rpc.At(address, "callers/clerk"), "note", number).Wait(ctx)
		}),
		rpc.Handle(system, "hold", func(ctx context.Context, _ int) (int, error) {
			soaked.Add(1)
			defer soaked.Add(-1)
			return 0, actors.Sleep(ctx, time.Hour)
		}),
		rpc.HandleStream(system, "steps", func(ctx context.Context, n int) iter.Seq2[int, error] {
			return func(yield func(int, error) bool) {
				soaked.Add(1)
				defer soaked.Add(-1)
				for i := 0; i < n && yield(i, nil); i++ {
					_ = actors.Sleep(ctx, time.Millisecond)
				}
			}
		}),
		rpc.Handle(system, "health", func(context.Context, struct{}) (health, error) { return healthOf(system), nil }),
	)
}

// What a call may have done: its runs are compared with that at the end.
const (
	mayHaveRun byte = iota
	hasRun
	hasNotRun
)

// soaking is one soak: this process calls two others, of which one calls the other, all
// through links that break. The first is frozen now and then, the second killed as well.
type soaking struct {
	*testing.T
	system          *actor.ActorSystem
	nodes           [2]*other
	links           [3]*proxy // to the nodes, and from the first to the second
	calls           sync.WaitGroup
	mu              sync.Mutex
	outcomes        []byte // of calls that are noted when they run
	failed          map[string]int
	succeeded, lost atomic.Int64
}

// shortSoak is how long TestSoak takes without its flag.
const shortSoak = 3 * time.Second

// TestSoak has random calls and random faults for as long as -rpc.soak says. No call is
// lost, none without a key runs twice, and nothing is left of them at the end.
func TestSoak(t *testing.T) {
	length := cmp.Or(*soak, shortSoak)
	t.Setenv(soakVariable, "1")
	t.Setenv(notesVariable, filepath.Join(t.TempDir(), "notes"))
	seed := seedOf(t)
	t.Log("seed:", seed)
	s := &soaking{T: t, system: listen(t), failed: make(map[string]int)}
	for i := range s.nodes {
		s.nodes[i] = startNode(t, "127.0.0.1:0")
		s.links[i] = newProxy(t, s.nodes[i].address)
	}
	s.links[2] = newProxy(t, s.nodes[1].address)
	const workers = 16
	s.work(seed, workers, after(min(length, 10*time.Second))) // so that all has its size
	before, here := s.settled()

	faults := make(map[string]int)
	over, done := after(length), make(chan struct{})
	go func() {
		defer close(done)
		s.breakThings(rand.New(rand.NewPCG(seed, 0)), faults, over)
	}()
	s.work(seed+1, workers, over)
	<-done
	healthAfter, hereAfter := s.settled()

	runs := notes(t)
	twice := 0
	for n, outcome := range s.outcomes {
		ran := runs[strconv.Itoa(n)]
		if ran > 1 {
			twice++
		}
		assert.False(t, outcome == hasRun && ran == 0 || outcome == hasNotRun && ran > 0, "call %d has run %d times", n, ran)
	}
	t.Logf("%d calls have succeeded, %d were noted; faults: %v; failed: %v", s.succeeded.Load(), len(s.outcomes), faults, s.failed)
	t.Logf("lost: %d, run twice: %d", s.lost.Load(), twice)
	t.Logf("the first node: %+v before, %+v after", before, healthAfter)
	t.Logf("this node: %+v before, %+v after", here, hereAfter)
	assert.Zero(t, s.lost.Load(), "calls that did not end")
	assert.Zero(t, twice, "calls that ran twice")
	for _, both := range [][2]health{{before, healthAfter}, {here, hereAfter}} {
		assert.Less(t, both[1].Goroutines, both[0].Goroutines+50)
		assert.Less(t, both[1].Heap, both[0].Heap+20*megabyte)
	}
}

// settled waits until nothing runs, and returns how the first node is, and this one.
func (s *soaking) settled() (first, here health) {
	for i, node := range s.nodes {
		require.Eventually(s, func() bool {
			h, err := rpc.Call[struct{}, health](s.Context(), s.system, node.target, "health", struct{}{}).Wait(s.Context())
			if i == 0 {
				first = h
			}
			return err == nil && h.Running == 0 && h.Stats.Served == 1 && h.Stats.Open == 0 && h.Stats.OpenBytes == 0
		}, time.Minute, 100*time.Millisecond, "functions run on in node %d", i)
	}
	here = healthOf(s.system)
	assert.Zero(s, here.Stats.Open+here.Stats.OpenBytes)
	return first, here
}

// after returns what is closed when that time has passed.
func after(d time.Duration) <-chan struct{} {
	over := make(chan struct{})
	time.AfterFunc(d, func() { close(over) })
	return over
}

// work makes calls, some at a time, until over is closed.
func (s *soaking) work(seed uint64, workers int, over <-chan struct{}) {
	for worker := range workers {
		s.calls.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(1+worker))) //nolint:gosec // It is small.
			for {
				select {
				case <-over:
					return
				case <-time.After(upTo(random, 60*time.Millisecond)):
					s.once(random)
				}
			}
		})
	}
	s.calls.Wait()
}

// once makes one call, and waits for its end.
func (s *soaking) once(random *rand.Rand) {
	ctx, cancel := context.WithTimeout(s.Context(), 3*time.Minute) // much longer than it takes
	defer cancel()
	to := random.IntN(2)
	at := rpc.At(s.links[to].address(), "callers/clerk")
	switch n := random.IntN(20); {
	case n < 12:
		number := s.number()
		s.ended(callWith[int](ctx, s.system, at, "note", number), number)
	case n < 14:
		number := s.number()
		at := rpc.At(s.links[0].address(), "callers/clerk") // the one that is not killed
		s.ended(callWith[int](ctx, s.system, at, "note", number, rpc.Idempotent("")), number)
	case n < 15:
		number := s.number()
		at := rpc.At(s.links[0].address(), "callers/clerk")
		err := callWith[int](ctx, s.system, at, "forward", s.links[2].address()+" "+strconv.Itoa(number))
		s.ended(err, -1)
		if err == nil {
			s.note(number, hasRun)
		}
	case n < 16:
		s.ended(callWith[string](ctx, s.system, at, "echo", strings.Repeat("x", random.IntN(500_000))), -1)
	case n < 18:
		s.ended(s.stream(ctx, at, 50, 50), -1)
	case n < 19:
		s.ended(s.stream(ctx, at, 50, random.IntN(50)), -1)
	default:
		p := rpc.Call[int, int](ctx, s.system, at, "hold", 0)
		time.Sleep(upTo(random, 50*time.Millisecond))
		p.Cancel(errSoldOut)
	}
}

func callWith[Resp, Req any](
	ctx context.Context, system *actor.ActorSystem, at rpc.Target, function string, req Req, opts ...rpc.CallOption,
) error {
	_, err := rpc.Call[Req, Resp](ctx, system, at, function, req, opts...).Wait(ctx)
	return err
}

// stream reads so many of n items.
func (s *soaking) stream(ctx context.Context, at rpc.Target, n, read int) error {
	want := 0
	for i, err := range rpc.Stream[int, int](ctx, s.system, at, "steps", n, rpc.Window(8)) {
		if err != nil {
			return err
		}
		assert.Equal(s, want, i, "an item is lost")
		if want++; want == read && read < n {
			return nil
		}
	}
	assert.Equal(s, want, n, "the end comes after all items")
	return nil
}

// number returns that of a call that is noted when it runs.
func (s *soaking) number() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcomes = append(s.outcomes, mayHaveRun)
	return len(s.outcomes) - 1
}

func (s *soaking) note(number int, outcome byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcomes[number] = outcome
}

// ended counts the end of a call, and notes what that says of its runs.
func (s *soaking) ended(err error, number int) {
	outcome := hasRun
	switch {
	case err == nil:
		s.succeeded.Add(1)
	case errors.Is(err, context.DeadlineExceeded):
		s.lost.Add(1)
		outcome = mayHaveRun
	case errors.Is(err, rpc.ErrUncertain):
		outcome = mayHaveRun
		s.count("uncertain")
	case errors.Is(err, rpc.ErrNodeDown), errors.Is(err, rpc.ErrNoCaller): // which a node starts last
		outcome = hasNotRun
		s.count("has not run")
	default:
		assert.Fail(s, "an error that nobody expects", "%v", err)
	}
	if number >= 0 {
		s.note(number, outcome)
	}
}

func (s *soaking) count(failure string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed[failure]++
}

// breakThings breaks one thing after the other, and has it work again, until the soak is
// over.
func (s *soaking) breakThings(random *rand.Rand, faults map[string]int, over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-time.After(upTo(random, 2*time.Second)):
		}
		link := s.links[random.IntN(len(s.links))]
		way, brief := random.IntN(2), upTo(random, 3*time.Second)
		if random.IntN(20) == 0 {
			brief = 17 * time.Second // so that it is found out
		}
		switch n := random.IntN(20); {
		case n < 8:
			faults["reset"]++
			link.reset()
		case n < 11:
			faults["one side reset"]++
			link.resetOne(way)
			time.Sleep(brief)
			link.goOn()
		case n < 14:
			faults["stalled"]++
			link.stall(way)
			time.Sleep(brief)
			link.goOn()
		case n < 16:
			faults["slow"]++
			link.slow(4<<10, 5*time.Millisecond)
			time.Sleep(brief)
			link.slow(64<<10, 0)
		case n < 19:
			faults["frozen"]++
			node := s.nodes[random.IntN(2)]
			_ = node.Process.Signal(syscall.SIGSTOP)
			time.Sleep(brief)
			_ = node.Process.Signal(syscall.SIGCONT)
		default:
			faults["killed"]++
			s.nodes[1].kill(s.T)
			s.nodes[1] = startNode(s, s.nodes[1].address)
		}
	}
}
