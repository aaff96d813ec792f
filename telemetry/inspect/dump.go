package inspect

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"

	"github.com/asynkron/protoactor-go/actor"
)

// DumpOn writes a snapshot to the standard error whenever the process gets one of the
// signals, as [Snapshot.String] describes it. Until stop is called the signals do not end the
// process, unless other code sees to that. Without a signal DumpOn has no effect.
//
// stop returns when no more is written. Both may be called from any goroutine, and stop any
// number of times.
func DumpOn(system *actor.ActorSystem, signals ...os.Signal) (stop func()) {
	if system == nil {
		panic("inspect: DumpOn with a nil system")
	}
	if len(signals) == 0 {
		return func() {}
	}
	return dumpOn(system, os.Stderr, signals)
}

func dumpOn(system *actor.ActorSystem, to io.Writer, signals []os.Signal) (stop func()) {
	got := make(chan os.Signal, 1)
	over, ended := make(chan struct{}), make(chan struct{})
	signal.Notify(got, signals...)
	go func() {
		defer close(ended)
		for {
			select {
			case <-got:
				dump(system, to)
			case <-over:
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		signal.Stop(got)
		close(over)
		<-ended
	})
}

func dump(system *actor.ActorSystem, to io.Writer) {
	s, err := Take(context.Background(), system)
	if err != nil {
		fmt.Fprintln(to, err)
		return
	}
	_, _ = io.WriteString(to, s.String()) // there is nobody to report an error to
}
