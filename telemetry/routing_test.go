package telemetry_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/router"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// job is a message that any router takes.
type job struct{ number int }

// Hash implements router.Hasher.
func (j *job) Hash() string { return fmt.Sprint(j.number) }

func TestTracesGoThroughRouters(t *testing.T) {
	const jobs, routees = 5, 3
	for _, test := range []struct {
		name   string
		copies int // of each message
		props  func(work actor.ReceiveFunc, group func() []*actor.PID) *actor.Props
	}{
		{"round robin pool", 1, func(work actor.ReceiveFunc, _ func() []*actor.PID) *actor.Props {
			return router.NewRoundRobinPool(routees, actor.WithFunc(work))
		}},
		{"round robin group", 1, func(_ actor.ReceiveFunc, group func() []*actor.PID) *actor.Props {
			return router.NewRoundRobinGroup(group()...)
		}},
		{"broadcast pool", routees, func(work actor.ReceiveFunc, _ func() []*actor.PID) *actor.Props {
			return router.NewBroadcastPool(routees, actor.WithFunc(work))
		}},
		{"broadcast group", routees, func(_ actor.ReceiveFunc, group func() []*actor.PID) *actor.Props {
			return router.NewBroadcastGroup(group()...)
		}},
		{"consistent hash pool", 1, func(work actor.ReceiveFunc, _ func() []*actor.PID) *actor.Props {
			return router.NewConsistentHashPool(routees, actor.WithFunc(work))
		}},
		{"consistent hash group", 1, func(_ actor.ReceiveFunc, group func() []*actor.PID) *actor.Props {
			return router.NewConsistentHashGroup(group()...)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newTraced(t)
			t.Run("", func(t *testing.T) {
				var done sync.WaitGroup
				done.Add(jobs * test.copies)
				work := func(ctx actor.Context) {
					if _, ok := ctx.Message().(*job); ok {
						done.Done()
					}
				}
				group := func() []*actor.PID {
					pids := make([]*actor.PID, routees)
					for i := range pids {
						pids[i] = s.spawn(t, actor.PropsFromFunc(work))
					}
					return pids
				}
				pid := s.root().Spawn(test.props(work, group))
				for n := range jobs {
					s.root().Send(pid, &job{n})
				}
				done.Wait()
				require.NoError(t, s.system.Root.PoisonFuture(pid).Wait())
			})

			routee := "{id}"
			if strings.HasSuffix(test.name, "pool") { // which makes its own
				routee = "{id}/router/{id}"
			}
			want := "root\n"
			for range jobs {
				want += "  send {id} producer message.type=telemetry_test.job\n"
				for range test.copies {
					want += "    receive " + routee + " consumer message.type=telemetry_test.job\n"
				}
			}
			assert.Equal(t, want, s.tree())
		})
	}
}
