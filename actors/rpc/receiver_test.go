package rpc

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc/internal/wire"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// receiver is a node whose answers are kept instead of sent.
type receiver struct {
	*node
	clerk   *actors.Caller
	answers chan *wire.Envelope
	errors  *errorCount
}

// errorCount is the logger of a node, and how many errors of this package it was
// given: as when a panic was caught. The panics of functions are none of them.
type errorCount struct {
	slog.Handler
	n atomic.Int64
}

func (e *errorCount) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelError
}

func (e *errorCount) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "rpc: ") {
		e.n.Add(1)
	}
	return nil
}

func newReceiver(tb testing.TB) *receiver {
	errors := &errorCount{Handler: slog.DiscardHandler}
	system := actor.NewActorSystem(func(config *actor.Config) {
		config.LoggerFactory = func(*actor.ActorSystem) *slog.Logger { return slog.New(errors) }
		config.DeadLetterThrottleInterval = time.Microsecond
	})
	r := &receiver{answers: make(chan *wire.Envelope, 100), errors: errors}
	system.ProcessRegistry.Address = "there"
	system.ProcessRegistry.RegisterAddressResolver(func(*actor.PID) (actor.Process, bool) { return r, true })
	r.node = nodeOf(system)
	require.NoError(tb, Handle(system, "echo", func(_ context.Context, s string) (string, error) { return s, nil }))
	var err error
	r.clerk, err = actors.Start(system, props.Name("clerk"))
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, r.clerk.StopWait(context.Background())) })
	return r
}

// SendUserMessage implements [actor.Process] for whatever is sent to other nodes.
func (r *receiver) SendUserMessage(_ *actor.PID, message any) {
	for _, e := range unpacked(message) {
		select {
		case r.answers <- e:
		default:
		}
	}
}

// get has the node receive an envelope from the node here.
func (r *receiver) get(e *wire.Envelope) { r.getFrom("here", e) }

func (r *receiver) getFrom(address string, e *wire.Envelope) {
	r.getBundle(address, packed(e))
}

func (r *receiver) getBundle(address string, bundle *wire.Bundle) {
	r.node.SendUserMessage(r.system.NewLocalPID(processID), &actor.MessageEnvelope{
		Message: bundle, Sender: actor.NewPID(address, processID),
	})
}

func request(version uint32, generation, number uint64) *wire.Envelope {
	return &wire.Envelope{
		Version: version, Generation: generation, Call: number,
		Request: &wire.Request{
			Function: "echo", Caller: "callers/clerk",
			Argument: &wire.Payload{Encoding: "json", Data: []byte(`"x"`)},
		},
	}
}

func streamRequest(window uint32) *wire.Envelope {
	e := request(wire.Version, 1, 1)
	e.GetRequest().Function, e.GetRequest().Window = "stream", window
	return e
}

// packed returns envelopes as they travel.
func packed(all ...*wire.Envelope) *wire.Bundle {
	bundle, err := wire.Pack(all)
	if err != nil {
		panic(err)
	}
	return bundle
}

// unpacked returns what a message holds.
func unpacked(message any) (all []*wire.Envelope) {
	_, content, _ := actor.UnwrapEnvelope(message)
	for e, err := range content.(*wire.Bundle).All() {
		if err != nil {
			panic(err)
		}
		all = append(all, proto.Clone(e).(*wire.Envelope))
	}
	return all
}
