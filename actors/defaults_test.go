package actors_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

func TestDefaultsAreForCallersWithoutAParent(t *testing.T) {
	system := newSystem(t)
	common, logger := logged()
	spans := tracetest.NewRecorder()
	before := start(t, system)
	require.NoError(t, actors.Defaults(system, logger, props.Name("no name"), props.Protected(), props.Telemetry(spans.Telemetry())))

	_, own := logged()
	made := map[string]*actors.Caller{
		"before": before, "main": stopAtEnd(t, actors.Main(system)), "without": start(t, system), "own logger": start(t, system, own),
	}
	assert.False(t, made["without"].Protected())
	assert.NotEqual(t, "no name", made["without"].Name())
	for name, c := range made {
		c.Logger().Info("it is " + name)
		result(t, actors.Schedule(context.Background(), c, returns(1), actors.Named(name)))
	}
	spans.AssertTree(t, `
		main
		own logger
		without
	`)
	assert.Equal(t, 2, strings.Count(common.String(), "it is "))
	assert.Contains(t, common.String(), "it is main")
	assert.Contains(t, common.String(), "it is without")
}

func TestDefaultsThatMakeNoSenseAreAnError(t *testing.T) {
	system := newSystem(t)
	require.Error(t, actors.Defaults(system, props.MaxWorkers(-1)))
	start(t, system)
}
