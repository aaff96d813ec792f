package actors_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// Nested groups, loops, cancellations and failures at random: everything ends
// as, and when, the model says. A bubble has no goroutine left at its end.
func TestRandomGroupsDoAsTheModelSays(t *testing.T) {
	defer oneAtATime()()
	const programs = 50
	for _, seed := range seeds(t) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Logf("seed %d", seed)
			for i := range uint64(programs) {
				if !checkPlan(t, (&planner{choices: newSeeded(seed, i)}).group(1), i%2 == 0) {
					t.Fatalf("program %d", i)
				}
			}
		})
	}
}

func FuzzGroups(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(randomScript(newSeeded(seed, 1)), seed%2 == 0)
	}
	f.Fuzz(func(t *testing.T, decisions []byte, inFunction bool) {
		defer oneAtATime()()
		checkPlan(t, (&planner{choices: &script{decisions[:min(len(decisions), 512)]}}).group(1), inFunction)
	})
}

// oneAtATime has goroutines run one at a time until the function returned is called.
// A group cancels its members one by one, and what a function returns meanwhile,
// on another processor, counts: the model knows nothing of that.
func oneAtATime() (restore func()) {
	before := runtime.GOMAXPROCS(1)
	return func() { runtime.GOMAXPROCS(before) }
}

// checkPlan runs a program, on this goroutine or in a function, and reports
// whether it did what the model says.
func checkPlan(t *testing.T, g *groupPlan, inFunction bool) bool {
	want := predict(g)
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(time.Minute) // for what was abandoned, and the dead letters
		system := newSystem(t)
		s := &stage{history: newHistory()}
		for i := range 3 {
			s.callers = append(s.callers, start(t, system, props.Name(fmt.Sprint(i))))
		}
		if inFunction {
			<-actors.CallSoon(t.Context(), s.callers[0], func(ctx context.Context) (int, error) {
				_ = s.run(ctx, g)
				return 0, nil
			}).Done()
		} else {
			_ = s.run(t.Context(), g)
		}
		require.NoError(t, actors.Shutdown(context.Background(), system))
		synctest.Wait()
		compare(t, want, s.history)
		if t.Failed() {
			t.Log(g)
		}
	})
	return !t.Failed()
}

// compare checks that all has come as the model says. What becomes of a function
// that is cancelled at the moment in which it returns may differ.
func compare(t *testing.T, want *model, got *history) {
	for id, end := range want.members {
		if id < 0 && end.kind == cancelling {
			end.kind = got.members[id].kind
		}
		assert.Equal(t, end, got.members[id], "member %d", id)
	}
	assert.Len(t, got.members, len(want.members))
	for id, kind := range want.groups {
		if err := got.groups[id]; !want.unclear[id] && !kind.agrees(err) {
			t.Errorf("group %d: the error should be %+v and is %v", id, kind, err)
		}
	}
	assert.Len(t, got.groups, len(want.groups))
}
