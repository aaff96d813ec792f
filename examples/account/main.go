//go:build unix

// Command account shows that a balance stays right while its owner is frozen as it is about
// to write:
//
//	go run ./examples/account
//
// Two members of a cluster, each a process of its own, offer accounts. The balances are in
// an etcd, which this program starts. With rpc.SingleOwner an account lives on one member
// at a time. rpc.Fence is a number that grows with each owner. Each write has it, and the
// store refuses a write whose number is older than the last one.
//
// Read account.go first: that is what a program of yours would have.
//
//	account.go  the account, which writes
//	story.go    what happens to it
//	member.go   a process that has accounts
//	process.go  such a process, as the one that starts it sees it
//	etcd.go     the etcd, and the cluster that uses it
//	main.go     the command line
package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"os"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
)

const usage = `usage: account

Deposits money on an account, freezes the process that owns the account just before
it writes, has another process take over, and thaws the first. Prints who wrote what,
and whether the balance is what it should be. Takes some ten seconds.

The exit status is 0, or 1 if the balance is wrong, there is no etcd to start, or the
output cannot be written, 2 if the command line is wrong, 130 after Ctrl-C.
`

const command = "account"

var errInterrupted = cli.Interrupted("interrupted before the balance was known")

func main() { os.Exit(run(cli.UntilSignal(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	program := cli.Program[options]{Name: command, Usage: usage, Parse: parse}
	return program.Run(args, stdout, stderr, func(o options) error {
		if o.member != "" {
			return member(ctx, o.member, stdin, stdout)
		}
		return unlessInterrupted(ctx, tell(ctx, stdout))
	})
}

// options are the command line.
type options struct {
	member string // the address of the etcd, in a member that this program has started
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error
	flags.StringVar(&o.member, "member", "", "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, errors.New("account takes no arguments; try -help")
	}
	return o, nil
}

// unlessInterrupted returns err, which has another reason if ctx has ended.
func unlessInterrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return errInterrupted
	}
	return err
}
