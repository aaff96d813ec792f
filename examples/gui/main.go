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
// Read painting.go first, then loop.go and main.go.
//
//	main.go        the command line, and the life of the caller
//	loop.go        the window's loop
//	view.go        what is in the window
//	painting.go    the function that paints
//	mandelbrot.go  the workers' functions
//	printer.go     the lines that are printed
package main

import (
	"cmp"
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
	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
	"github.com/seed-7fcaac1b/protocaller/props"
)

const usage = `usage: gui [-detail N]

Paints the Mandelbrot set in a window, and prints when it begins and ends. Ctrl-C
closes the window, and prints how many rows were painted.

The exit status is 0, or 1 if there is no screen or something cannot be printed,
2 if the command line is of no use, 130 after Ctrl-C.

  -detail N  iterate N times before a point is taken for one of the set (default 1000)
`

const command = "gui"

var errInterrupted = cli.Interrupted("interrupted")

func main() {
	ctx := cli.UntilSignal()
	go func() { os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr)) }()
	app.Main() // needs the main goroutine on some systems, and never returns
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	program := cli.Program[int]{Name: command, Usage: usage, Parse: parse}
	return program.Run(args, stdout, stderr, func(detail int) error {
		return show(ctx, detail, stdout, stderr)
	})
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

// show shows the window until it is closed, which the end of ctx does too.
func show(ctx context.Context, detail int, stdout, stderr io.Writer) error {
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
	ctx, end := context.WithCancel(ctx)
	defer end()
	v := newView(c, detail, &printer{w: stdout, end: end})
	v.start()
	err = loop.run(ctx, c, v.layout)
	if err == nil && ctx.Err() != nil {
		v.report(fmt.Sprintf("%d of %d rows", v.rows, pictureHeight)) // what was done so far
		err = errInterrupted
	}
	return cmp.Or(v.log.failed, err, actors.Shutdown(context.Background(), system))
}
