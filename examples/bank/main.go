// Command bank moves money between accounts that are ordinary protoactor
// actors, and checks that none gets lost:
//
//	go run ./examples/bank -accounts 10 -transfers 1000 -seed 1
//
// An account is an actor with a Receive. One option makes it a caller as well. Then
// functions can be scheduled on it, and run between its messages. A transfer is such
// a function, of the account that pays. It waits for a function of the account that
// is paid. That one may well wait for the first in a transfer of its own. If a wait
// blocked the account, there would soon be a deadlock. But a function that waits
// gives its turn away.
//
// Read account.go first, where a transfer is, then bank.go. main.go calls no caller.
//
//	main.go     the command line, and what is printed
//	bank.go     the business of a bank: transfers, messages, an audit
//	account.go  the actor
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/seed-7fcaac1b/protocaller/examples/internal/cli"
)

const usage = `usage: bank [-accounts N] [-transfers N] [-seed N]

Moves money between accounts, all at the same time, while deposits, withdrawals,
a freeze and the closing of an account come in between. Prints what happened,
and whether the sum of the balances is what it should be. Ctrl-C ends the day
early: transfers that have not begun are cancelled, and the sum is checked.

The exit status is 0, or 1 if the sum is wrong or cannot be written, 2 if the
command line is wrong, 130 after Ctrl-C.

  -accounts N   how many accounts there are, at least 2 (default 10)
  -transfers N  how many transfers are asked for (default 1000)
  -seed N       decides who pays whom how much (default 1)
`

const command = "bank"

var (
	errInterrupted = cli.Interrupted("interrupted before all transfers were made")
	errWrongSum    = errors.New("the sum of the balances is wrong")
)

func main() { os.Exit(run(cli.UntilSignal(), os.Args[1:], os.Stdout, os.Stderr)) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (status int) {
	return cli.Exit(command, runBank(ctx, args, stdout, stderr), stderr)
}

func runBank(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		_, err := io.WriteString(stdout, usage)
		return err
	}
	if err != nil {
		return cli.Usage(err)
	}
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}))
	b, err := newBank(ctx, system, o)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "accounts   %d, with %d each\n", o.accounts, opening); err != nil {
		return err
	}
	r, err := b.day(ctx, o.transfers)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(stdout, r.String()); err != nil {
		return err
	}
	switch {
	case r.sum != r.want:
		return errWrongSum
	case r.interrupted > 0 || r.transfers < o.transfers:
		return errInterrupted
	default:
		return nil
	}
}

type options struct {
	accounts, transfers int
	seed                uint64
}

func parse(args []string) (o options, err error) {
	flags := flag.NewFlagSet("bank", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run prints the error
	flags.IntVar(&o.accounts, "accounts", 10, "")
	flags.IntVar(&o.transfers, "transfers", 1000, "")
	flags.Uint64Var(&o.seed, "seed", 1, "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case flags.NArg() > 0:
		return o, fmt.Errorf("%q is no flag; try -help", flags.Arg(0))
	case o.accounts < 2:
		return o, fmt.Errorf("-accounts %d: at least 2 are needed", o.accounts)
	case o.transfers < 0:
		return o, fmt.Errorf("-transfers %d: must not be negative", o.transfers)
	}
	return o, nil
}

// String returns the report.
func (r result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "transfers  %d asked for, %d done\n", r.transfers, r.done)
	if r.interrupted > 0 {
		fmt.Fprintf(&b, "cancelled  %d, because of the interrupt\n", r.interrupted)
	}
	fmt.Fprintf(&b, "refused    %d for want of money, %d by the frozen account, %d by the closed one\n",
		r.tooPoor, r.frozen, r.closed)
	fmt.Fprintf(&b, "put back   %d times, because the other account refused\n", r.putBack)
	fmt.Fprintf(&b, "waiting    up to %d transfers of one account at the same time\n", r.mostWaiting)
	fmt.Fprintf(&b, "messages   %d sent, %d obeyed: %d paid in, %d paid out\n", r.messages, r.obeyed, r.paidIn, r.paidOut)
	if r.sum != r.want {
		fmt.Fprintf(&b, "sum        %d, WRONG: it should be %d\n", r.sum, r.want)
	} else {
		fmt.Fprintf(&b, "sum        %d, as it should be\n", r.sum)
	}
	return b.String()
}
