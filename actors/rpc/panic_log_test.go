package rpc_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors/actorstest"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/pending"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// logText keeps what is logged.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// stacks returns the lines that have a stack.
func (l *logText) stacks() (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, " stack=") {
			found = append(found, line)
		}
	}
	return found
}

func TestPanicIsLoggedToTheCallerThatServes(t *testing.T) {
	log := &logText{}
	onBothNetworks(t, func(t *testing.T, s *scene) {
		before := len(log.stacks())
		require.ErrorContains(t, failure[int](t, s.here, s.target, "panic", struct{}{}), "boom")
		stacks := log.stacks()[before:]
		require.Len(t, stacks, 1)
		for _, text := range []string{"level=ERROR", "clerk", "function=panic", "panic=boom", "scene_test.go"} {
			assert.Contains(t, stacks[0], text)
		}
	}, props.Logger(slog.New(slog.NewTextHandler(log, nil))))
}

func TestPanicValueThatContainsItselfTravels(t *testing.T) {
	inMemory(t, func(t *testing.T, s *scene) {
		require.NoError(t, rpc.Handle(s.there, "cycle", func(context.Context, int) (int, error) {
			cycle := []any{nil}
			cycle[0] = cycle
			panic(cycle)
		}))
		crash := (*pending.PanicError)(nil)
		require.ErrorAs(t, failure[int](t, s.here, s.target, "cycle", 1), &crash)
	})
}

func TestAPanicInAHookOfAnIdentityIsLoggedWithItsStack(t *testing.T) {
	hooks := map[string]struct {
		make func(context.Context, string) (*cart, error)
		save func(context.Context, string, *cart) error
	}{
		"make": {func(context.Context, string) (*cart, error) { panic("no disk") }, func(context.Context, string, *cart) error { return nil }},
		"save": {newCart, func(context.Context, string, *cart) error { panic("no disk") }},
	}
	for name, hook := range hooks {
		t.Run(name, func(t *testing.T) {
			alone(t, func(t *testing.T) {
				log := &logText{}
				system := actorstest.NewSystem(t)
				require.NoError(t, handleCarts(system))
				c, leave := join(t, system, kindOf(t, system, "cart", hook.make, rpc.Idle(time.Hour),
					rpc.CallerOptions(props.Logger(slog.New(slog.NewTextHandler(log, nil)))), rpc.Passivated(hook.save)))
				_, _ = add(t, c, "alice", "tea")
				require.NoError(t, leave(context.Background()))
				stacks := log.stacks()
				require.Len(t, stacks, 1)
				for _, text := range []string{"level=ERROR", "identity=cart/alice", "no disk", "panic_log_test.go"} {
					assert.Contains(t, stacks[0], text)
				}
			})
		})
	}
}
