package telemetry_test

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/assert"
)

const pinged = "  send {id} client message.type=telemetry_test.ping\n    receive {id} server message.type=telemetry_test.ping\n"

func TestSpawningTheSamePropsOftenDoesNotStack(t *testing.T) {
	s := newTraced(t)
	t.Run("", func(t *testing.T) {
		props := actor.PropsFromFunc(echo)
		root := s.root()
		var last *actor.PID
		for range 5 {
			last = stopAtEnd(t, s.system, root.Spawn(props))
		}
		ask(t, root, last)

		untouched := stopAtEnd(t, s.system, s.system.Root.Spawn(props))
		ask(t, s.system.Root, untouched)
	})

	assert.Equal(t, "root\n"+pinged, s.tree())
}

func TestTheMiddlewareTwiceIsTheMiddleware(t *testing.T) {
	s := newTraced(t)
	t.Run("", func(t *testing.T) {
		second := s.spawn(t, actor.PropsFromFunc(echo, s.Traced(), s.Traced()))
		first := s.spawn(t, actor.PropsFromFunc(func(ctx actor.Context) {
			if _, ok := ctx.Message().(*ping); ok {
				ctx.RequestWithCustomSender(second, &ping{}, ctx.Sender())
			}
		}, s.Traced()))
		ask(t, s.root(), first)
	})

	assert.Equal(t, lines(
		"root",
		"  send {id} client message.type=telemetry_test.ping",
		"    receive {id} server message.type=telemetry_test.ping",
		"      send {id} client message.type=telemetry_test.ping",
		"        receive {id} server message.type=telemetry_test.ping",
	), s.tree())
}

func TestChildrenAndTheirChildrenAreTraced(t *testing.T) {
	s := newTraced(t)
	t.Run("", func(t *testing.T) {
		var pass func(depth int) *actor.Props
		pass = func(depth int) *actor.Props {
			if depth == 0 {
				return actor.PropsFromFunc(echo)
			}
			return actor.PropsFromFunc(func(ctx actor.Context) {
				if _, ok := ctx.Message().(*ping); ok {
					ctx.Forward(ctx.Spawn(pass(depth - 1)))
				}
			})
		}
		pid := stopAtEnd(t, s.system, s.system.Root.Spawn(pass(2).Clone(s.Traced())))
		ask(t, s.root(), pid)
	})

	assert.Equal(t, lines(
		"root",
		"  send {id} client message.type=telemetry_test.ping",
		"    receive {id} server message.type=telemetry_test.ping",
		"      send {id}/{id} client message.type=telemetry_test.ping",
		"        receive {id}/{id} server message.type=telemetry_test.ping",
		"          send {id}/{id}/{id} client message.type=telemetry_test.ping",
		"            receive {id}/{id}/{id} server message.type=telemetry_test.ping",
	), s.tree())
}
