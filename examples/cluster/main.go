// Command cluster hashes every file below a directory on the members of a cluster.
// It tells how many of them are copies, as quickstart does on the workers of one
// process:
//
//	go run . -local 3 DIR             # in this folder: four processes on one terminal
//
//	go run . DIR                      # or on one terminal
//	go run . -join 127.0.0.1:2379     # and on as many others as you like
//
// The members are a pool of protoactor's cluster, and find each other with etcd,
// which is part of this program. What differs from quickstart is where a call goes:
// rpc.Call on a pool instead of actors.ToThread on a caller. The loop over what is
// done, the tally that one caller owns, Ctrl-C and the trace are the same. Kill a
// member, and the others read its files; start another one, and it helps.
//
// Read hash.go and member.go first. main.go has nothing but the command line.
//
//	main.go     the command line
//	hash.go     the process that has the files hashed
//	member.go   a process that hashes files
//	local.go    members as children of this process
//	etcd.go     the etcd, and how to join the cluster
//	trace.go    the trace of all that, if it is asked for
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
)

const usage = `usage: cluster [-local N] [-etcd ADDRESS] [-trace] DIR
       cluster -join ADDRESS [-trace]

The first form hashes every regular file below DIR on the members of a cluster, and
prints how many files and bytes there are, how many files are copies, and how many
each member has read. What cannot be read is reported, and the run goes on. The
second form is a member, until Ctrl-C. All of them must see the same files.

The exit status is 0, or 1 if something could not be read or written or there is no
cluster, 2 if the command line or DIR is of no use, 130 after Ctrl-C.

  -local N       start N members as well, and stop them in the end
  -etcd ADDRESS  where the etcd of the cluster listens, which is started
                 (default 127.0.0.1:2379, with -local any that is free)
  -join ADDRESS  be a member of the cluster of that etcd
  -trace         send the trace to the collector, such as a Jaeger, that
                 OTEL_EXPORTER_OTLP_ENDPOINT names, as the members do then
`

const command = "cluster"

var (
	errInterrupted = cli.Interrupted("interrupted before all files were read")
	errUnreadable  = errors.New("something could not be read")
)

func main() { os.Exit(run(cli.UntilSignal(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	program := cli.Program[options]{Name: command, Usage: usage, Parse: parse}
	return program.Run(args, stdout, stderr, func(o options) error {
		if o.join != "" {
			return member(ctx, o, stdin, stdout, stderr)
		}
		return hashAll(ctx, o, stdout, stderr)
	})
}

// mostLocal is how many members a machine may be asked to run.
const mostLocal = 32

// options are the command line.
type options struct {
	dir   string
	local int
	etcd  string
	join  string
	child bool // of -local: the member ends when its standard input does
	trace bool
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("cluster", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error
	flags.IntVar(&o.local, "local", 0, "")
	flags.StringVar(&o.etcd, "etcd", "", "")
	flags.StringVar(&o.join, "join", "", "")
	flags.BoolVar(&o.child, "child", false, "")
	flags.BoolVar(&o.trace, "trace", false, "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case o.join != "" && flags.NArg() > 0:
		return o, errors.New("a member is told which files to read: -join takes no directory")
	case o.join != "":
		return o, checkAddress("-join", o.join)
	case flags.NArg() != 1:
		return o, fmt.Errorf("one directory is needed, not %d; try -help", flags.NArg())
	case o.local < 0 || o.local > mostLocal:
		return o, fmt.Errorf("-local %d: it must be from 0 to %d", o.local, mostLocal)
	}
	if o.etcd == "" && o.local == 0 {
		o.etcd = "127.0.0.1:2379"
	}
	o.dir = flags.Arg(0)
	return o, cmp.Or(checkAddress("-etcd", o.etcd), checkDir(o.dir))
}

// checkAddress returns an error if an address, unless it is empty, names no port.
func checkAddress(flag, address string) error {
	if address == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil && (port == "" || port == "0") {
		err = errors.New("a port is needed")
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", flag, address, err)
	}
	return nil
}

func checkDir(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return fmt.Errorf("%s is not a directory", dir)
	}
	return err
}
