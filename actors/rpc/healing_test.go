package rpc_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/etcdtest"
)

const (
	// healsWithin is how long after a fault all members are in all lists, and calls go
	// everywhere; and some for a machine that is busy.
	healsWithin = 10*time.Second + 10*time.Second
	// faultLasts is longer than the leases of etcd and of the members.
	faultLasts = 8 * time.Second
)

// healing is a cluster of three members, which a process calls that is none.
type healing struct {
	*testing.T
	etcd    *etcdtest.Server
	system  *actor.ActorSystem // of the process that calls
	notes   string             // the file of what has run
	command func(i int) *exec.Cmd
	nodes   [3]*other
	listen  [3]string
}

// newHealing starts the cluster.
func newHealing(t *testing.T, system *actor.ActorSystem) *healing {
	h := &healing{T: t, system: system, etcd: etcdtest.Start(t)}
	h.command = func(int) *exec.Cmd { return exec.Command(os.Args[0]) }
	for i := range h.nodes {
		h.listen[i] = freeAddress(t)
	}
	h.startAll()
	return h
}

func (h *healing) startAll() {
	h.notes = filepath.Join(h.TempDir(), "notes")
	for i := range h.nodes {
		h.start(i)
	}
	for _, node := range h.nodes {
		node.listens(h)
	}
	h.heals(time.Now())
}

func (h *healing) start(i int) {
	h.nodes[i] = launchBy(h, h.command(i), nodeVariable+"=healing", etcdNodeVariable+"="+h.etcd.Address,
		listenVariable+"="+h.listen[i], notesVariable+"="+h.notes, "ETCD_CLIENT_DEBUG=fatal")
}

func (h *healing) signal(i int, s syscall.Signal) { require.NoError(h, h.nodes[i].Process.Signal(s)) }

// heals waits until all members are in all lists, and calls go everywhere, and returns how
// long that has taken.
func (h *healing) heals(since time.Time) time.Duration {
	ctx, cancel := context.WithDeadline(h.Context(), since.Add(healsWithin))
	defer cancel()
	want := slices.Sorted(slices.Values(h.listen[:]))
	for {
		problem := ""
		for i := range h.nodes {
			problem = cmp.Or(problem, h.problemOf(ctx, i, want))
		}
		if problem == "" {
			return time.Since(since)
		}
		require.NoError(h, ctx.Err(), problem)
		pause(h.T)
	}
}

// problemOf returns what a member does not know or reach, empty if there is nothing.
func (h *healing) problemOf(ctx context.Context, i int, want []string) string {
	for _, function := range []string{"members", "reach"} {
		got, err := rpc.Call[struct{}, []string](ctx, h.system, h.at(i), function, struct{}{}).Wait(ctx)
		if err != nil {
			return fmt.Sprintf("%s of %s: %v", function, h.listen[i], err)
		}
		if !slices.Equal(slices.Compact(got), want) {
			return fmt.Sprintf("%s of %s: %v", function, h.listen[i], got)
		}
	}
	return ""
}

func (h *healing) at(i int) rpc.Target { return rpc.At(h.listen[i], "callers/clerk") }

// traffic is what is called while something breaks.
type traffic struct {
	stop     func()
	mu       sync.Mutex
	outcomes map[string]int
	noted    map[int]bool // the calls that have succeeded, and those of them with a key
	keyed    map[int]bool
}

// call has calls made until stop is called: of identities, by each of the members.
func (h *healing) call() *traffic {
	t := &traffic{outcomes: make(map[string]int), noted: make(map[int]bool), keyed: make(map[int]bool)}
	over := make(chan struct{})
	var all sync.WaitGroup
	for worker := range 6 {
		all.Go(func() {
			for n := worker; ; n += 6 {
				select {
				case <-over:
					return
				case <-time.After(upTo(rand.New(rand.NewPCG(uint64(n), 0)), 40*time.Millisecond)): //nolint:gosec // It is small.
					h.once(t, worker%len(h.nodes), entry{fmt.Sprint(n % identitiesReached), n, worker%2 == 0})
				}
			}
		})
	}
	t.stop = sync.OnceFunc(func() {
		close(over)
		all.Wait()
	})
	h.Cleanup(t.stop)
	return t
}

func (h *healing) once(t *traffic, by int, o entry) {
	ctx, cancel := context.WithTimeout(h.Context(), time.Minute)
	defer cancel()
	_, err := rpc.Call[entry, int](ctx, h.system, h.at(by), "forward", o).Wait(ctx)
	outcome := "succeeded"
	switch {
	case err == nil:
	case ctx.Err() != nil: // else it is honest that the deadline of a request to the etcd has passed
		outcome = "lost"
		h.Logf("lost: %+v by %d: %v", o, by, err)
	case errors.Is(err, rpc.ErrUncertain):
		outcome = "uncertain"
	case errors.Is(err, rpc.ErrLeaseLost), errors.Is(err, rpc.ErrExpelled):
		outcome = "interrupted"
	default:
		outcome = "failed"
		h.Logf("failed: %+v by %d: %v", o, by, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.outcomes[outcome]++
	t.noted[o.Number] = err == nil
	t.keyed[o.Number] = o.Keyed
}

// check compares what has run with what is known of the calls, and logs it.
func (h *healing) check(t *traffic, healed time.Duration) {
	text, err := os.ReadFile(h.notes)
	require.NoError(h, err)
	runs := make(map[string]int)
	for line := range strings.Lines(string(text)) {
		runs[strings.TrimSpace(line)]++
	}
	twice, twiceKeyed := 0, 0
	for n, succeeded := range t.noted {
		ran := runs[fmt.Sprint(n)]
		assert.False(h, succeeded && ran == 0, "call %d has succeeded without a run", n)
		switch {
		case ran > 1 && t.keyed[n]:
			twiceKeyed++
		case ran > 1:
			twice++
		}
	}
	assert.Zero(h, t.outcomes["lost"], "calls that did not end")
	assert.Zero(h, twice, "calls without a key that ran twice")
	h.Logf("healed after %.1f s; calls: %v; run twice: %d, with a key %d",
		healed.Seconds(), slices.Sorted(maps.Keys(t.outcomes)), twice, twiceKeyed)
	h.Logf("calls: %v", t.outcomes)
}

// faults are what a cluster heals from. Each returns when the fault has passed, from when
// the time counts.
var faults = map[string]func(h *healing) time.Time{
	"a member is frozen": func(h *healing) time.Time {
		h.signal(0, syscall.SIGSTOP)
		time.Sleep(faultLasts)
		h.signal(0, syscall.SIGCONT)
		return time.Now()
	},
	"etcd is frozen": func(h *healing) time.Time {
		h.etcd.Freeze()
		time.Sleep(faultLasts)
		h.etcd.Thaw()
		return time.Now()
	},
	"etcd is away": func(h *healing) time.Time {
		h.etcd.Kill()
		time.Sleep(faultLasts)
		h.etcd.Restart()
		return time.Now()
	},
	"a member is killed": func(h *healing) time.Time {
		h.nodes[0].kill(h.T)
		time.Sleep(faultLasts / 4) // its lease lasts
		h.start(0)
		passed := time.Now()
		h.nodes[0].listens(h)
		return passed
	},
	"all members restart": func(h *healing) time.Time {
		for i, node := range h.nodes {
			node.leave(h.T)
			h.start(i)
			h.nodes[i].listens(h)
		}
		return time.Now()
	},
}

// Ten seconds after a fault has passed all members are in all lists, and calls go
// everywhere.
func TestMembersHeal(t *testing.T) {
	alone(t, func(t *testing.T) {
		system := listen(t)
		for name, fault := range faults {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := newHealing(t, system)
				traffic := h.call()
				healed := h.heals(fault(h))
				traffic.stop()
				h.check(traffic, healed)
			})
		}
	})
}
