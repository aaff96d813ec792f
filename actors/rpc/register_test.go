package rpc_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
)

const (
	// shortRegisters is how long the test of registers lasts without -rpc.soak.
	shortRegisters = 15 * time.Second
	// registers and shortNumber are how many there are, with and without it.
	registers, shortNumber = 1000, 50
	// operationTimeout is how long an operation may take.
	operationTimeout = 15 * time.Second
)

// access is an operation on an account.
type access struct {
	account, function, value string
}

// registerModel is what an account has to be: it has the value that was put last.
var registerModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) (parts [][]porcupine.Operation) {
		byAccount := make(map[string][]porcupine.Operation)
		for _, o := range history {
			account := o.Input.(access).account
			byAccount[account] = append(byAccount[account], o)
		}
		for _, part := range byAccount {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		a := input.(access)
		if a.function == "put" {
			return true, a.value
		}
		return output == state, state
	},
}

// history is what was seen of the accounts.
type history struct {
	mu         sync.Mutex
	operations []porcupine.Operation
	outcomes   map[string]int
}

// hasNoEffect reports whether an operation with that error has changed nothing.
func hasNoEffect(err error) bool {
	return errors.Is(err, errStale) || errors.Is(err, rpc.ErrActivation) || errors.Is(err, rpc.ErrNoMember) ||
		errors.Is(err, rpc.ErrNodeDown) && !errors.Is(err, rpc.ErrUncertain) || errors.Is(err, rpc.ErrNoCaller)
}

// access makes an operation by a member, and notes what is known of it.
func (h *healing) access(began time.Time, s *history, client, by int, a access) {
	ctx, cancel := context.WithTimeout(h.Context(), operationTimeout)
	defer cancel()
	o := porcupine.Operation{ClientId: client, Input: a, Call: int64(time.Since(began))}
	output, err := h.ofAccountBy(ctx, by, a.account, a.function, a.value).Wait(ctx)
	o.Output, o.Return = output, int64(time.Since(began))
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.outcomes[a.function]++
	case hasNoEffect(err):
		s.outcomes["no effect"]++
		if errors.Is(err, errStale) {
			s.outcomes["refused by the fence"]++
		}
		return
	case a.function == "get":
		s.outcomes["get failed"]++
		return
	default:
		s.outcomes["put uncertain"]++
		o.Return = math.MaxInt64 // it may have its effect at any time
	}
	s.operations = append(s.operations, o)
}

// use has accounts used until over is closed.
func (h *healing) use(seed uint64, number int, over <-chan struct{}) *history {
	s, began := &history{outcomes: make(map[string]int)}, time.Now()
	var all sync.WaitGroup
	for client := range 12 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(1+client))) //nolint:gosec // It is small.
			for n := 0; ; n++ {
				select {
				case <-over:
					return
				case <-time.After(upTo(random, 20*time.Millisecond)):
				}
				a := access{account: fmt.Sprint(random.IntN(number)), function: "get"}
				if random.IntN(2) == 0 {
					a.function, a.value = "put", fmt.Sprintf("%d.%d", client, n)
				}
				h.access(began, s, client, random.IntN(len(h.nodes)), a)
			}
		})
	}
	all.Wait()
	return s
}

// breakMembers breaks one thing after the other, until over is closed. cut and mend are nil
// where there is no network of the test's own.
func (h *healing) breakMembers(seed uint64, over <-chan struct{}, cut, mend func(i int)) map[string]int {
	random, counts := rand.New(rand.NewPCG(seed, 0)), make(map[string]int)
	brief := func() { time.Sleep(time.Second + upTo(random, faultLasts)) }
	for {
		select {
		case <-over:
			return counts
		case <-time.After(upTo(random, 3*time.Second)):
		}
		i := random.IntN(len(h.nodes))
		switch n := random.IntN(10); {
		case n < 4:
			counts["frozen"]++
			h.signal(i, syscall.SIGSTOP)
			brief()
			h.signal(i, syscall.SIGCONT)
		case n < 6:
			counts["killed"]++
			h.nodes[i].kill(h.T)
			h.start(i)
			h.nodes[i].listens(h)
		case n < 9 && cut != nil:
			counts["partition"]++
			cut(i)
			brief()
			mend(i)
		default:
			counts["etcd frozen"]++
			h.etcd.Freeze()
			brief()
			h.etcd.Thaw()
		}
	}
}

// checkFences looks at all writes that etcd has accepted.
func (h *healing) checkFences() (writes int) {
	client := etcdClient(h, h.etcd.Address)
	got, err := client.Get(h.Context(), "/accounts/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	require.NoError(h, err)
	ctx, cancel := context.WithCancel(h.Context())
	defer cancel()
	last := make(map[string]uint64)
	for answer := range client.Watch(ctx, "/accounts/", clientv3.WithPrefix(), clientv3.WithRev(1)) {
		require.NoError(h, answer.Err())
		for _, event := range answer.Events {
			number, _, _ := strings.Cut(string(event.Kv.Value), " ")
			fence, err := strconv.ParseUint(number, 10, 64)
			require.NoError(h, err)
			key := string(event.Kv.Key)
			require.GreaterOrEqual(h, fence, last[key], "an old fence was accepted for %s", key)
			last[key] = fence
			writes++
		}
		if len(answer.Events) == 0 || int64(len(last)) == got.Count && answer.Events[len(answer.Events)-1].Kv.ModRevision >= h.lastWrite(client) {
			break
		}
	}
	return writes
}

// lastWrite returns the revision of the last write of an account.
func (h *healing) lastWrite(client *clientv3.Client) int64 {
	got, err := client.Get(h.Context(), "/accounts/", clientv3.WithPrefix(), clientv3.WithKeysOnly(),
		clientv3.WithSort(clientv3.SortByModRevision, clientv3.SortDescend), clientv3.WithLimit(1))
	require.NoError(h, err)
	require.NotEmpty(h, got.Kvs)
	return got.Kvs[0].ModRevision
}

// registersUnderFaults has accounts used while members break. It checks that each was one
// register, and that no write with an old fence was accepted.
func registersUnderFaults(t *testing.T, h *healing, cut, mend func(i int)) {
	length, number := cmp.Or(*soak, shortRegisters), shortNumber
	if *soak > 0 {
		number = registers
	}
	seed := seedOf(t)
	t.Log("seed:", seed)
	over := after(length)
	faults := make(chan map[string]int)
	go func() { faults <- h.breakMembers(seed, over, cut, mend) }()
	s := h.use(seed, number, over)
	t.Logf("faults: %v; operations: %v", <-faults, s.outcomes)
	h.heals(time.Now())
	s.mu.Lock()
	defer s.mu.Unlock()
	assert.Positive(t, s.outcomes["put"])
	assert.Positive(t, s.outcomes["get"])
	t.Logf("%d writes were accepted, none of them with an old fence", h.checkFences())
	result := porcupine.CheckOperationsTimeout(registerModel, s.operations, 5*time.Minute)
	assert.Equal(t, porcupine.Ok, result, "not all accounts were registers")
}
