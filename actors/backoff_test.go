package actors_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/supervision"
)

// command sends a system message to the actor of a caller, as a supervisor does.
func command(t *testing.T, c *actors.Caller, message any) {
	t.Helper()
	process, ok := c.System().ProcessRegistry.GetLocal(c.ID())
	require.True(t, ok)
	process.SendSystemMessage(c.PID(), message)
}

// about returns the lines of a log with times that are about the caller of that name.
func about(name string, log *eventLog) []string {
	return slices.DeleteFunc(log.all(), func(line string) bool { return !strings.Contains(line, " "+name+" ") })
}

// A child that goes on with its parent is not another one that has the name since.
func TestNewChildOfTheNameIsNotResumedWithTheParent(t *testing.T) {
	ways := map[string]func(t *testing.T, parent *actors.Caller) (resume func()){
		"the failure is captured further up": func(t *testing.T, parent *actors.Caller) func() {
			goOn := occupy(t, parent.Parent())
			crash(t, child(t, parent, append(supervised(supervision.Escalate()), props.Name("c"))...))
			return goOn
		},
		"the parent restarts": func(t *testing.T, parent *actors.Caller) func() {
			goOn := make(chan struct{})
			do(t.Context(), child(t, parent), func(context.Context) { <-goOn })
			c := child(t, parent, append(supervised(supervision.Escalate()), props.Name("c"))...)
			release := occupy(t, parent)
			crash(t, c)
			command(t, parent, &actor.Restart{})
			release()
			return func() { close(goOn) }
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, system *actor.ActorSystem) {
				top := start(t, system)
				parent := child(t, top, append(supervised(supervision.Escalate()), props.Name("parent"))...)
				resume := way(t, parent)
				synctest.Wait()
				for _, c := range parent.Children() {
					if c.Name() == "c" {
						c.Stop()
					}
				}
				synctest.Wait()
				log := logEvents(system)
				log.since = time.Now()
				c := child(t, parent, append(restartInAMinute, props.Name("c"))...)
				crash(t, c)
				resume()
				synctest.Wait()
				assert.Equal(t, actors.StateRunning, parent.State())
				assert.Equal(t, actors.StateStarting, c.State())
				time.Sleep(time.Hour)
				synctest.Wait()
				assert.Equal(t, []string{"0s c failed, Restart in 1m0s: boom", "1m0s c restarted: boom"}, about("c", log))
			})
		})
	}
}
