package props_test

import (
	"fmt"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

func ExampleEventStream() {
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }))
	system.EventStream.Subscribe(func(event any) {
		if p, ok := event.(props.Published); ok {
			fmt.Printf("%s on %s: %s\n", p.CallerID, p.Topic, p.Data)
		}
	})
	c, _ := actors.Start(system, props.Name("kernel"), props.Publisher(props.EventStream(system)))
	defer c.Stop()
	kid, _ := c.Child(props.Name("cell"))
	fmt.Println(c.Publish("status", []byte("busy")), kid.Publish("stream", []byte("hello")))
	// Output:
	// callers/kernel on status: busy
	// callers/kernel/cell on stream: hello
	// <nil> <nil>
}
