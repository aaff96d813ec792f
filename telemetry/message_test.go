package telemetry_test

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-7fcaac1b/protocaller/telemetry/tracetest"
)

func TestSpanOfAMessageHasTheDestinationWithoutWhatWasMadeUp(t *testing.T) {
	for id, want := range map[string]string{
		"orders": "send orders", "$1f": "send {id}", "orders/$1f": "send orders/{id}", "worker$2~": "send worker{id}",
		"$1/router/$2": "send {id}/router/{id}", "price$": "send price$", "us$ account": "send us$ account", "": "send", "/": "send /",
		"$": "send $", "a$b$c": "send a$b{id}", noText: "send no\uFFFDtext",
	} {
		r := tracetest.NewRecorder()
		system := newSystem()
		r.Telemetry().Root(t.Context(), system.Root).Send(system.NewLocalPID(id), &ping{})
		require.Len(t, r.Spans(), 1)
		assert.Equal(t, want, r.Spans()[0].Name())
		a := attributesOf(r.Spans()[0])
		assert.NotContains(t, a, "server.address")
		_, generated := a["messaging.destination.template"]
		assert.Equal(t, generated, a["messaging.destination.anonymous"] == "true")
	}
}

func TestMessageToAnotherNodeSaysWhere(t *testing.T) {
	r := tracetest.NewRecorder()
	system := newSystem()
	root := r.Telemetry().Root(t.Context(), system.Root)
	root.Send(actor.NewPID("shop.example:8090", "orders"), &ping{})
	a := attributesOf(r.Spans()[0])
	assert.Equal(t, "shop.example", a["server.address"])
	assert.Equal(t, "8090", a["server.port"])
}
