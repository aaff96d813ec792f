// Command gui paints the Mandelbrot set in a window:
//
//	go run .        # in this folder
//
// The toolkit is Gio, of which it needs, on Debian:
//
//	apt-get install pkg-config libegl-dev libgles-dev libgl1-mesa-dri libwayland-dev \
//		libx11-xcb-dev libxkbcommon-x11-dev libxcursor-dev libvulkan-dev
//
// and its tests xvfb.
//
// What is in the window belongs to a caller that the window's loop is the host
// of: its functions run between the frames. The one that paints has the rows
// computed by workers, and waits for them; that gives its turn away, and so the
// loop goes on to draw frames, and to take clicks.
//
//	main.go        the command line, and the life of the caller
//	loop.go        the window's loop
//	view.go        what is in the window
//	painting.go    the function that paints
//	mandelbrot.go  the workers' functions
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"

	"gioui.org/app"
	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/actors"
	"github.com/seed-7fcaac1b/protocaller/props"
)

const usage = `usage: gui [-detail N]

Paints the Mandelbrot set in a window, and prints when it begins and ends.

  -detail N  iterate N times before a point is taken for one of the set (default 1000)
`

func main() {
	go func() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }()
	app.Main() // needs the main goroutine on some systems, and never returns
}

func run(args []string, stdout, stderr io.Writer) (status int) {
	detail, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "gui:", err)
		return 2
	}
	if err := show(detail, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "gui:", err)
		return 1
	}
	return 0
}

func parse(args []string) (detail int, err error) {
	flags := flag.NewFlagSet("gui", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error
	flags.IntVar(&detail, "detail", 1000, "")
	switch err := flags.Parse(args); {
	case err != nil:
		return 0, err
	case flags.NArg() > 0:
		return 0, fmt.Errorf("%q is no flag; try -help", flags.Arg(0))
	case detail < 1:
		return 0, errors.New("-detail must be at least 1")
	}
	return detail, nil
}

// show shows the window until it is closed.
func show(detail int, stdout, stderr io.Writer) error {
	window := new(app.Window)
	window.Option(app.Title("Mandelbrot"), app.Size(viewWidth, viewHeight))
	loop := newLoop(window)

	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}))
	c, err := actors.Start(system, props.Name("window"),
		props.HostedBy(loop.host()), props.MaxWorkers(runtime.NumCPU()))
	if err != nil {
		return err
	}
	v := newView(c, detail, stdout)
	v.start()
	err = loop.run(c, v.layout)
	return errors.Join(err, actors.Shutdown(context.Background(), system))
}
