package actors

import (
	"context"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestACallIsOneAllocation(t *testing.T) {
	assert.LessOrEqual(t, reflect.TypeFor[call[int]]().Size(), uintptr(176))
	assert.LessOrEqual(t, reflect.TypeFor[Caller]().Size(), uintptr(416))
	system := quietSystem()
	defer system.Shutdown()
	c, err := Start(system)
	require.NoError(t, err)
	defer func() { require.NoError(t, c.StopWait(context.Background())) }()
	ctx := context.Background()
	one := func(context.Context) (int, error) { return 1, nil }
	assert.LessOrEqual(t, testing.AllocsPerRun(1000, func() { _, _ = Call(ctx, c, one) }), 1.0)
	assert.LessOrEqual(t, testing.AllocsPerRun(1000, func() { _, _ = CallSoon(ctx, c, one).Wait(ctx) }), 1.0)
}
