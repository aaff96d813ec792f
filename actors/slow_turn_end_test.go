package actors_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// hangVariable has TestBubbleThatHangs hang.
const hangVariable = "ACTORS_TEST_HANG"

// testing/synctest finds that a bubble hangs only while it has no timer.
func TestBubbleThatHangsStillEnds(t *testing.T) {
	if again() {
		return
	}
	for _, kind := range []string{"unseen", "nobody waits"} {
		t.Run(kind, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestBubbleThatHangs$", "-test.timeout=1m")
			cmd.Env = append(os.Environ(), hangVariable+"="+kind, backendVariable+"=goroutine")
			out, err := cmd.CombinedOutput()
			require.Error(t, err)
			assert.Contains(t, string(out), "all goroutines in bubble are blocked")
			if kind == "unseen" {
				assert.Contains(t, string(out), "turn lasts long")
			}
		})
	}
}

func TestBubbleThatHangs(t *testing.T) {
	kind := os.Getenv(hangVariable)
	if kind == "" {
		t.Skip("TestBubbleThatHangsStillEnds runs it in a process of its own, because it hangs")
	}
	synctest.Test(t, func(t *testing.T) {
		c, err := actors.Start(actor.NewActorSystem(quiet), props.Logger(slog.New(slog.NewTextHandler(os.Stdout, nil))))
		require.NoError(t, err)
		if kind == "unseen" {
			_, _ = actors.CallSoon(context.Background(), c, func(context.Context) (int, error) {
				return actors.CallSoon(context.Background(), c, returns(1)).Wait(context.Background())
			}).Wait(context.Background())
			return
		}
		_, _ = actors.CallSoon(context.Background(), c, func(context.Context) (int, error) { select {} }).Wait(context.Background())
	})
}

// A caller that has stopped, and a system that nobody uses, are not kept in memory. A turn
// was watched just before.
func TestTurnWarningKeepsNothingAlive(t *testing.T) {
	if again() {
		return
	}
	system := newSystem(t)
	caller := func() weak.Pointer[actors.Caller] {
		c, err := actors.Start(system)
		require.NoError(t, err)
		assert.Equal(t, 1, result(t, actors.CallSoon(t.Context(), c, returns(1))))
		require.NoError(t, c.StopWait(context.Background()))
		return weak.Make(c)
	}()
	keptSystem := weak.Make(system)
	collected := func(is func() bool) {
		require.Eventually(t, func() bool { runtime.GC(); return is() }, 5*time.Minute, time.Millisecond)
	}
	collected(func() bool { return caller.Value() == nil })
	runtime.KeepAlive(system)
	system = nil
	collected(func() bool { return keptSystem.Value() == nil })
}
