// Command callers shows the callers of another process, on a terminal. It reads the JSON that
// package inspect serves there.
//
//	go run github.com/seed-7fcaac1b/protocaller/telemetry/inspect/callers http://localhost:6060/debug/callers/ top
//
// The exit status is 0, 1 if the process does not answer as expected, and 2 for wrong
// arguments.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"time"
)

const usage = `usage: callers URL [tree | ps | waits | top | nodes | call ID]

URL is where the pages of package inspect are, as http://localhost:6060/debug/callers/

tree     the callers and what they do, as a tree, with the circles of waits (the default)
ps       one line for each call that has started
waits    which call waits for which: circles, and who stands behind them
top      the busiest callers, drawn again every two seconds, until interrupted
nodes    the other nodes of the process, and the circles of calls across nodes
call ID  one call

The pages of another node are below those of the process that knows it:
http://localhost:6060/debug/callers/nodes/10.0.0.7:4242/
`

// The exit statuses.
const (
	exitOK = iota
	exitFailed
	exitUsage
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// errUsage is the error of wrong arguments.
type errUsage string

func (e errUsage) Error() string { return string(e) + " (callers -help says more)" }

// command is what the arguments ask for.
type command struct {
	name  string
	call  uint64
	from  source
	every time.Duration // of top
}

// run does what the arguments say, and returns the exit status.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	c, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(out, usage) // there is nobody to report an error to
		return exitOK
	case err == nil:
		err = c.do(ctx, out)
	}
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(errs, "callers:", clean(err.Error()))
	if errors.As(err, new(errUsage)) {
		return exitUsage
	}
	return exitFailed
}

func parse(args []string) (c command, err error) {
	flags := flag.NewFlagSet("callers", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return c, err
	} else if err != nil {
		return c, errUsage(err.Error())
	}
	args = flags.Args()
	if len(args) == 0 {
		return c, errUsage("the URL of the pages is missing")
	}
	if c.from, err = newSource(args[0]); err != nil {
		return c, errUsage(err.Error())
	}
	c.name, c.every, args = "tree", 2*time.Second, args[1:]
	if len(args) > 0 {
		c.name, args = args[0], args[1:]
	}
	switch c.name {
	case "tree", "ps", "waits", "top":
	case "nodes":
		c.from = c.from.withNodes()
	case "call":
		if len(args) == 0 {
			return c, errUsage("call: the ID is missing")
		}
		if c.call, err = strconv.ParseUint(args[0], 10, 64); err != nil {
			return c, errUsage(fmt.Sprintf("call: %q is no ID", args[0]))
		}
		args = args[1:]
	default:
		return c, errUsage(fmt.Sprintf("there is no command %q", c.name))
	}
	if len(args) > 0 {
		return c, errUsage(fmt.Sprintf("%s: too many arguments", c.name))
	}
	return c, nil
}

// do shows what is asked for.
func (c *command) do(ctx context.Context, out io.Writer) error {
	if c.name == "top" {
		return c.top(ctx, out)
	}
	s, err := c.from.snapshot(ctx)
	if err != nil {
		return err
	}
	var text string
	switch c.name {
	case "tree":
		text = s.String()
	case "ps":
		text = processes(s)
	case "waits":
		text = waits(s)
	case "nodes":
		text = nodes(s)
	case "call":
		call := s.Call(c.call)
		if call == nil {
			return fmt.Errorf("there is no call %d now", c.call)
		}
		text = describe(s, call)
	}
	_, err = io.WriteString(out, text)
	return err
}

// clearScreen moves to the top of a terminal and clears it.
const clearScreen = "\x1b[H\x1b[2J"

// top draws the busiest callers again and again, until ctx ends.
func (c *command) top(ctx context.Context, out io.Writer) error {
	ticker := time.NewTicker(c.every)
	defer ticker.Stop()
	var before rates
	for {
		s, err := c.from.snapshot(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := io.WriteString(out, clearScreen+busiest(s, &before)); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}
