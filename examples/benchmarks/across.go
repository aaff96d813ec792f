package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/actors/rpc"
	"github.com/seed-7fcaac1b/protocaller/props"
)

const (
	// inFlight is how many calls are under way at a time, callsOfEach how many each
	// of those who call makes one after the other.
	inFlight, callsOfEach = 64, 16
	callsAcross           = inFlight * callsOfEach
)

// nodes are two of them: this process, and one that it has started. protoactor's
// remote may be started once in a process.
type nodes struct {
	system  *actor.ActorSystem
	address string // of the other one
}

var twoNodes = sync.OnceValue(func() nodes {
	n := nodes{system: newSystem()}
	stop := must(rpc.Start(n.system, "127.0.0.1:0"))
	cmd := exec.Command(must(os.Executable()), nodeFlag)
	input := must(cmd.StdinPipe()) // whose end, also with this process, is that of the other one
	output := must(cmd.StdoutPipe())
	check(cmd.Start())
	n.address = strings.TrimSpace(must(bufio.NewReader(output).ReadString('\n')))
	endNodes = func() {
		stop()
		_ = input.Close()
		_ = cmd.Wait()
	}
	return n
})

// nodeFlag has the program be the other node.
const nodeFlag = "-node"

// endNodes ends them, if there are any.
var endNodes = func() {}

// serve is the other node, until its standard input ends.
func serve(w io.Writer) error {
	system := newSystem()
	must(rpc.Start(system, "127.0.0.1:0"))
	check(rpc.Handle(system, "echo", func(_ context.Context, s *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
		return s, nil
	}))
	must(actors.Start(system, props.Name("clerk")))
	must(system.Root.SpawnNamed(actor.PropsFromFunc(func(ctx actor.Context) {
		if s, ok := ctx.Message().(*wrapperspb.StringValue); ok {
			ctx.Respond(s)
		}
	}), "echo"))
	fmt.Fprintln(w, system.Address())
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func callAcross(b *testing.B) {
	n, ctx, hello := twoNodes(), context.Background(), wrapperspb.String("hello")
	target := rpc.At(n.address, "callers/clerk")
	across(b, func() {
		must(rpc.Call[*wrapperspb.StringValue, *wrapperspb.StringValue](ctx, n.system, target, "echo", hello).Wait(ctx))
	})
}

func requestAcross(b *testing.B) {
	n, hello := twoNodes(), wrapperspb.String("hello")
	across(b, func() {
		must(n.system.Root.RequestFuture(actor.NewPID(n.address, "echo"), hello, time.Minute).Result())
	})
}

// across makes calls, inFlight of them at a time.
func across(b *testing.B, call func()) {
	for b.Loop() {
		var all sync.WaitGroup
		for range inFlight {
			all.Go(func() {
				for range callsOfEach {
					call()
				}
			})
		}
		all.Wait()
	}
}
