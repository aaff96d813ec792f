package actorstest_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

func TestCallersEndWithTheTest(t *testing.T) {
	var running []*pending.Pending[any]
	synctest.Test(t, func(t *testing.T) {
		system := actorstest.NewSystem(t)
		started, err := actors.Start(system)
		require.NoError(t, err)
		protected, err := actors.Start(system, props.Protected())
		require.NoError(t, err)
		unstarted, err := actors.New(system)
		require.NoError(t, err)
		for _, c := range []*actors.Caller{
			started, protected, unstarted, actors.Main(system), actorstest.Start(t, system, props.Protected()),
		} {
			running = append(running, actors.CallSoon(context.Background(), c, func(ctx context.Context) (any, error) {
				return nil, actors.Sleep(ctx, time.Hour)
			}))
		}
		system.Root.Send(actor.NewPID(system.Address(), "nobody"), "a dead letter")
		synctest.Wait()
	})
	for _, p := range running {
		assert.ErrorIs(t, p.Err(), pending.ErrStopped)
	}
}

func TestSystemMayLog(t *testing.T) {
	var log strings.Builder
	actorstest.NewSystem(t, actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.NewTextHandler(&log, nil))
	}))
	assert.Contains(t, log.String(), "actor system started")
}

func TestStartThatFailsFailsTheTest(t *testing.T) {
	system := actorstest.NewSystem(t)
	actorstest.Start(t, system, props.Name("taken"))

	assert.Contains(t, fatal(t, func(tb testing.TB) { actorstest.Start(tb, system, props.Name("taken")) }),
		actor.ErrNameExists.Error())
}

// observer is the testing.TB of a test whose end and errors are seen.
type observer struct {
	testing.TB
	atEnd  []func()
	errors []string
}

func (o *observer) Helper()                   {}
func (o *observer) Cleanup(fn func())         { o.atEnd = append(o.atEnd, fn) }
func (o *observer) Error(args ...any)         { o.errors = append(o.errors, fmt.Sprint(args...)) }
func (o *observer) Errorf(f string, a ...any) { o.Error(fmt.Sprintf(f, a...)) }

func TestNoLeaksFindsAGoroutineThatIsLeft(t *testing.T) {
	leak := make(chan struct{})
	for _, test := range []struct {
		name  string
		leaks int
		do    func()
	}{
		{"nothing is left", 0, func() {}},
		{"something is left", 1, func() { go func() { <-leak }() }},
		{"something was left by an earlier test", 0, func() {}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := &observer{TB: t}
			actorstest.NoLeaks(o)
			test.do()
			for _, end := range o.atEnd {
				end()
			}
			assert.Len(t, o.errors, test.leaks)
		})
	}
	close(leak)
}
