// Command eglthread paints with OpenGL, whose contexts are current on one thread
// at a time, on callers with and without a thread:
//
//	go run .        # in this folder
//
// It needs EGL and OpenGL ES, but no screen; on Debian:
//
//	apt-get install pkg-config libegl-dev libgles-dev libgl1-mesa-dri
//
// On the default backend the functions of a caller run on whatever goroutine, so
// EGL refuses the context to those that are on another thread than the one it is
// current on. That runtime.LockOSThread keeps one function on its thread is of no
// help to the others. On props.Thread all of them share one, whoever waits in
// between; and actors.CallUsing has some functions of a caller do so, while the
// others stay on goroutines.
//
//	main.go   what is done on each backend, and what came of it
//	paint.go  the functions of a caller
//	egl.go    the C libraries
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

// way is how the functions are run that paint.
type way struct {
	name      string
	caller    props.BackendKind
	functions props.BackendKind
}

var ways = []way{
	{"goroutine", props.Goroutine, props.Goroutine},
	{"thread", props.Thread, props.Thread},
	{"guest", props.Goroutine, props.Thread},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // so that a second Ctrl-C ends the process at once
	if err := run(ctx, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "eglthread:", err)
		os.Exit(1)
	}
}

// run paints on a caller of each kind, one after the other.
func run(ctx context.Context, stdout, stderr io.Writer) error {
	d, err := openDisplay()
	if err != nil {
		return err
	}
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}))
	err = paintInEachWay(ctx, system, d, stdout)
	return errors.Join(err, actors.Shutdown(context.WithoutCancel(ctx), system), d.close())
}

func paintInEachWay(ctx context.Context, system *actor.ActorSystem, d display, stdout io.Writer) error {
	for _, w := range ways {
		c, err := actors.Start(system, props.Name(w.name), props.Backend(w.caller))
		if err != nil {
			return err
		}
		p := painter{display: d, caller: c, way: w}
		if _, err := actors.CallUsing(ctx, c, w.functions, p.paint).Wait(ctx); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		fmt.Fprintf(stdout, "%-10s %2d of %d painted, threads used: %d", w.name, p.painted, stripes, len(p.threads))
		if p.refused != nil {
			fmt.Fprintf(stdout, ": %v", p.refused)
		}
		fmt.Fprintln(stdout)
	}
	return nil
}
