package actors_test

import (
	"bytes"
	"context"
	"runtime/pprof"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// labelsHere returns whether a goroutine of the process has a label, as its profile shows.
func labelsHere(t *testing.T, label string) bool {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, pprof.Lookup("goroutine").WriteTo(&b, 1))
	return bytes.Contains(b.Bytes(), []byte(label))
}

func TestGoroutinesBearTheLabelsOfTheFunctionThatTheyRun(t *testing.T) {
	c := start(t, newSystem(t), props.Name("labeled"), props.ProfileLabels())
	label := `"caller":"callers/labeled"`
	var within bool
	look := func(context.Context) (err error) {
		within = labelsHere(t, label)
		return err
	}
	ctx := context.Background()
	queue := actors.NewQueue(c, func(ctx context.Context, _ int) error { return look(ctx) })
	for name, call := range map[string]func() error{
		"Do": func() error { return actors.Do(ctx, c, look) },
		"CallSoon": func() error {
			_, err := actors.CallSoon(ctx, c, actors.NoResult(look)).Wait(ctx)
			return err
		},
		"a queue": func() error {
			if err := queue.Put(1); err != nil {
				return err
			}
			return actors.Do(ctx, c, func(context.Context) error { return nil })
		},
	} {
		within = false
		require.NoError(t, call(), name)
		assert.True(t, within, name)
		assert.False(t, labelsHere(t, label), "%s: the labels stay", name)
	}
	plain := start(t, newSystem(t))
	require.NoError(t, actors.Do(ctx, plain, look))
	assert.False(t, within)
}

func TestLabelsOfTheContextAreBackAfterACall(t *testing.T) {
	c := start(t, newSystem(t), props.ProfileLabels())
	pprof.Do(context.Background(), pprof.Labels("mine", "here"), func(ctx context.Context) {
		require.NoError(t, actors.Do(ctx, c, func(context.Context) error { return nil }))
		assert.True(t, labelsHere(t, `"mine":"here"`))
	})
}
