package props_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

func quiet(config *actor.Config) {
	config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(slog.DiscardHandler) }
}

// A library in C that keeps its state by thread is used by one caller: all its
// functions are on one thread, also after they have waited.
func ExampleBackend() {
	ctx := context.Background()
	c, _ := actors.Start(actor.NewActorSystem(quiet), props.Name("library"), props.Backend(props.Thread))
	defer c.Stop()
	fmt.Println(c)

	p := actors.CallSoon(ctx, c, func(ctx context.Context) (string, error) {
		// Here a session of the library would be opened,
		text, err := actors.ToThread(ctx, c, func(context.Context) (string, error) { return "text", nil }).Wait(ctx)
		// and here, on the same thread, it would be used.
		return strings.ToUpper(text), err
	})
	fmt.Println(p.Wait(ctx))

	kid, _ := c.Child(props.Name("kid"))
	_, err := c.Child(props.Name("kid"), props.Backend(props.Goroutine))
	fmt.Println(kid.Backend(), err)
	// Output:
	// <Caller 🏃 running name="library" id="callers/library" backend=thread>
	// TEXT <nil>
	// thread actors: child callers/library/kid: props: Backend(goroutine): the existing child runs on backend thread
}

// The main goroutine calls the functions that it receives. Programs do so whose
// libraries insist on the main thread.
func ExampleChannelHost() {
	ctx := context.Background()
	functions, closed := make(chan func()), make(chan struct{})
	c, _ := actors.Start(actor.NewActorSystem(quiet),
		props.HostedBy(props.ChannelHost("main", functions, closed)))

	title := "" // belongs to the loop
	go func() {
		defer close(closed)
		p := actors.CallSoon(ctx, c, func(ctx context.Context) (string, error) {
			title = "loading"
			text, err := actors.ToThread(ctx, c, func(context.Context) (string, error) { return "Moby-Dick", nil }).
				Wait(ctx) // the loop does other things meanwhile
			title = text
			return title, err
		})
		fmt.Println(p.Wait(ctx))
	}()

	for open := true; open; {
		select {
		case fn := <-functions:
			fn()
		case <-closed:
			open = false
		}
	}
	fmt.Println("the title is", title)
	<-c.Stopped() // as it has nothing left to run on
	// Output:
	// Moby-Dick <nil>
	// the title is Moby-Dick
}

// queue is a host of one's own: the queue of events of some toolkit.
type queue struct{ events chan func() }

func (q queue) Name() string   { return "toolkit" }
func (q queue) Post(fn func()) { q.events <- fn }

func ExampleHostedBy() {
	ctx := context.Background()
	toolkit := queue{make(chan func(), 16)}
	c, _ := actors.Start(actor.NewActorSystem(quiet), props.Name("window"), props.HostedBy(toolkit))
	fmt.Println(c)

	p := actors.CallSoon(ctx, c, func(context.Context) (string, error) { return "drawn", nil })
	(<-toolkit.events)() // what the toolkit's loop does
	fmt.Println(p.Wait(ctx))

	// A stop does not need the loop, unless there are functions that have not returned.
	c.Stop()
	<-c.Stopped()
	fmt.Println(c.State())
	// Output:
	// <Caller 🏃 running name="window" id="callers/window" host="toolkit">
	// drawn <nil>
	// stopped
}

// printer is a publication that prints.
type printer struct{ id string }

func (p printer) Publish(topic string, data []byte) error {
	_, err := fmt.Printf("%s on %s: %s\n", p.id, topic, data)
	return err
}

func (p printer) Close() error {
	_, err := fmt.Println(p.id, "is closed")
	return err
}

func ExamplePublisher() {
	c, _ := actors.Start(actor.NewActorSystem(quiet), props.Name("kernel"),
		props.Publisher(func(id string) (props.Publication, error) { return printer{id}, nil }))
	kid, _ := c.Child(props.Name("cell"))
	silent, _ := c.Child(props.Name("silent"), props.Publisher(nil))

	_ = c.Publish("status", []byte("busy"))
	_ = kid.Publish("stream", []byte("hello"))
	fmt.Println(silent.Publish("stream", nil))
	_ = c.StopWait(context.Background())
	fmt.Println(c.Publish("status", nil))
	// Output:
	// callers/kernel on status: busy
	// callers/kernel/cell on stream: hello
	// actors: caller has no publisher: callers/kernel/silent
	// callers/kernel/cell is closed
	// callers/kernel is closed
	// actors: publish on callers/kernel: pending: caller stopped
}
